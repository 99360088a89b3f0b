// SPDX-License-Identifier: MIT
// Which instruments and collectors belong to which plugin.
//
// Something that is to be bound has bind(plugin), which may throw PromplugError, and unbind().
'use strict';

const { StateError } = require('./errors');

const forDefault = new Set();
let current = null;
let findShared = () => null;

// The default plugin, or null.
function defaultPlugin() {
  if (current === null) current = findShared();
  return current;
}

// Binds it to `plugin`, or to the default one (null), now or when that is loaded. Where the plugin
// refuses it, that is thrown, and it belongs to none.
function attach(item, plugin = null) {
  const items = plugin === null ? forDefault : plugin.items;
  const target = plugin === null ? defaultPlugin() : plugin;
  items.add(item);
  if (target === null) return;
  try {
    item.bind(target);
  } catch (error) {
    items.delete(item);
    throw error;
  }
}

// What is bound to the default plugin, or waits for it, in the order in which it was made.
function defaultItems() {
  return [...forDefault];
}

// It belongs to no plugin from now on.
function detach(item, plugin = null) {
  (plugin === null ? forDefault : plugin.items).delete(item);
}

// Throws StateError where there is a default plugin.
function checkFree() {
  if (defaultPlugin() !== null) {
    throw new StateError('a default plugin is loaded already: close it, or load with default: false');
  }
}

// That plugin becomes the default one. What waited for it and is refused goes to report(text).
function enter(plugin, report) {
  current = plugin;
  plugin.items = forDefault;
  for (const item of [...forDefault]) {
    try {
      item.bind(plugin);
    } catch (error) {
      report(`${item} is not exposed: ${error.message}`);
    }
  }
}

// The plugin ends: what belonged to it counts for itself again.
function leave(plugin) {
  if (current === plugin) current = null;
  for (const item of [...plugin.items]) item.unbind();
}

// find() gives the plugin that another thread of the process has shared, or null.
function setFindShared(find) {
  findShared = find;
}

module.exports = { defaultItems, defaultPlugin, attach, checkFree, detach, enter, leave, setFindShared };
