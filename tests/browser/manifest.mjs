// Reads a manifest or a collection as other people's software does, with `@iiif/parser`, and counts what is in it.
//
//   node tests/browser/manifest.mjs URL        or        … | node tests/browser/manifest.mjs -
//
// Version 2 is upgraded to 3 first. Prints a JSON summary; exits 1 and says why when the parser refuses.

import { createRequire } from 'node:module';
import { text } from 'node:stream/consumers';

const require = createRequire(new URL('../../portal/package.json', import.meta.url));
const { Traverse, normalize } = require('@iiif/parser');
const { presentation3StrictUpgrade } = require('@iiif/parser/strict');
const { upgrade } = require('@iiif/parser/upgrader');

async function read(source) {
  if (source === '-') return JSON.parse(await text(process.stdin));
  const answer = await fetch(source);
  if (!answer.ok) throw new Error(`${source} answers ${answer.status}`);
  return answer.json();
}

/** What the strict reading had to mend; a good manifest leaves this empty. */
function mendings(document) {
  const state = { warnings: [] };
  presentation3StrictUpgrade(structuredClone(document), state);
  return state.warnings;
}

/** Counts resources by type, as the parser walks through them. */
function count(document) {
  const counts = { canvases: 0, annotations: 0, services: 0 };
  const counter = (name) => (resource) => {
    counts[name] += 1;
    return resource;
  };
  const traverse = new Traverse({
    canvas: [counter('canvases')],
    annotation: [counter('annotations')],
    service: [counter('services')],
  });
  if (document.type === 'Collection') traverse.traverseCollection(structuredClone(document));
  else traverse.traverseManifest(structuredClone(document));
  return counts;
}

/** What is in it is read, each under an id of its own. */
function assertRead(document, { canvases }) {
  const { entities } = normalize(structuredClone(document));
  if (document.type === 'Collection') {
    const read = entities.Collection[document.id].items.map(({ id, type }) => entities[type]?.[id]).filter(Boolean);
    if (read.length !== document.items.length) throw new Error(`${document.items.length} members but ${read.length} are read`);
    return;
  }
  if (canvases === 0) throw new Error('it has no canvas');
  const known = Object.keys(entities.Canvas).length;
  if (known !== canvases) throw new Error(`${canvases} canvases but ${known} different ids`);
}

function check(given) {
  const isVersion2 = ['sc:Manifest', 'sc:Collection'].includes(given['@type']);
  const document = isVersion2 ? upgrade(given) : given;
  if (!['Manifest', 'Collection'].includes(document.type)) {
    throw new Error(`no manifest and no collection: type is ${JSON.stringify(document.type)}`);
  }
  const warnings = mendings(document);
  if (!isVersion2 && warnings.length > 0) throw new Error(`the parser had to mend it: ${warnings.join('; ')}`);
  const counts = count(document);
  assertRead(document, counts);
  return { id: document.id, version: isVersion2 ? 2 : 3, ...counts };
}

const [source] = process.argv.slice(2);
if (!source) {
  console.error('usage: node tests/browser/manifest.mjs URL|-');
  process.exit(2);
}
try {
  console.log(JSON.stringify(check(await read(source))));
} catch (error) {
  console.error(`failed: ${error.message}`);
  process.exitCode = 1;
}
