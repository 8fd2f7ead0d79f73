// Other people's viewers open a document of ours and show what is in it: its pages, its table of contents, ….
//
//   node tests/browser/open.mjs VIEWER BASE ADDRESS SCREENSHOT.png WHAT THINGS
//
// WHAT the viewer must show, and THINGS, separated by `;`:
//   pages     images, one after the other, each by the end of its service's address: leafs through them
//   contents  entries of the table of contents: `entry=image` is followed, `entry` has others below it and is opened
//   members   members of a collection: `label=image` is opened and shows its first image, `label` has others in it
//   choice    `label=image`: what can be chosen for a canvas; each is chosen
//   composed  `x,y,width,height=image`: images beside each other on one canvas, each in its box
//
// Every image must be drawn, not blank. Prints a JSON summary; exits 1 and says why if something else is shown.

import { run } from './browser.mjs';
import { onViewer } from './sites.mjs';

/** A drawn scan has many different colours; a blank canvas one, a broken one a few. */
const ENOUGH_COLOURS = 24;
/** Part of the canvas by which a viewer may round. */
const INEXACT = 0.01;

const click = (role, name, options) => (page) => page.getByRole(role, { name, ...options }).first().click();

/** Picks from Clover's one list; the first is picked already. */
async function pick(page, label, isFirst) {
  const list = page.getByRole('combobox');
  if (isFirst) return void await list.filter({ hasText: label }).waitFor();
  await list.click();
  await page.getByRole('option', { name: label }).click();
}

const VIEWERS = {
  mirador: {
    turn: click('button', 'Next item'),
    async openContents(page) {
      await page.getByRole('button', { name: 'Toggle sidebar' }).first().click();
      await page.getByRole('tab', { name: 'Index' }).click();
      await page.getByRole('tab', { name: 'Table of contents' }).click();
    },
    entry: (page, label) => page.getByRole('treeitem', { name: label, exact: true }),
    /** In its list of members, which lies over everything while it is open. */
    async openMember(page, label) {
      const member = page.getByRole('menuitem', { name: label });
      const sidebar = page.getByRole('button', { name: 'Toggle sidebar' }).first();
      await member.or(sidebar).first().waitFor();
      if (!await member.isVisible()) {
        const list = page.getByRole('button', { name: 'Show collection' }).first();
        if (!await list.isVisible()) await sidebar.click();
        await list.click();
      }
      await member.click();
    },
    async openChoice(page) {
      await page.getByRole('button', { name: 'Toggle sidebar' }).first().click();
      await page.getByRole('tab', { name: 'Layers' }).click();
    },
    /** It lays one over the other: the one that was seen is hidden. */
    async choose(page, label, isFirst) {
      if (isFirst) return void await page.getByRole('listitem').filter({ hasText: label }).waitFor();
      await page.getByRole('button', { name: 'Hide layer' }).click();
      await page.getByRole('listitem').filter({ hasText: label }).getByRole('button', { name: 'Show layer' }).click();
    },
  },
  openseadragon: {
    turn: click('button', 'Next page'),
    async openMember(page, label, isFirst) {
      if (!isFirst) await page.goBack();
      await page.getByRole('link', { name: label }).click();
    },
  },
  universalviewer: {
    turn: click('button', 'Next Image'),
    openContents: (page) => page.getByText('Index', { exact: true }).click(),
    entry: (page, label) => page.getByRole('link', { name: label, exact: true }),
    openMember: (page, label) => page.getByRole('link', { name: label, exact: true }).click(),
    openChoice: click('button', 'Layers'),
    choose: (page, label) => page.getByRole('radio', { name: label }).check(),
  },
  clover: {
    turn: click('button', 'Next'),
    openMember: pick,
    async openChoice() {},
    choose: pick,
  },
};

/** Where the images are that are seen, in pixels of the window, once they are these and loaded; until then nothing. */
function placesOf(images) {
  const { dlcsViewer, uv, drawing } = window;
  const viewer = dlcsViewer?.openSeadragons()[0] ?? uv?.assignedContentHandler?.extension?.centerPanel?.viewer ?? drawing?.();
  const count = viewer?.world?.getItemCount() ?? 0;
  const all = Array.from({ length: count }, (_, at) => viewer.world.getItemAt(at));
  const seen = all.filter((it) => it.getOpacity() > 0);
  const isOf = ({ source }, image) => decodeURIComponent(source.id ?? source['@id'] ?? source._id ?? '').endsWith(`/${image}`);
  const areThese = seen.length === images.length && seen.every((it, at) => isOf(it, images[at]) && it.getFullyLoaded());
  if (!areThese || viewer.isAnimating?.()) return null;
  const { left, top } = viewer.container.getBoundingClientRect();
  const places = seen.map((it) => {
    const { x, y, width, height } = viewer.viewport.viewportToViewerElementRectangle(it.getBounds(true));
    return { x: left + x, y: top + y, width, height };
  });
  // A viewer that is being laid out has no extent yet.
  return places.every(({ width, height }) => width > 1 && height > 1) ? places : null;
}

