// SPDX-License-Identifier: MIT
// lib/abi.js says what promplug.h says: a C program that includes the header is asked.
'use strict';

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const abi = require('../../host_api/node/lib/abi');
const { directory, ROOT } = require('./support');

const INCLUDE = path.join(ROOT, 'host_api/include');
const HEADER = fs.readFileSync(path.join(INCLUDE, 'promplug/promplug.h'), 'utf8')
  .replace(/\/\*[\s\S]*?\*\//g, ' ');
const FUNCTION_TYPES = ['promplug_ready_fn', 'promplug_release_fn'];
const SCALARS = {
  int32_t: 'int32', uint32_t: 'uint32', int64_t: 'int64', uint64_t: 'uint64', size_t: 'size_t',
  promplug_reg: 'uint64', double: 'double', void: 'void',
};

// What a program prints that says each of these expressions.
function askC(t, lines) {
  const folder = directory(t);
  const source = path.join(folder, 'layout.c');
  const body = lines.map((line) => `  printf("%lld\\n", (long long)(${line}));\n`).join('');
  fs.writeFileSync(source, '#include <promplug/promplug.h>\n#include <stdio.h>\n' +
    `int main(void) {\n${body}  return 0;\n}\n`);
  const program = path.join(folder, 'layout');
  execFileSync(process.env.CC || 'cc', ['-I', INCLUDE, source, '-o', program]);
  return execFileSync(program, { encoding: 'utf8' }).trim().split('\n').map(Number);
}

// A type of C as koffi's, or as the pointer that it is.
function kindInC(text) {
  const plain = text.replace(/\bconst\b/g, '').trim();
  const word = plain.split(/[\s*]/)[0];
  return plain.includes('*') || FUNCTION_TYPES.includes(word) ? 'pointer' : SCALARS[word];
}

// A pointer is an address, or something that koffi makes an address of.
function same(said, kind) {
  return kind === 'pointer' ? ['uint64', 'void *'].includes(said) : said === kind;
}

// [result, ...arguments] of each function of a struct of the header, by name.
function functionsOf(struct) {
  const body = new RegExp(`struct ${struct} \\{(.*?)\\n\\}`, 's').exec(HEADER)[1];
  const found = [...body.matchAll(/([\w *]+?)\(\*(\w+)\)\(([^)]*)\);/g)];
  return new Map(found.map(([, result, name, args]) => [name, [result, ...args.split(',')].map(kindInC)]));
}

function compareSignatures(signatures, functions) {
  assert.deepStrictEqual(Object.keys(signatures), [...functions.keys()]);
  for (const [name, kinds] of functions) {
    assert.strictEqual(signatures[name].length, kinds.length, name);
    kinds.forEach((kind, i) => assert.ok(same(signatures[name][i], kind),
      `${name}, part ${i}: ${signatures[name][i]}, and ${kind} in the header`));
  }
}

test('every struct has the size of the header', (t) => {
  const names = Object.keys(abi.structs);
  assert.ok(names.length > 12);
  const sizes = askC(t, names.map((name) => `sizeof(promplug_${name})`));
  names.forEach((name, i) => assert.strictEqual(abi.structs[name].size, sizes[i], name));
});

test('every field lies where the header has it', (t) => {
  const fields = Object.entries(abi.structs)
    .flatMap(([name, layout]) => Object.entries(layout.fields).map(([field, place]) => [name, field, place]));
  const offsets = askC(t, fields.map(([name, field]) => `offsetof(promplug_${name}, ${field})`));
  fields.forEach(([name, field, { offset }], i) => (
    assert.strictEqual(offset, offsets[i], `${name}.${field}`)));
  const first = Object.keys(abi.signatures)[0];
  assert.deepStrictEqual(askC(t, [`offsetof(promplug_api, ${first})`, 'offsetof(promplug_api, version)']),
    [abi.TABLE_FUNCTIONS_OFFSET, 16]);
});

test('no field of the header is left out', () => {
  for (const [name, layout] of Object.entries(abi.structs)) {
    const body = new RegExp(`struct promplug_${name} \\{(.*?)\\n\\}`, 's').exec(HEADER)[1];
    const fields = [...body.matchAll(/(\w+)(?:\[\d+\])?(?:\)\([^;]*\))?;/g)].map(([, field]) => field);
    assert.deepStrictEqual(Object.keys(layout.fields), fields, name);
  }
});

test('every constant has the value of the header', (t) => {
  const names = Object.keys(abi.constants);
  assert.ok(names.length > 50);
  const values = askC(t, [...names, 'ABI_MAJOR', 'ABI_MINOR'].map((name) => `PROMPLUG_${name}`));
  [...names, 'ABI_MAJOR', 'ABI_MINOR'].forEach((name, i) => assert.strictEqual(abi[name], values[i], name));
});

test('every function takes and returns what the header says', () => {
  compareSignatures(abi.signatures, functionsOf('promplug_api'));
  compareSignatures(abi.writerSignatures, functionsOf('promplug_writer'));
});
