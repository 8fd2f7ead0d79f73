// Reads a manifest as other people's software does, with `@iiif/parser`, and counts its canvases.
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
function mendings(manifest) {
  const state = { warnings: [] };
  presentation3StrictUpgrade(structuredClone(manifest), state);
  return state.warnings;
}

/** Counts resources by type, as the parser walks through them. */
function count(manifest) {
  const counts = { canvases: 0, annotations: 0, services: 0 };
  const counter = (name) => (resource) => {
    counts[name] += 1;
    return resource;
  };
  new Traverse({
    canvas: [counter('canvases')],
    annotation: [counter('annotations')],
    service: [counter('services')],
  }).traverseManifest(structuredClone(manifest));
  return counts;
}

function check(document) {
  const isVersion2 = document['@type'] === 'sc:Manifest';
  const manifest = isVersion2 ? upgrade(document) : document;
  if (manifest.type !== 'Manifest') throw new Error(`not a manifest: type is ${JSON.stringify(manifest.type)}`);
  const warnings = mendings(manifest);
  if (!isVersion2 && warnings.length > 0) throw new Error(`the parser had to mend it: ${warnings.join('; ')}`);
  const counts = count(manifest);
  if (counts.canvases === 0) throw new Error('it has no canvas');
  const known = Object.keys(normalize(structuredClone(manifest)).entities.Canvas).length;
  if (known !== counts.canvases) throw new Error(`${counts.canvases} canvases but ${known} different ids`);
  return { id: manifest.id, version: isVersion2 ? 2 : 3, ...counts };
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
