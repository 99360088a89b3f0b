// SPDX-License-Identifier: MIT
// Threads of this process by what Linux knows of them. Node tells only the thread that started a
// worker of its end, and nobody where that thread was terminated with it.
'use strict';

const fs = require('node:fs');

// Of /proc/self/task/N/stat, counted from the end of the name: proc(5).
const FLAGS = 7;
const STARTED = 20;
const EXITING = 4; // PF_EXITING: it runs no more code of the process

function fieldsOf(task) {
  const text = fs.readFileSync(`/proc/self/task/${task}/stat`, 'latin1');
  return text.slice(text.lastIndexOf(')')).split(' ');
}

// The calling thread, for isGone() on any thread. A number is given again; that and the start are not.
function thisThread() {
  try {
    const task = fs.readlinkSync('/proc/thread-self').split('/')[2];
    return { task, started: fieldsOf(task)[STARTED] };
  } catch {
    return { task: '', started: '' };
  }
}

// Whether that thread has ended. False where it cannot be known, such as without /proc.
function isGone({ task, started }) {
  if (task === '') return false;
  try {
    const fields = fieldsOf(task);
    return fields[STARTED] !== started || (Number(fields[FLAGS]) & EXITING) !== 0;
  } catch (error) {
    return ['ENOENT', 'ESRCH'].includes(error.code);
  }
}

module.exports = { thisThread, isGone };
