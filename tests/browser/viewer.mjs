// The viewer page shows a manifest: tiles are drawn, zooming in brings sharper ones, the console is clean.
//
//   node tests/browser/viewer.mjs BASE MANIFEST SCREENSHOT.png [mirador|openseadragon]
//
// Writes SCREENSHOT.png (zoomed in) and SCREENSHOT-whole.png; prints a JSON summary; exits 1 and says why if not.

import { onCleanPage, run } from './browser.mjs';

const ZOOM = 4;
/** A drawn scan has many different colours; a blank canvas one, a broken one a few. */
const ENOUGH_COLOURS = 24;

/** Waits until every tile that the view needs is loaded and drawn; returns what is drawn. */
async function tilesDrawn(page) {
  await page.waitForFunction(() => {
    const [viewer] = window.dlcsViewer?.openSeadragons() ?? [];
    const image = viewer?.world.getItemAt(0);
    return image?.getFullyLoaded() && !viewer.isAnimating?.();
  });
  // One more frame, so that what was loaded is on the canvas.
  await page.evaluate(() => new Promise((done) => {
    requestAnimationFrame(() => requestAnimationFrame(done));
  }));
  return page.evaluate(() => {
    const [viewer] = window.dlcsViewer.openSeadragons();
    const image = viewer.world.getItemAt(0);
    return { zoom: image.viewportToImageZoom(viewer.viewport.getZoom(true)), ...colours(viewer.drawer.canvas) };

    /** Samples the canvas on a grid: how many points are painted, and in how many colours. */
    function colours(canvas) {
      // Read from a copy: reading the viewer's own canvas would change how the browser keeps it.
      const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
      copy.drawImage(canvas, 0, 0);
      const pixels = copy.getImageData(0, 0, canvas.width, canvas.height).data;
      const seen = new Set();
      let [points, painted] = [0, 0];
      for (let at = 0; at < pixels.length; at += 4 * 37) {
        points += 1;
        if (pixels[at + 3] === 0) continue;
        painted += 1;
        seen.add((pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2]);
      }
      return { paintedShare: painted / points, colours: seen.size };
    }
  });
}

function assertDrawn(drawn, when) {
  if (drawn.paintedShare === 0) throw new Error(`the canvas is blank ${when}`);
  if (drawn.colours < ENOUGH_COLOURS) throw new Error(`the canvas has only ${drawn.colours} colours ${when}`);
}

/** Zooms into the upper middle of the page, where a scan has text. */
async function zoomIn(page) {
  await page.evaluate((factor) => {
    const [viewer] = window.dlcsViewer.openSeadragons();
    const { x, y, width, height } = viewer.world.getItemAt(0).getBounds();
    viewer.viewport.panTo({ x: x + width / 2, y: y + height / 4 }, true);
    viewer.viewport.zoomBy(factor, undefined, true);
    viewer.viewport.applyConstraints(true);
  }, ZOOM);
}

/** Waits until zooming in has brought tiles: the viewer asks for them a frame or two later. */
async function furtherTiles(page, report, imagesAtFirst) {
  for (let tries = 0; report.imageResponses <= imagesAtFirst; tries += 1) {
    if (tries === 200) throw new Error('zooming in asked for no further tile');
    await page.waitForTimeout(50);
  }
}

async function showManifest(page, report, screenshot) {
  await page.waitForFunction(() => window.dlcsViewer || !document.getElementById('error').hidden);
  const error = await page.locator('#error').innerText();
  if (error) throw new Error(`the page says: ${error}`);
  const whole = await tilesDrawn(page);
  assertDrawn(whole, 'at first');
  await page.screenshot({ path: screenshot.replace(/\.png$/, '-whole.png') });
  const imagesAtFirst = report.imageResponses;
  await zoomIn(page);
  await furtherTiles(page, report, imagesAtFirst);
  const zoomed = await tilesDrawn(page);
  assertDrawn(zoomed, 'after zooming in');
  if (zoomed.zoom <= whole.zoom) throw new Error('zooming in did not enlarge the image');
  await page.screenshot({ path: screenshot });
  return { viewer: await page.evaluate(() => window.dlcsViewer.name), whole, zoomed, images: report.imageResponses };
}

const [base, manifest, screenshot, viewer = 'mirador'] = process.argv.slice(2);
if (!screenshot?.endsWith('.png')) {
  console.error('usage: node tests/browser/viewer.mjs BASE MANIFEST SCREENSHOT.png [mirador|openseadragon]');
  process.exit(2);
}
const query = new URLSearchParams({ manifest, viewer });
await run((browser) => onCleanPage(
  browser, base, `/view?${query}`, (page, report) => showManifest(page, report, screenshot),
));
