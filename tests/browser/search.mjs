// Real viewers search within a book, and what they mark lies on the words; and they show annotations, on their place.
//
//   node tests/browser/search.mjs VIEWER BASE NAME QUERY BOXES SCREENSHOT.png [annotations]
//
// With `annotations`, QUERY is the text of an annotation that must be listed, and nothing is searched for.
// VIEWER is mirador (the viewer page), universalviewer or clover (pages of this test); NAME that of a stored manifest of
// customer 1; BOXES are those that must be marked on the first page, `x,y,width,height;…` in pixels of the canvas.
// Prints a JSON summary; exits 1 and says why if something else is marked, or nothing.

import { run } from './browser.mjs';
import { onViewer } from './sites.mjs';

/** How much of a box and of what is marked must be the same, as intersection over union. */
const ENOUGH_IN_COMMON = 0.85;

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

async function look(page, viewer, act, boxes, screenshot) {
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
await run((browser) => onViewer(
  browser, name, base, manifest, (page) => look(page, viewer, (it) => act(it, query), boxes, screenshot),
));
