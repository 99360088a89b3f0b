// SPDX-License-Identifier: MIT
// promplug_status as JavaScript says it.
'use strict';

const abi = require('./abi');

const STATES = {
  [abi.STATE_CREATED]: 'created', [abi.STATE_RUNNING]: 'running',
  [abi.STATE_STOPPING]: 'stopping', [abi.STATE_STOPPED]: 'stopped',
  [abi.STATE_FORKED]: 'forked',
};
const FLAGS = {
  listening: abi.S_LISTENING, pushing: abi.S_PUSHING, forwarding: abi.S_FORWARDING,
  pushFailing: abi.S_PUSH_FAILING, forwardFailing: abi.S_FORWARD_FAILING,
  collectorStuck: abi.S_COLLECTOR_STUCK,
};
const COUNTS = ['listen_port', 'scrapes', 'scrapes_refused', 'pushes_ok', 'pushes_failed',
                'forwards_ok', 'forwards_failed', 'forwards_skipped', 'collector_failures',
                'collector_timeouts', 'series', 'series_refused', 'updates_ignored',
                'last_scrape_unix_ms', 'last_push_unix_ms', 'last_push_ok_unix_ms'];

function camel(name) {
  return name.replace(/_unix_ms$/, '_ms').replace(/_(.)/g, (_, c) => c.toUpperCase());
}

// {state, listening, pushing, ..., listenPort, scrapes, ..., lastPushMs}; times are Unix milliseconds,
// 0 for never.
function readStatus(instance) {
  const raw = instance.status();
  const said = { state: STATES[raw.state] || 'unknown' };
  for (const [name, flag] of Object.entries(FLAGS)) said[name] = (raw.flags & flag) !== 0;
  for (const name of COUNTS) said[camel(name)] = raw[name];
  return said;
}

module.exports = { readStatus };
