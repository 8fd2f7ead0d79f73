// A target as laid beside originals when they are digitised: grey steps, colours, a ruler, lines to resolve.

import { Ink, blend, paintRaster } from './canvas.mjs';
import { Face } from './type.mjs';

const WIDTH = 2000;
const HEIGHT = 1400;
const BOARD = [196, 196, 194];
const INK = [24, 24, 24];
const PATCH = 200;
const STEP = 220;
const LEFT = 130;
const TOP = 190;

/** sRGB, four rows of eight: natural colours, primaries and mixtures, pastels, greys. */
const PATCHES = [
  [[112, 78, 66], [196, 148, 128], [92, 122, 158], [88, 108, 66], [132, 128, 178], [100, 190, 172], [222, 206, 172], [70, 54, 48]],
  [[178, 42, 46], [58, 148, 74], [44, 62, 150], [236, 200, 36], [188, 84, 148], [0, 136, 164], [216, 124, 42], [94, 60, 108]],
  [[238, 196, 192], [202, 226, 190], [186, 206, 234], [244, 232, 176], [222, 196, 226], [188, 226, 226], [246, 216, 184], [214, 214, 202]],
  [[248, 248, 246], [216, 216, 215], [180, 180, 180], [144, 144, 144], [108, 108, 108], [76, 76, 76], [46, 46, 46], [18, 18, 18]],
];

function patchAt(x, y) {
  if (x < LEFT || y < TOP) return undefined;
  const [column, row] = [Math.floor((x - LEFT) / STEP), Math.floor((y - TOP) / STEP)];
  const isInPatch = (x - LEFT) % STEP < PATCH && (y - TOP) % STEP < PATCH;
  return isInPatch ? PATCHES[row]?.[column] : undefined;
}

/** Centimetres at 300 pixels to the inch. */
function drawRuler(ink, left, top) {
  const centimetre = 300 / 2.54;
  const numerals = new Face(40);
  for (let millimetre = 0; millimetre <= 140; millimetre += 1) {
    const x = left + (millimetre * centimetre) / 10;
    const length = millimetre % 10 === 0 ? 60 : millimetre % 5 === 0 ? 44 : 28;
    ink.line(x, top, x, top + length, 2.2);
    if (millimetre % 10 === 0) numerals.drawCentred(ink, `${millimetre / 10}`, x, top + 104);
  }
  numerals.draw(ink, 'cm', left + 14 * centimetre + 28, top + 104);
}

/** Lines, finer and finer, as far apart as they are wide: what can still be told apart was resolved. */
function drawResolution(ink, left, top) {
  let from = left;
  for (const width of [8, 6, 5, 4, 3, 2, 1]) {
    for (let x = 0; x < 12 * width; x += 1) {
      const isLine = Math.floor(x / width) % 2 === 0;
      for (let y = top; isLine && y < top + 70; y += 1) ink.mark(from + x, y, 1);
    }
    from += 12 * width + 46;
  }
}

/** The target as a raster, 2000 × 1400. */
export function colourTarget() {
  const ink = new Ink(WIDTH, HEIGHT);
  new Face(58, 12).draw(ink, 'COLOUR AND SCALE', LEFT, 130);
  ink.rectangle(40, 40, WIDTH - 80, HEIGHT - 80, 5);
  drawRuler(ink, LEFT, 1150);
  drawResolution(ink, 1180, 74);
  return paintRaster(WIDTH, HEIGHT, (x, y, pixel) => {
    blend(pixel, patchAt(x, y) ?? BOARD, 1);
    blend(pixel, INK, ink.coverage[y * WIDTH + x] / 255);
  });
}
