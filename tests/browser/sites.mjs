// Where a viewer of other people opens a document of ours: the viewer page, or a page of the tests around the viewer.

import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { onCleanPage } from './browser.mjs';
import { dist } from './viewers.mjs';

/** What Universal Viewer 4.4.0 does wrong wherever it runs. */
const UNIVERSAL_VIEWER = {
  // It puts a folder before the address of an image that is in the address itself.
  requests: [/\/images\/data:image\/gif/],
  // Its own drawing of images, where there is no graphics card.
  messages: [/GL Driver Message.*GPU stall due to ReadPixels/],
};

/** What Clover 3.3.8 does wrong wherever it runs: its tabs get their first choice a moment late. */
const CLOVER = { messages: [/Tabs is changing from uncontrolled to controlled/] };

const UNIVERSAL_VIEWER_PAGE = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/viewer/uv.css">
    <script src="/viewer/umd/UV.js"></script>
    <style>body { margin: 0 } #uv { width: 1280px; height: 900px }</style>
  </head>
  <body>
    <div id="uv" class="uv"></div>
    <script>
      addEventListener('DOMContentLoaded', () => {
        const manifest = new URLSearchParams(location.search).get('manifest');
        window.uv = UV.init('uv', { manifest, embedded: true });
      });
    </script>
  </body>
</html>`;

const CLOVER_PAGE = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <link rel="icon" href="data:,">
  </head>
  <body>
    <div id="clover"></div>
    <script src="/viewer/clover.js"></script>
  </body>
</html>`;

const TYPES = { '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.svg': 'image/svg+xml' };

/** Serves a page at `/`, and a folder below `/viewer/`. */
async function serve(page, folder) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    if (pathname === '/') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(page);
      return;
    }
    const path = pathname.startsWith('/viewer/') ? normalize(decodeURIComponent(pathname.slice(7))) : '/none';
    const file = createReadStream(join(folder, path));
    file.on('error', () => response.writeHead(404).end());
    file.on('open', () => {
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
      file.pipe(response);
    });
  });
  await new Promise((done) => { server.listen(0, '127.0.0.1', done); });
  return { base: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

const asManifest = (address) => `/?${new URLSearchParams({ manifest: address })}`;

const inOurPage = (viewer) => (address) => `/view?${new URLSearchParams({ manifest: address, viewer })}`;

/** By name: Mirador and the light viewer are our viewer page, the others have pages of their own. */
const SITES = {
  mirador: { path: inOurPage('mirador') },
  openseadragon: { path: inOurPage('openseadragon') },
  universalviewer: { page: UNIVERSAL_VIEWER_PAGE, allowed: UNIVERSAL_VIEWER, path: asManifest },
  clover: { page: CLOVER_PAGE, allowed: CLOVER, path: asManifest },
};

/** Opens what is at `address`, of the server at `base`, in a viewer; `use(page, report)` as `onCleanPage` has it. */
export async function onViewer(browser, name, base, address, use) {
  const viewer = SITES[name];
  const site = viewer.page && await serve(viewer.page, dist(name));
  const allowed = { origins: [new URL(base).origin], messages: [], requests: [], ...viewer.allowed };
  try {
    return await onCleanPage(browser, site?.base ?? base, viewer.path(address), use, allowed);
  } finally {
    site?.stop();
  }
}
