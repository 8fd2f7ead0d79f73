// Real viewers search within a book, and what they mark lies on the words; and they show annotations, on their place.
//
//   node tests/browser/search.mjs VIEWER BASE NAME QUERY BOXES SCREENSHOT.png [annotations]
//
// With `annotations`, QUERY is the text of an annotation that must be listed, and nothing is searched for.
// VIEWER is mirador (the viewer page), universalviewer or clover (pages of this test); NAME that of a stored manifest of
// customer 1; BOXES are those that must be marked on the first page, `x,y,width,height;…` in pixels of the canvas.
// Prints a JSON summary; exits 1 and says why if something else is marked, or nothing.

import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { onCleanPage, run } from './browser.mjs';
import { dist } from './viewers.mjs';

/** How much of a box and of what is marked must be the same, as intersection over union. */
const ENOUGH_IN_COMMON = 0.85;

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

/** Says what two rectangles have in common: 0 nothing, 1 they are the same. */
function inCommon(one, other) {
  const overlap = (a, b, length) => Math.max(0, Math.min(one[a] + one[b], other[a] + other[b]) - Math.max(one[a], other[a])) / length;
  const both = overlap('x', 'width', 1) * overlap('y', 'height', 1);
  return both / (one.width * one.height + other.width * other.height - both);
}

/** Each box is marked, and nothing else is. */
function assertMarked(marked, boxes) {
  if (marked.length !== boxes.length) {
    throw new Error(`${marked.length} places are marked, not ${boxes.length}: ${JSON.stringify(marked)}`);
  }
  for (const box of boxes) {
    const best = Math.max(...marked.map((it) => inCommon(it, box)));
    if (best < ENOUGH_IN_COMMON) throw new Error(`${JSON.stringify(box)} is not marked: ${JSON.stringify(marked)}`);
  }
}

