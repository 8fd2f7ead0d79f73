// Makes the sample set: a book of six pages and three pictures, as PNG files in the folder that is named.
//
//   node scripts/make-samples.mjs FOLDER
//
// The same files every time. Text and pictures are this project's own. Plain Node (18 or later), no dependencies.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { bookPages } from './sample-set/book.mjs';
import { colourTarget } from './sample-set/colour-target.mjs';
import { islandMap } from './sample-set/island-map.mjs';
import { encodePng } from './sample-set/png.mjs';
import { starChart } from './sample-set/star-chart.mjs';

function* samples() {
  for (const [index, page] of [...bookPages()].entries()) yield [`book/page-${index + 1}.png`, page];
  yield ['pictures/star-chart.png', starChart()];
  yield ['pictures/island-map.png', islandMap()];
  yield ['pictures/colour-target.png', colourTarget()];
}

async function main(folder) {
  await mkdir(join(folder, 'book'), { recursive: true });
  await mkdir(join(folder, 'pictures'), { recursive: true });
  const writing = [];
  for (const [name, raster] of samples()) {
    const path = join(folder, name);
    writing.push(encodePng(raster).then((bytes) => writeFile(path, bytes)));
    console.log(path);
  }
  await Promise.all(writing);
}

const folder = process.argv[2];
if (!folder || folder.startsWith('-')) {
  console.error('usage: node scripts/make-samples.mjs FOLDER');
  process.exit(2);
}
await main(folder);
