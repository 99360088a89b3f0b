// SPDX-License-Identifier: MIT
// How a plugin whose threads cannot run JavaScript reaches the event loop.
//
// koffi runs a callback from a foreign thread on the loop, and that thread stands still until the
// loop has come to it. A loop that is busy would hold up the plugin's push and its collectors, and
// one that waits for the plugin (at process.exit(), where a last push is waited for) would wait for
// ever. So the plugin is given no function that its threads call, only descriptors, which it writes
// to without waiting: an eventfd for collectors that are due, one for scrapes that can go on, a socket
// for log lines.
'use strict';

const koffi = require('koffi');

const EFD_FLAGS = 0o2004000; // EFD_CLOEXEC | EFD_NONBLOCK
const SOCKET_TYPE = 5 | 0o2004000; // SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK
const AF_UNIX = 1;
const LINE_BYTES = 4096;
const LEVELS = { 10: 'debug', 20: 'info', 30: 'warn', 40: 'error' };

let libc = null;

function system() {
  if (libc === null) {
    const own = koffi.load(null);
    libc = {
      eventfd: own.func('eventfd', 'int', ['uint32', 'int']),
      socketpair: own.func('socketpair', 'int', ['int', 'int', 'int', 'void *']),
      read: own.func('read', 'int64', ['int', 'void *', 'size_t']),
      recv: own.func('recv', 'int64', ['int', 'void *', 'size_t', 'int']),
      close: own.func('close', 'int', ['int']),
    };
  }
  return libc;
}

// Polled descriptors do not keep the process alive, unless somebody waits for one.
function poll(fd, callback) {
  // The poll's own callback is outside of any turn in which Node would look after promises.
  const handle = koffi.node.poll(fd, { readable: true }, () => setImmediate(callback));
  handle.unref();
  return handle;
}

// An eventfd that the plugin writes to.
class WakeEvent {
  // onWake() is called in each turn of the loop before which the plugin has written.
  constructor(onWake) {
    this.fd = system().eventfd(0, EFD_FLAGS);
    if (this.fd < 0) throw new Error('no descriptor is left for an eventfd');
    this._count = Buffer.alloc(8);
    this._holders = 0;
    this._onWake = onWake;
    this._poll = poll(this.fd, () => this._wake());
  }

  // Between the two the process does not end for having nothing else to do.
  hold() {
    this._holders += 1;
    if (this._poll !== null) this._poll.ref();
  }

  release() {
    this._holders -= 1;
    if (this._holders === 0 && this._poll !== null) this._poll.unref();
  }

  close() {
    if (this._poll === null) return;
    this._poll.close();
    this._poll = null;
    system().close(this.fd);
  }

  _wake() {
    if (this._poll === null) return;
    system().read(this.fd, this._count, 8);
    this._onWake();
  }
}

// What scrapes wait for. It does not say which of them can go on: each tries again.
class ReadyEvent extends WakeEvent {
  constructor() {
    super(() => this.nudge());
    this._waiting = new Set();
  }

  // Until some scrape can go on, or nudge() is called.
  next() {
    return new Promise((resolve) => this._waiting.add(resolve));
  }

  nudge() {
    const waiting = this._waiting;
    this._waiting = new Set();
    for (const resolve of waiting) resolve();
  }

  close() {
    super.close();
    this.nudge();
  }
}

// The plugin's lines, given to a logger with debug(), info(), warn() and error().
class LogSocket {
  constructor(logger) {
    const pair = Buffer.alloc(8);
    if (system().socketpair(AF_UNIX, SOCKET_TYPE, 0, pair) < 0) {
      throw new Error('no descriptor is left for the log');
    }
    this._logger = logger;
    this._own = pair.readInt32LE(0);
    this.fd = pair.readInt32LE(4);
    this._line = Buffer.alloc(LINE_BYTES);
    this._poll = poll(this._own, () => this.drain());
  }

  // The plugin has its duplicate, or will never have one.
  handedOver() {
    system().close(this.fd);
  }

  // Logs what has come. Also called where the loop does not turn any more.
  drain() {
    while (this._poll !== null) {
      const size = Number(system().recv(this._own, this._line, LINE_BYTES, 0));
      if (size === 0) this._poll.stop(); // the plugin's end is closed
      if (size <= 0) return;
      this._take(this._line.toString('utf8', 0, size));
    }
  }

  close() {
    if (this._poll === null) return;
    this.drain();
    this._poll.close();
    this._poll = null;
    system().close(this._own);
  }

  // A line of the package itself.
  say(level, text) {
    try {
      this._logger[level](text);
    } catch {
      // A logger that throws must not cost the lines that follow, nor what they are about.
    }
  }

  _take(line) {
    const space = line.indexOf(' ');
    this.say(LEVELS[line.slice(0, space)] || 'info', line.slice(space + 1));
  }
}

module.exports = { WakeEvent, ReadyEvent, LogSocket };
