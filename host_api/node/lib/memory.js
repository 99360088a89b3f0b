// SPDX-License-Identifier: MIT
// Memory that C reads and writes: structs of promplug.h, laid out by hand.
//
// koffi can do this from objects, but takes 5 µs for a point with two labels where this takes less
// than one, and a collector says thousands of them on the event loop.
'use strict';

const koffi = require('koffi');
const { structs } = require('./abi');

const HIGH = 2 ** 32;
const SHORT_TEXT = 64;

// A stretch of memory that does not move: V8 never moves the store of an ArrayBuffer.
class Block {
  constructor(bytes) {
    const store = new ArrayBuffer(bytes);
    this.size = bytes;
    this.buffer = Buffer.from(store);
    this.view = new DataView(store);
    this.address = Number(koffi.address(store));
  }

  pointer(offset, value) {
    this.view.setUint32(offset, value >>> 0, true);
    this.view.setUint32(offset + 4, Math.floor(value / HIGH), true);
  }

  getPointer(offset) {
    return this.view.getUint32(offset, true) + this.view.getUint32(offset + 4, true) * HIGH;
  }
}

const WRITE = {
  u32: (block, offset, value) => block.view.setUint32(offset, value, true),
  i32: (block, offset, value) => block.view.setInt32(offset, value, true),
  u64: (block, offset, value) => block.pointer(offset, value),
  i64: (block, offset, value) => block.view.setBigInt64(offset, BigInt(Math.trunc(value)), true),
  f64: (block, offset, value) => block.view.setFloat64(offset, value, true),
  ptr: (block, offset, value) => block.pointer(offset, value),
};

const READ = {
  u32: (block, offset) => block.view.getUint32(offset, true),
  i32: (block, offset) => block.view.getInt32(offset, true),
  u64: (block, offset) => block.getPointer(offset),
  i64: (block, offset) => Number(block.view.getBigInt64(offset, true)),
  ptr: (block, offset) => block.getPointer(offset),
};

// Gives out memory piece by piece and takes it all back at once. What it gave is good until reset().
class Arena {
  constructor(bytes = 4096) {
    this._block = new Block(bytes);
    this._full = [];
    this._used = 0;
  }

  reset() {
    this._full.length = 0;
    this._used = 0;
  }

  // A struct with these fields; the others are zero. A field of kind str takes a string.
  // Returns {address, block, offset}, for read() too.
  record(layout, values) {
    const place = this.take(layout.size);
    this.fill(place, layout, values);
    return place;
  }

  // The same in a place that was taken already.
  fill({ block, offset }, layout, values) {
    block.buffer.fill(0, offset, offset + layout.size);
    if (layout.fields.struct_size !== undefined) block.view.setUint32(offset, layout.size, true);
    for (const name in values) {
      const { offset: at, kind } = layout.fields[name];
      if (kind === 'str') this._text(block, offset + at, values[name]);
      else WRITE[kind](block, offset + at, values[name]);
    }
  }

  // An array of promplug_str; 0 for none.
  texts(values) {
    if (values.length === 0) return 0;
    const { address, block, offset } = this.take(values.length * structs.str.size);
    values.forEach((value, i) => this._text(block, offset + i * structs.str.size, value));
    return address;
  }

  // An array of promplug_kv of [key, value] pairs; 0 for none.
  pairs(entries) {
    if (entries.length === 0) return 0;
    const { address, block, offset } = this.take(entries.length * structs.kv.size);
    let at = offset;
    for (const [key, value] of entries) {
      this._text(block, at, key);
      this._text(block, at + structs.str.size, value);
      at += structs.kv.size;
    }
    return address;
  }

  doubles(values) {
    return this._numbers(values, (block, offset, value) => block.view.setFloat64(offset, value, true));
  }

  counts(values) {
    return this._numbers(values, (block, offset, value) => block.pointer(offset, value));
  }

  // So many bytes, not set, aligned for any field.
  take(bytes) {
    const size = Math.ceil(bytes / 8) * 8;
    if (this._used + size > this._block.size) this._grow(size);
    const offset = this._used;
    this._used += size;
    return { address: this._block.address + offset, block: this._block, offset };
  }

  _grow(size) {
    this._full.push(this._block);
    this._block = new Block(Math.max(2 * this._block.size, size));
    this._used = 0;
  }

  _numbers(values, write) {
    if (values.length === 0) return 0;
    const { address, block, offset } = this.take(8 * values.length);
    values.forEach((value, i) => write(block, offset + 8 * i, value));
    return address;
  }

  _text(block, at, value) {
    // Three bytes of UTF-8 at most for each unit of UTF-16.
    const place = this.take(3 * value.length);
    const size = writeText(place.block.buffer, place.offset, value);
    if (place.block === this._block) this._used = place.offset + Math.ceil(size / 8) * 8;
    block.pointer(at, size === 0 ? 0 : place.address);
    block.pointer(at + 8, size);
  }
}

// Writes UTF-8 and returns its size. Short texts of ASCII, which names and most labels are, take a
// tenth of what Buffer.write() takes for them.
function writeText(buffer, offset, value) {
  const { length } = value;
  if (length > SHORT_TEXT) return buffer.write(value, offset, 'utf8');
  for (let i = 0; i < length; i++) {
    const unit = value.charCodeAt(i);
    if (unit > 0x7f) return buffer.write(value, offset, 'utf8');
    buffer[offset + i] = unit;
  }
  return length;
}

// A field of a record, a number.
function read(place, layout, name) {
  const { offset, kind } = layout.fields[name];
  return READ[kind](place.block, place.offset + offset);
}

// The NUL-terminated text in a record.
function readText(place, layout, name) {
  const begin = place.offset + layout.fields[name].offset;
  const bytes = place.block.buffer.subarray(begin, place.offset + layout.size);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}

// The text of a promplug_str that the plugin gave.
function readStr(address) {
  const size = Number(koffi.decode.uint64(BigInt(address) + 8n));
  return size === 0 ? '' : koffi.decode.string(koffi.decode.uint64(BigInt(address)), size);
}

// The [key, value] pairs of an array of promplug_kv that the plugin gave.
function readPairs(address, count) {
  const pairs = [];
  for (let at = address; pairs.length < count; at += structs.kv.size) {
    pairs.push([readStr(at), readStr(at + structs.str.size)]);
  }
  return pairs;
}

module.exports = { Arena, read, readText, readPairs };