/** Waits until exactly these images are seen; returns where. */
async function shows(page, images) {
  try {
    const places = await page.waitForFunction(placesOf, images);
    return await places.jsonValue();
  } catch (error) {
    throw new Error(`${images} is not shown: ${error.message}`);
  }
}

/** Counts the colours of a part of the window as it is on the screen. */
async function coloursOf(page, clip) {
  const png = await page.screenshot({ clip });
  return page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (it) => it.charCodeAt(0));
    const bitmap = await createImageBitmap(new Blob([bytes]));
    const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d', { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0);
    const pixels = new Uint32Array(context.getImageData(0, 0, bitmap.width, bitmap.height).data.buffer);
    return new Set(pixels).size;
  }, png.toString('base64'));
}

/** The middle of a rectangle: what lies at its edges may be covered by buttons. */
const middle = ({ x, y, width, height }) =>
  ({ x: x + width / 4, y: y + height / 4, width: width / 2, height: height / 2 });

/** Waits until each image is drawn where it is by then: what is loaded may still move, or be fading in. */
async function assertShown(page, ...images) {
  for (let tries = 0; ; tries += 1) {
    const places = await shows(page, images);
    const colours = [];
    for (const place of places) colours.push(await coloursOf(page, middle(place)));
    if (colours.every((it) => it >= ENOUGH_COLOURS)) return places;
    if (tries === 50) throw new Error(`${images} have only ${colours} colours`);
    await page.waitForTimeout(100);
  }
}

const pairs = (things) => things.map((it) => it.split('='));

const SHOWN = {
  async pages(page, viewer, images) {
    for (const [at, image] of images.entries()) {
      if (at > 0) await viewer.turn(page);
      await assertShown(page, image);
    }
    return { pages: images.length };
  },
  async contents(page, viewer, things) {
    await viewer.openContents(page);
    for (const [label, image] of pairs(things)) {
      await viewer.entry(page, label).click();
      if (image) await assertShown(page, image);
    }
    return { entries: things.length };
  },
  async members(page, viewer, things) {
    for (const [at, [label, image]] of pairs(things).entries()) {
      await viewer.openMember(page, label, at === 0);
      if (image) await assertShown(page, image);
    }
    return { members: things.length };
  },
  async choice(page, viewer, things) {
    const options = pairs(things);
    await shows(page, [options[0][1]]);
    await viewer.openChoice(page);
    for (const [at, [label, image]] of options.entries()) {
      await viewer.choose(page, label, at === 0);
      await assertShown(page, image);
    }
    return { options: options.length };
  },
  async composed(page, _viewer, things) {
    const boxes = pairs(things);
    const found = await assertShown(page, ...boxes.map(([, image]) => image));
    assertProportions(found, boxes.map(([box]) => box.split(',').map(Number)));
    return { found };
  },
};

/** What is on the screen lies as the boxes do, whatever the zoom. */
function assertProportions(found, boxes) {
  const scale = found[0].width / boxes[0][2];
  for (const [at, [x, y, width]] of boxes.entries()) {
    const wanted = { x: found[0].x + (x - boxes[0][0]) * scale, y: found[0].y + (y - boxes[0][1]) * scale, width: width * scale };
    const far = Object.entries(wanted).map(([name, value]) => Math.abs(found[at][name] - value));
    if (Math.max(...far) > INEXACT * found[0].width) {
      throw new Error(`image ${at + 1} is at ${JSON.stringify(found[at])}, not ${JSON.stringify(wanted)}`);
    }
  }
}

const [name, base, address, screenshot, what, things] = process.argv.slice(2);
const viewer = VIEWERS[name];
if (!viewer || !SHOWN[what] || !things || !screenshot?.endsWith('.png')) {
  console.error('usage: node tests/browser/open.mjs mirador|openseadragon|universalviewer|clover BASE ADDRESS SCREENSHOT.png pages|contents|members|choice|composed THINGS');
  process.exit(2);
}
await run((browser) => onViewer(browser, name, base, address, async (page) => {
  try {
    return await SHOWN[what](page, viewer, things.split(';'));
  } finally {
    await page.screenshot({ path: screenshot });
  }
}));
