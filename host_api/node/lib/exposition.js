// SPDX-License-Identifier: MIT
// The plugin's text format 0.0.4, read back into the form of prom-client's getMetricsAsJSON().
'use strict';

const ESCAPED = { '\\': '\\', n: '\n', '"': '"' };
const LABEL = /([^=,{]+)="((?:[^"\\]|\\.)*)"/g;
const NUMBERS = { '+Inf': Infinity, '-Inf': -Infinity, NaN };

function unescape(text) {
  return text.includes('\\') ? text.replace(/\\(.)/g, (_, c) => ESCAPED[c] || c) : text;
}

function numberOf(text) {
  return Object.hasOwn(NUMBERS, text) ? NUMBERS[text] : Number(text);
}

// {name, labels, value} of a line.
function readSample(line) {
  const brace = line.indexOf('{');
  const end = brace < 0 ? line.indexOf(' ') : line.lastIndexOf('} ') + 1;
  const labels = {};
  if (brace >= 0) {
    for (const [, name, value] of line.slice(brace + 1, end - 1).matchAll(LABEL)) {
      labels[name] = unescape(value);
    }
  }
  return {
    name: line.slice(0, brace < 0 ? end : brace), labels,
    value: numberOf(line.slice(end + 1).split(' ')[0]),
  };
}

// [{name, help, type, values: [{labels, value, metricName}, ...]}, ...]. metricName is there where
// it is not that of the family, as in NAME_sum. Numbers in le and quantile are numbers.
function readExposition(text) {
  const families = [];
  let family = null;
  const familyOf = (name) => {
    if (family === null || family.name !== name) {
      family = { name, help: '', type: 'untyped', values: [] };
      families.push(family);
    }
    return family;
  };
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, word, name, rest = ''] = /^# (HELP|TYPE) (\S+) ?(.*)$/.exec(line) || [];
    if (word === 'HELP') familyOf(name).help = unescape(rest);
    else if (word === 'TYPE') familyOf(name).type = rest;
    else if (!line.startsWith('#')) addSample(familyOf, family, readSample(line));
  }
  return families;
}

function addSample(familyOf, family, { name, labels, value }) {
  const inside = family !== null && (family.name === name
    || (['histogram', 'summary'].includes(family.type) && name.startsWith(`${family.name}_`)));
  const owner = inside ? family : familyOf(name);
  for (const part of ['le', 'quantile']) {
    if (part in labels && labels[part] !== '+Inf' && owner.type !== 'gauge') {
      labels[part] = numberOf(labels[part]);
    }
  }
  owner.values.push(owner.name === name ? { labels, value } : { labels, value, metricName: name });
}

module.exports = { readExposition };
