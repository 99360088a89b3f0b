// SPDX-License-Identifier: MIT
// The label `route` of requests that routers of Express take: no client chooses its values.
'use strict';

const assert = require('node:assert');
const http = require('node:http');
const test = require('node:test');
const promplug = require('promplug');
const { eventually, fetchFrom, listening, load, sample } = require('./support');

// What application(app, routers) mounts, asked for these paths: {route: count}.
async function routes(t, express, application, paths) {
  const plugin = load(t);
  const app = express();
  app.use(promplug.middleware({ plugin }));
  application(app, (options) => {
    const router = express.Router(options);
    router.get('/', (req, res) => res.end());
    router.get('/items', (req, res) => res.end());
    return router;
  });
  const url = await listening(t, http.createServer(app));
  for (const path of paths) assert.strictEqual((await fetchFrom(url + path)).status, 200, path);
  await eventually(async () => await sample(plugin, 'http_requests_in_flight') === 0, 'none in flight');
  const [family] = await plugin.getMetricsAsJSON(['http_requests_total']);
  return Object.fromEntries(family.values.map(({ labels, value }) => [labels.route, value]));
}

for (const version of ['express4', 'express']) {
  const express = require(version);

  test(`${version}: the case of a mount is not the client's to choose`, async (t) => {
    assert.deepStrictEqual(await routes(t, express, (app, router) => {
      app.use('/tenants', router());
      app.use('/Api/:id', router());
    }, ['/tenants/items', '/TeNaNtS/items', '/TENANTS/', '/API/x/items', '/api/Y/items']), {
      '/tenants/items': 2, '/tenants': 1, '/api/:id/items': 2,
    });
    assert.deepStrictEqual(await routes(t, express, (app, router) => {
      app.set('case sensitive routing', true);
      app.use('/top', router().use('/Inner', router()));
    }, ['/top/inner/items', '/top/INNER/items']), { '/top/inner/items': 2 });
  });

  test(`${version}: a mount that took more than whole segments is not shown`, async (t) => {
    const wildcard = version === 'express4' ? '/files/*' : '/files/*splat';
    assert.deepStrictEqual(await routes(t, express, (app, router) => {
      app.use('/v:version', router());
      app.use('/at/:lang-:region', router());
      app.use(wildcard, router());
      app.use(/^\/re(\d+)/, router());
      app.use('/two/v:version/:id', router());
    }, ['/v7/items', '/v8/items', '/at/en-US/items', '/at/de-CH/items', '/files/a/b', '/files/c/d/e',
        '/re1/items', '/re22/items', '/two/v7/7/items', '/two/v7/v7/items', '/two/v9/x/items']), {
      '/:mount/items': 9, '/:mount': 2,
    });
  });

  test(`${version}: parameters that come from above, or that the application changes`, async (t) => {
    assert.deepStrictEqual(await routes(t, express, (app, router) => {
      const merged = router({ mergeParams: true });
      merged.use('/deep', router());
      merged.use('/w:id', router());
      app.use('/merged/:id', merged);
      app.param('loaded', (req, res, next) => {
        req.params.loaded = Object.create(null);
        next();
      });
      app.use('/loaded/:loaded', router());
    }, ['/merged/3/deep/items', '/merged/x/deep/items', '/merged/7/w7/items', '/merged/7/w8/items',
        '/loaded/secret/items']), {
      '/merged/:id/deep/items': 2, '/merged/:id/:mount/items': 2, '/:mount/items': 1,
    });
  });

  test(`${version}: of mounts that say nothing of themselves there are a hundred at most`, async (t) => {
    const paths = Array.from({ length: 130 }, (_, i) => `/re${i}/items`);
    const found = await routes(t, express, (app, router) => app.use(/^\/re[0-9]+/, router()), paths);
    assert.strictEqual(Object.keys(found).length, 101);
    assert.strictEqual(found['/:mount/items'], 30);
  });
}