const VIEWERS = {
  mirador: {
    path: (manifest) => `/view?${new URLSearchParams({ manifest, viewer: 'mirador' })}`,
    async search(page, query) {
      await page.waitForFunction(() => window.dlcsViewer?.openSeadragons()[0]?.world.getItemAt(0)?.getFullyLoaded());
      await page.getByRole('button', { name: 'Toggle sidebar' }).first().click();
      await page.getByRole('tab', { name: 'Search' }).click();
      await page.getByLabel('search terms').fill(query);
      await page.keyboard.press('Enter');
      await page.getByText(/^\d+ of \d+$/).first().waitFor();
    },
    async annotations(page, text) {
      await page.waitForFunction(() => window.dlcsViewer?.openSeadragons()[0]?.world.getItemAt(0)?.getFullyLoaded());
      await page.getByRole('button', { name: 'Toggle sidebar' }).first().click();
      await page.getByRole('tab', { name: 'Annotations' }).click();
      await page.getByText(text).first().click();
    },
    /** It paints on a canvas of its own: what is coloured there, piece by piece, in pixels of the image. */
    marked: (page) => page.evaluate(() => {
      const [viewer] = window.dlcsViewer.openSeadragons();
      const overlay = [...viewer.canvas.querySelectorAll('canvas')].find((it) => it !== viewer.drawer.canvas);
      const { width, height } = overlay;
      const pixels = overlay.getContext('2d').getImageData(0, 0, width, height).data;
      const scale = width / viewer.canvas.clientWidth;
      const seen = new Uint8Array(width * height);
      const pieces = [];
      for (let at = 0; at < width * height; at += 1) {
        if (seen[at] || pixels[at * 4 + 3] === 0) continue;
        pieces.push(flood(at));
      }
      return pieces.map(inImage);

      /** The rectangle around coloured pixels that touch one another. */
      function flood(start) {
        const waiting = [start];
        let [left, top, right, bottom] = [width, height, 0, 0];
        seen[start] = 1;
        while (waiting.length > 0) {
          const at = waiting.pop();
          const [x, y] = [at % width, Math.floor(at / width)];
          [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
          [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
          for (const next of [x > 0 ? at - 1 : -1, x + 1 < width ? at + 1 : -1, at - width, at + width]) {
            if (next < 0 || next >= width * height || seen[next] || pixels[next * 4 + 3] === 0) continue;
            seen[next] = 1;
            waiting.push(next);
          }
        }
        return { left, top, right, bottom };
      }

      function inImage({ left, top, right, bottom }) {
        const image = viewer.world.getItemAt(0);
        // The library's own kind of point is at hand only as a value.
        const point = (x, y) => Object.assign(viewer.viewport.getCenter().clone(), { x, y });
        const corner = (x, y) => image.viewerElementToImageCoordinates(point(x / scale, y / scale));
        const [from, to] = [corner(left, top), corner(right, bottom)];
        return { x: from.x, y: from.y, width: to.x - from.x, height: to.y - from.y };
      }
    }),
  },
  universalviewer: {
    folder: 'universalviewer',
    page: UNIVERSAL_VIEWER_PAGE,
    allowed: UNIVERSAL_VIEWER,
    path: (manifest) => `/?${new URLSearchParams({ manifest })}`,
    async search(page, query) {
      await page.locator('#searchWithinInput').fill(query);
      await page.keyboard.press('Enter');
      await page.getByText(/result(s)? found/).first().waitFor();
    },
    marked: (page) => page.evaluate(() => {
      const { viewer } = window.uv.assignedContentHandler.extension.centerPanel;
      const image = viewer.world.getItemAt(0);
      const inImage = ({ bounds }) => {
        const { x, y, width, height } = image.viewportToImageRectangle(bounds);
        return { x, y, width, height };
      };
      return viewer.currentOverlays.filter((it) => it.element.isConnected && it.width > 0).map(inImage);
    }),
  },
  clover: {
    folder: 'clover',
    page: CLOVER_PAGE,
    allowed: CLOVER,
    path: (manifest) => `/?${new URLSearchParams({ manifest })}`,
    async search(page, query) {
      await page.waitForFunction(() => window.drawing?.()?.world.getItemAt(0)?.getFullyLoaded());
      await page.getByRole('tab', { name: 'Search' }).click();
      await page.getByRole('textbox').fill(query);
      await page.keyboard.press('Enter');
    },
    async annotations(page, text) {
      await page.waitForFunction(() => window.drawing?.()?.world.getItemAt(0)?.getFullyLoaded());
      await page.getByRole('tab', { name: 'Annotations' }).click();
      await page.getByText(text).first().waitFor();
    },
    marked: (page) => page.evaluate(() => {
      const viewer = window.drawing();
      const image = viewer.world.getItemAt(0);
      const inImage = (overlay) => {
        const { x, y, width, height } = image.viewportToImageRectangle(overlay.getBounds(viewer.viewport));
        return { x, y, width, height };
      };
      return viewer.currentOverlays.filter((it) => it.element.isConnected).map(inImage);
    }),
  },
};

async function look(browser, viewer, base, manifest, act, boxes, screenshot) {
  const site = viewer.page && await serve(viewer.page, dist(viewer.folder));
  const allowed = { origins: [new URL(base).origin], messages: [], requests: [], ...viewer.allowed };
  try {
    return await onCleanPage(browser, site?.base ?? base, viewer.path(manifest), async (page) => {
      await act(page);
      let marked = [];
      // It is drawn when what it is drawn over has come to rest.
      for (let tries = 0; marked.length === 0 && tries < 100; tries += 1) {
        await page.waitForTimeout(100);
        marked = await viewer.marked(page);
      }
      await page.screenshot({ path: screenshot });
      assertMarked(marked, boxes);
      return { marked };
    }, allowed);
  } finally {
    site?.stop();
  }
}

const [name, base, manifestName, query, places, screenshot, what = 'search'] = process.argv.slice(2);
const viewer = VIEWERS[name];
const act = viewer?.[what];
if (!act || !screenshot?.endsWith('.png')) {
  console.error('usage: node tests/browser/search.mjs mirador|universalviewer|clover BASE NAME QUERY BOXES SCREENSHOT.png [annotations]');
  process.exit(2);
}
const boxes = places.split(';').map((place) => {
  const [x, y, width, height] = place.split(',').map(Number);
  return { x, y, width, height };
});
const manifest = `${base}/iiif/v3/1/${manifestName}`;
await run((browser) => look(browser, viewer, base, manifest, (page) => act(page, query), boxes, screenshot));
