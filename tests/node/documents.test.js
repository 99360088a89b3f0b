// SPDX-License-Identifier: MIT
// The JavaScript in docs/hosts.md does what the page says.
'use strict';

const assert = require('node:assert');
const { spawn } = require('node:child_process');
const fs = require('node:fs');
const http = require('node:http');
const path = require('node:path');
const test = require('node:test');
const promplug = require('promplug');
const { directory, eventually, fetchFrom, PLUGIN, ROOT } = require('./support');

const PAGE = fs.readFileSync(path.join(ROOT, 'docs/hosts.md'), 'utf8');
const BLOCKS = [...PAGE.matchAll(/```js\n(.*?)```/gs)].map(([, text]) => text);

// Runs the text as a file beside a configuration; it ends with the test.
function run(t, text, env = {}) {
  const folder = directory(t);
  fs.writeFileSync(path.join(folder, 'promplug.yml'), 'process_metrics: false\n');
  fs.writeFileSync(path.join(folder, 'main.js'), text);
  const child = spawn(process.execPath, ['main.js'], {
    cwd: folder, env: { ...process.env, PROMPLUG_PLUGIN: PLUGIN, ...env },
  });
  const said = { out: '', err: '', code: null };
  child.stdout.on('data', (piece) => { said.out += piece; });
  child.stderr.on('data', (piece) => { said.err += piece; });
  const ended = new Promise((resolve) => child.on('close', (code) => resolve(Object.assign(said, { code }))));
  t.after(() => {
    child.kill('SIGKILL');
    return ended;
  });
  return { said, ended };
}

async function freePort() {
  const server = http.createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test('the ten lines count and print, and are no more than ten', async (t) => {
  const [text] = BLOCKS;
  assert.ok(text.trim().split('\n').length <= 10);
  const { code, out, err } = await run(t, text).ended;
  assert.strictEqual(code, 0, err);
  assert.match(out, /^photo_requests_total\{method="GET",status="200"\} 1$/m);
  assert.match(out, /^photo_request_seconds_count 1$/m);
});

test('the Express application serves, with and without a plugin', async (t) => {
  for (const plugin of [PLUGIN, '/no/such.so']) {
    const port = await freePort();
    const text = BLOCKS[1].replace('8000', String(port));
    assert.notStrictEqual(text, BLOCKS[1]);
    const { said } = run(t, text, { PROMPLUG_PLUGIN: plugin });
    const url = `http://127.0.0.1:${port}`;
    const answer = await eventually(() => fetchFrom(`${url}/photos/5`).catch(() => null), `it serves ${said.err}`);
    assert.strictEqual(answer.text, '{"id":"5"}');
    if (plugin !== PLUGIN) {
      assert.match(said.err, /^serving without metrics: \/no\/such\.so: /m);
      continue;
    }
    await eventually(async () => /^http_requests_total\{method="GET",route="\/photos\/:id",status="200"\} 1$/m
      .test((await fetchFrom(`${url}/metrics`)).text), 'it is counted');
  }
});

test('every function that the section names exists', () => {
  const section = PAGE.slice(PAGE.indexOf('## Node.js'), PAGE.indexOf('## nginx'));
  const named = [...section.matchAll(/promplug\.(\w+)\(/g)].map(([, name]) => name);
  assert.ok(named.length > 8);
  for (const name of named) assert.strictEqual(typeof promplug[name], 'function', name);
});
