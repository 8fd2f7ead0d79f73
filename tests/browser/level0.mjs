// An exported image, on a plain web server of files, in OpenSeadragon: every level is drawn, and nothing is missing.
//
//   node tests/browser/level0.mjs FOLDER PORT SCREENSHOT.png
//
// The folder was exported for http://127.0.0.1:PORT/iiif-img/page. Prints a JSON summary; exits 1 and says why if not.

import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { onCleanPage, run } from './browser.mjs';

const PAGE = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <link rel="icon" href="data:,">
    <script src="/openseadragon.min.js"></script>
    <style>body { margin: 0 } #view { width: 1280px; height: 900px }</style>
  </head>
  <body>
    <div id="view"></div>
    <script>
      addEventListener('DOMContentLoaded', () => {
        window.viewer = OpenSeadragon({
          element: document.getElementById('view'), tileSources: '/iiif-img/page/info.json',
          showNavigationControl: false, immediateRender: false, drawer: 'canvas',
        });
      });
    </script>
  </body>
</html>`;

const VIEWER = new URL('../../portal/dist/openseadragon/openseadragon.min.js', import.meta.url).pathname;
const TYPES = { '.js': 'text/javascript', '.json': 'application/json', '.jpg': 'image/jpeg' };
/** Of the picture's own pixels, one after the other. */
const ZOOMS = [0.1, 0.25, 0.5, 1];

function fileOf(folder, pathname) {
  if (pathname === '/openseadragon.min.js') return VIEWER;
  return pathname.startsWith('/iiif-img/page/') ? join(folder, normalize(pathname.slice('/iiif-img/page'.length))) : null;
}

/** A web server that knows nothing of images. */
async function serve(folder, port) {
  const server = createServer((request, response) => {
    const pathname = decodeURIComponent(new URL(request.url, 'http://localhost').pathname);
    if (pathname === '/') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(PAGE);
      return;
    }
    const path = fileOf(folder, pathname);
    const file = path && createReadStream(path);
    if (!file) {
      response.writeHead(404).end();
      return;
    }
    file.on('error', () => response.writeHead(404).end());
    file.on('open', () => {
      response.writeHead(200, { 'content-type': TYPES[extname(path)] ?? 'application/octet-stream' });
      file.pipe(response);
    });
  });
  await new Promise((done) => { server.listen(Number(port), '127.0.0.1', done); });
  return server;
}

/** Shows the middle at a zoom, waits until it is drawn, and counts the colours. */
async function drawn(page, zoom) {
  await page.evaluate((factor) => {
    const image = window.viewer.world.getItemAt(0);
    window.viewer.viewport.zoomTo(image.imageToViewportZoom(factor), undefined, true);
  }, zoom);
  await page.waitForTimeout(100);
  await page.waitForFunction(() => window.viewer.world.getItemAt(0).getFullyLoaded());
  await page.waitForTimeout(100);
  return page.evaluate(() => {
    const canvas = window.viewer.drawer.canvas;
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
    copy.drawImage(canvas, 0, 0);
    const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
    const seen = new Set();
    for (let at = 0; at < pixels.length; at += 4 * 37) seen.add((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]);
    return seen.size;
  });
}

await run(async (browser) => {
  const [folder, port, screenshot] = process.argv.slice(2);
  const server = await serve(folder, port);
  try {
    return await onCleanPage(browser, `http://127.0.0.1:${port}`, '/', async (page, report) => {
      await page.waitForFunction(() => window.viewer?.world.getItemAt(0));
      const colours = [];
      for (const zoom of ZOOMS) colours.push(await drawn(page, zoom));
      if (colours.some((count) => count < 24)) throw new Error(`hardly any colours at some zoom: ${colours}`);
      await page.screenshot({ path: screenshot });
      return { colours, images: report.imageResponses };
    });
  } finally {
    server.close();
  }
});
