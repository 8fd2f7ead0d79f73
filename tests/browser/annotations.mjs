// Notes are drawn, saved, changed, compared and restored in one browser, and another one sees it as it happens.
//
//   node tests/browser/annotations.mjs BASE KEY:SECRET MANIFEST SCREENSHOT.png
//
// There must be no container `notes` yet. Writes SCREENSHOT.png (light), SCREENSHOT-dark.png and
// SCREENSHOT-history.png; prints a JSON summary; exits 1 and says why if not.

import { onCleanPage, run } from './browser.mjs';

/** How soon another reader sees a change on a machine that is busy with other tests; a quiet one takes half a second. */
const SOON_MS = 5_000;
/** Units of the canvas: what the screen rounds off. */
const INEXACT = 6;
const BOX = { x: 300, y: 400, width: 600, height: 200 };
const TRIANGLE = [[200, 1000], [700, 1000], [450, 1400]];

const [base, key, manifest, screenshot] = process.argv.slice(2);
if (!screenshot?.endsWith('.png')) {
  console.error('usage: node tests/browser/annotations.mjs BASE KEY:SECRET MANIFEST SCREENSHOT.png');
  process.exit(2);
}
const NOTES = `${base}/annotations/w3c/1/notes/`;
const JSON_LD = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"';
const VIEW = `/view?${new URLSearchParams({ manifest, viewer: 'openseadragon' })}`;

