// Makes a scan of a printed page: paper with its age, a slight turn, the other side showing through.

import { blend, paintRaster } from './canvas.mjs';
import { coarseField, fractalNoise, hash, sequence } from './noise.mjs';

export const WIDTH = 1600;
export const HEIGHT = 2200;

const PAPER = [240, 230, 207];
const INK = [47, 38, 33];
const SCANNER = [24, 23, 22];
const FOXING = [186, 140, 84];

const isRightHand = (number) => number % 2 === 1;

/** Brown spots of age: how strong, at any pixel. */
function foxing(random) {
  const spots = Array.from({ length: 14 }, () => ({
    x: random() * WIDTH, y: random() * HEIGHT, radius: 4 + random() ** 3 * 26, strength: 0.1 + random() * 0.25,
  }));
  return coarseField(WIDTH, HEIGHT, 4, (x, y) => spots.reduce((sum, spot) => {
    const distance = ((x - spot.x) ** 2 + (y - spot.y) ** 2) / spot.radius ** 2;
    return distance < 9 ? sum + spot.strength * Math.exp(-distance) : sum;
  }, 0));
}

/** Light lost towards the fold (on the left of a right-hand page) and the edges: by column and by row. */
function shading(isRight) {
  const columns = Float32Array.from({ length: WIDTH }, (_, x) => {
    const fold = isRight ? x : WIDTH - 1 - x;
    return -46 * Math.exp(-fold / 48) - 14 * Math.exp(-fold / 200) - 9 * Math.exp(-(WIDTH - fold) / 90);
  });
  const rows = Float32Array.from({ length: HEIGHT }, (_, y) => -7 * Math.exp(-Math.min(y, HEIGHT - y) / 80));
  return (x, y) => columns[x] + rows[y];
}

/** How much a pixel belongs to the page and not to the scanner's background: 0 to 1 over a soft edge. */
function insidePage(x, y, isRight) {
  const side = isRight ? WIDTH - 1 - x : x;
  const distance = Math.min(side - 16, y - 12, HEIGHT - 1 - y - 14);
  return Math.min(1, Math.max(0, distance / 2.5));
}

/** The bare paper of a page: `paint(x, y, pixel)`, with the tone of its fibres at that pixel. */
function paper(number, random) {
  const spots = foxing(random);
  const shade = shading(isRightHand(number));
  const cloud = coarseField(WIDTH, HEIGHT, 8, (x, y) => fractalNoise(x / 420, y / 420, number * 31, 4));
  return (x, y, fibre, pixel) => {
    const grain = (hash(x, y, number) - 0.5) * 5;
    const tone = (cloud(x, y) - 0.5) * 20 + (fibre - 0.5) * 9 + grain + shade(x, y);
    pixel[0] = PAPER[0] + tone;
    pixel[1] = PAPER[1] + tone * 1.12;
    pixel[2] = PAPER[2] + tone * 1.24;
    blend(pixel, FOXING, spots(x, y));
  };
}

/** The page as a scanner saw it, a little turned; `behind` is the print on its other side. */
export function scanPage(ink, behind, number) {
  const random = sequence(number * 977);
  const angle = (random() - 0.5) * 0.012;
  const fibres = coarseField(WIDTH, HEIGHT, 4, (x, y) => fractalNoise(x / 40, y / 14, number * 57, 2));
  const paintPaper = paper(number, random);
  const isRight = isRightHand(number);
  return paintRaster(WIDTH, HEIGHT, (x, y, pixel) => {
    const fibre = fibres(x, y);
    paintPaper(x, y, fibre, pixel);
    const turnedX = x - angle * (y - HEIGHT / 2);
    const turnedY = y + angle * (x - WIDTH / 2);
    blend(pixel, INK, behind.at(WIDTH - turnedX + 9, turnedY + 6) * 0.055);
    blend(pixel, INK, ink.at(turnedX, turnedY) * (0.83 + 0.17 * fibre));
    blend(pixel, SCANNER, 1 - insidePage(x, y, isRight));
  });
}