/** As a program of the customer does it. */
async function request(method, address, body) {
  const authorization = `Basic ${Buffer.from(key).toString('base64')}`;
  const headers = { authorization, 'content-type': JSON_LD };
  const answer = await fetch(address, { method, headers, body: body && JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${method} ${address}: ${answer.status} ${await answer.text()}`);
  return answer.status === 204 ? null : answer.json();
}

function assert(holds, sentence) {
  if (!holds) throw new Error(sentence);
}

const note = (page, words) => page.locator('#annotation-list > li').filter({ hasText: words });
const follows = (page) => page.getByText('Changes of others appear by themselves.').waitFor();

async function opened(page) {
  await page.waitForFunction(() => window.dlcsViewer?.openSeadragons()[0]?.world.getItemAt(0)?.getFullyLoaded());
  await follows(page);
}

const slowest = { what: '', ms: 0 };
/** Waits until a page shows something, and holds it to what is promised. */
async function soon(what, seen) {
  const begun = Date.now();
  await seen;
  const ms = Date.now() - begun;
  assert(ms <= SOON_MS, `${what} was seen only after ${ms} ms`);
  if (ms > slowest.ms) Object.assign(slowest, { what, ms });
}

/** Where a point of the canvas is on the screen: its first canvas has the size of its image, or its half. */
const onScreen = (page, points) => page.evaluate((wanted) => {
  const [viewer] = window.dlcsViewer.openSeadragons();
  const image = viewer.world.getItemAt(0);
  const { width } = window.dlcsViewer.manifest.items[0];
  const scale = image.getContentSize().x / width;
  const { left, top } = viewer.container.getBoundingClientRect();
  return wanted.map(([x, y]) => {
    const at = image.imageToViewerElementCoordinates(new window.OpenSeadragon.Point(x * scale, y * scale));
    return { x: left + at.x, y: top + at.y };
  });
}, points);

async function signIn(page) {
  await page.getByLabel('Key and secret').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

async function write(page, words) {
  await page.getByRole('button', { name: 'New note' }).click();
  await page.getByLabel('Text').fill(words);
}

async function drawBox(page, box) {
  const corners = [[box.x, box.y], [box.x + box.width, box.y + box.height]];
  const [from, to] = await onScreen(page, corners);
  await page.getByRole('button', { name: 'Draw a rectangle' }).click();
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  await page.mouse.move((from.x + to.x) / 2, to.y, { steps: 4 });
  await page.mouse.move(to.x, to.y, { steps: 4 });
  await page.mouse.up();
}

const save = async (page) => {
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('#annotation-editor').waitFor({ state: 'hidden' });
};

/** The marks on the image, in pixels of the screen. */
const marks = (page) => page.locator('.overlay g:not(.draft) > rect, .overlay g:not(.draft) > polygon');

async function assertMarkedAt(page, box) {
  const [from, to] = await onScreen(page, [[box.x, box.y], [box.x + box.width, box.y + box.height]]);
  const mark = await marks(page).first().boundingBox();
  const far = [mark.x - from.x, mark.y - from.y, mark.x + mark.width - to.x, mark.y + mark.height - to.y];
  // With the line itself around it.
  assert(far.every((it) => Math.abs(it) <= 5), `the mark is ${far} pixels off`);
}

async function draws(first, second) {
  await signIn(first);
  await first.getByRole('button', { name: 'Make the container “notes”' }).click();
  await write(first, 'Printed in Riga');
  await drawBox(first, BOX);
  await save(first);
  await soon('a new note', note(second, 'Printed in Riga').waitFor());
  await assertMarkedAt(first, BOX);
  await assertMarkedAt(second, BOX);
  const { items: [kept] } = await request('GET', `${NOTES}?page=0`);
  const [, numbers] = /^xywh=(\d+,\d+,\d+,\d+)$/.exec(kept.target.selector.value);
  const off = numbers.split(',').map((it, at) => Math.abs(it - Object.values(BOX)[at]));
  assert(Math.max(...off) <= INEXACT, `${numbers} was kept`);
  assert(kept.target.selector.conformsTo === 'http://www.w3.org/TR/media-frags/', 'it does not say how it is written');
  assert(kept.motivation === 'commenting' && !kept.body.language, `${JSON.stringify(kept)} was kept`);
  return kept;
}

async function changes(first, second) {
  await note(first, 'Printed in Riga').getByRole('button', { name: 'Edit' }).click();
  await first.getByLabel('Text').fill('Printed in Königsberg');
  await save(first);
  await soon('a changed note', note(second, 'Printed in Königsberg').waitFor());
  assert(await note(second, 'Riga').count() === 0, 'the old words are still there');
  await assertMarkedAt(second, BOX);
}

async function compares(first, second) {
  const row = note(first, 'Königsberg');
  await row.getByRole('button', { name: 'History' }).click();
  const difference = row.getByRole('row', { name: 'Text' });
  await difference.waitFor();
  const cells = await difference.getByRole('cell').allInnerTexts();
  assert(cells.join() === 'Printed in Riga,Printed in Königsberg', `the difference is ${cells}`);
  await first.screenshot({ path: screenshot.replace(/\.png$/, '-history.png') });
  await row.getByRole('button', { name: 'Restore version 1' }).click();
  await soon('a restored note', note(second, 'Printed in Riga').waitFor());
  await note(first, 'Printed in Riga').locator('option', { hasText: '3: ' }).first().waitFor({ state: 'attached' });
}

/** Without a mouse, for the whole page. */
async function writesByKeyboard(first, second) {
  await first.getByRole('button', { name: 'New note' }).focus();
  await first.keyboard.press('Enter');
  await first.keyboard.type('A whole page');
  for (let tries = 0; await first.evaluate(() => document.activeElement.id) !== 'annotation-save'; tries += 1) {
    assert(tries < 12, 'Save is not reached by the tab key');
    await first.keyboard.press('Tab');
  }
  await first.keyboard.press('Enter');
  await soon('a note of a whole page', note(second, 'A whole page').waitFor());
  assert(await marks(second).count() === 1, 'the whole page is marked');
}

async function drawsPolygon(first, second, canvas) {
  await write(first, 'A triangle');
  const corners = await onScreen(first, TRIANGLE);
  await first.getByRole('button', { name: 'Draw a polygon' }).click();
  for (const { x, y } of corners.slice(0, -1)) await first.mouse.click(x, y);
  await first.mouse.dblclick(corners[2].x, corners[2].y);
  await first.getByText('A polygon with 3 corners').waitFor();
  await save(first);
  await soon('a polygon', note(second, 'A triangle').waitFor());
  const found = await request('GET', `${base}/annotations/w3c/1/?${new URLSearchParams({ target: canvas, xywh: '300,1050,10,10' })}`);
  assert(found.items.map((it) => it.body.value).includes('A triangle'), 'the polygon is not found where it is');
}

/** Words of markup are shown without it, and nothing of it runs. */
async function showsMarkupAsText(second, canvas) {
  const value = '<p>Bound in <b>Mitau</b></p><script>document.title = "hacked"</script><img src=x onerror=alert(1)>';
  await request('POST', NOTES, {
    '@context': 'http://www.w3.org/ns/anno.jsonld', type: 'Annotation', target: canvas,
    body: { type: 'TextualBody', value, format: 'text/html' },
  });
  await soon('a note of a program', note(second, 'Bound in Mitau').waitFor());
  assert(await second.locator('#annotation-list').locator('b, img, script').count() === 0, 'markup is on the page');
}

async function closesAndOpens(first, second) {
  const container = { type: ['BasicContainer', 'AnnotationCollection'], label: 'Notes' };
  await request('PUT', NOTES, { ...container, roles: ['staff'] });
  await soon('a closed container', second.getByText('No notes on this page.').waitFor());
  assert(await marks(second).count() === 0, 'what is closed is still marked');
  assert(await note(first, 'Printed in Riga').count() === 1, 'whoever may read it does not see it any more');
  await request('PUT', NOTES, { ...container, roles: [] });
  await soon('an opened container', note(second, 'Printed in Riga').waitFor());
}

async function deletes(first, second) {
  const row = note(first, 'A whole page');
  await row.getByRole('button', { name: 'Delete' }).click();
  await row.getByRole('button', { name: 'Really delete' }).click();
  await soon('a deletion', note(second, 'A whole page').waitFor({ state: 'detached' }));
  assert(await note(first, 'A whole page').count() === 0, 'it is still there');
}

/** A line that breaks is made again, and what happened meanwhile is told. */
async function comesBack(second, line, canvas) {
  line.isUp = false;
  await line.route.close({ code: 1012, reason: 'restart' });
  await second.getByText('The line to the server is broken').waitFor();
  await request('POST', NOTES, {
    '@context': 'http://www.w3.org/ns/anno.jsonld', type: 'Annotation', target: canvas, bodyValue: 'While you were away',
  });
  line.isUp = true;
  await note(second, 'While you were away').waitFor();
  await follows(second);
}

/** Lets a test break the line of a page. */
const breakable = (line) => (page) => page.routeWebSocket('**/graphql', (route) => {
  if (!line.isUp) return void route.close({ code: 1012, reason: 'restart' });
  line.route = route;
  route.connectToServer();
});

/** Somebody else was faster: nothing is overwritten, and what was written is not lost. */
async function isTold(page, kept) {
  await opened(page);
  await signIn(page);
  await note(page, 'Printed in Riga').getByRole('button', { name: 'Edit' }).click();
  const text = page.getByLabel('Text');
  await text.fill('Printed in Danzig');
  await request('PUT', kept.id, { ...kept, body: { ...kept.body, value: 'Printed in Riga, 1787' } });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody else has changed this note meanwhile').waitFor();
  assert(await text.inputValue() === 'Printed in Danzig', 'what was written is lost');
  await note(page, 'Printed in Riga, 1787').waitFor();
}

async function withWrongKey(page) {
  await opened(page);
  await page.getByLabel('Key and secret').fill('nobody:nothing');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The server does not know these credentials.').waitFor();
  assert(await page.getByRole('button', { name: 'New note' }).isDisabled(), 'it can be written without credentials');
  assert(await page.evaluate(() => sessionStorage.length) === 0, 'wrong credentials are kept');
}

/** A canvas of half the size of its image: places are in its units. */
async function onHalfCanvas(page) {
  await opened(page);
  await signIn(page);
  await note(page, 'Printed in Riga').waitFor();
  await write(page, 'Half as large');
  await page.getByLabel('Or type').fill('150, 200, 300, 100');
  await page.getByLabel('Or type').press('Tab');
  const half = Object.fromEntries(Object.entries(BOX).map(([name, value]) => [name, value / 2]));
  const [from] = await onScreen(page, [[half.x, half.y]]);
  const drawn = await page.locator('.overlay .draft > rect').boundingBox();
  assert(Math.hypot(drawn.x - from.x, drawn.y - from.y) < 5, `it is at ${drawn.x}, ${drawn.y}`);
  await drawBox(page, half);
  const typed = (await page.getByLabel('Or type').inputValue()).split(',').map(Number);
  const off = typed.map((it, at) => Math.abs(it - Object.values(half)[at]));
  assert(typed.length === 4 && Math.max(...off) <= INEXACT, `${typed} was drawn`);
}

const halved = (page) => page.route(manifest, async (route) => {
  const answer = await route.fetch();
  const changed = await answer.json();
  for (const canvas of changed.items) Object.assign(canvas, { width: canvas.width / 2, height: canvas.height / 2 });
  await route.fulfill({ response: answer, json: changed });
});

async function journey(first, second, line) {
  await Promise.all([opened(first), opened(second)]);
  await second.getByText('No notes on this page.').waitFor();
  const canvas = await second.evaluate(() => window.dlcsViewer.manifest.items[0].id);
  const kept = await draws(first, second);
  await changes(first, second);
  await compares(first, second);
  await writesByKeyboard(first, second);
  await drawsPolygon(first, second, canvas);
  await showsMarkupAsText(second, canvas);
  await note(first, 'Bound in Mitau').waitFor();
  await first.screenshot({ path: screenshot });
  await first.emulateMedia({ colorScheme: 'dark' });
  await first.screenshot({ path: screenshot.replace(/\.png$/, '-dark.png') });
  await closesAndOpens(first, second);
  await deletes(first, second);
  await comesBack(second, line, canvas);
  return kept;
}

const allowed = (...requests) => ({ origins: [], messages: [], requests });

await run(async (browser) => {
  const line = { isUp: true };
  const kept = await onCleanPage(browser, base, VIEW, (first) => (
    onCleanPage(browser, base, VIEW, (second) => journey(first, second, line), undefined, breakable(line))
  ));
  await onCleanPage(browser, base, VIEW, (page) => isTold(page, kept), allowed(/\/annotations\/w3c\/1\/notes\//));
  await onCleanPage(browser, base, VIEW, withWrongKey, allowed(/\/graphql$/));
  await onCleanPage(browser, base, VIEW, onHalfCanvas, undefined, halved);
  return { slowest };
});
