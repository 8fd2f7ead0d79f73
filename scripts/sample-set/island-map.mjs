// A map of islands that do not exist: heights from noise, tints, hill shading, contours, a compass.

import { Ink, blend, paintRaster } from './canvas.mjs';
import { coarseField, fractalNoise, hash } from './noise.mjs';
import { Face } from './type.mjs';

const WIDTH = 2400;
const HEIGHT = 1800;
const MARGIN = 150;
const SEA_LEVEL = 0.5;
const CONTOUR = 0.04;
const INK = [58, 44, 34];
const PAPER = [241, 233, 214];
const SEA = [[126, 168, 178], [198, 217, 208]];
const LAND = [[190, 203, 146], [226, 213, 158], [201, 166, 118], [238, 232, 222]];

function terrain() {
  return coarseField(WIDTH + 8, HEIGHT + 8, 4, (x, y) => {
    const ground = fractalNoise(x / 430 + 3.7, y / 430 + 8.2, 4021, 6);
    const rim = Math.hypot((x - WIDTH / 2) / WIDTH, (y - HEIGHT / 2) / HEIGHT);
    return ground + 0.13 - rim * 0.55;
  });
}

/** A colour from a ramp, by its share of the way along. */
function tint(colours, share, pixel) {
  const at = Math.min(0.9999, Math.max(0, share)) * (colours.length - 1);
  const index = Math.floor(at);
  blend(pixel, colours[index], 1);
  blend(pixel, colours[index + 1], at - index);
}

function paintSea(depth, pixel) {
  tint(SEA, 1 - depth * 5, pixel);
  const ring = Math.abs(((depth * 60) % 1) - 0.5);
  if (depth < 0.05 && ring < 0.1) blend(pixel, INK, 0.16);
}

function paintLand(here, east, south, pixel) {
  tint(LAND, (here - SEA_LEVEL) * 4.2, pixel);
  const light = Math.max(-50, Math.min(30, (east + south - 2 * here) * 1800));
  for (let channel = 0; channel < 3; channel += 1) pixel[channel] += light;
  const step = (value) => Math.floor((value - SEA_LEVEL) / CONTOUR);
  if (step(here) !== step(east) || step(here) !== step(south)) blend(pixel, INK, 0.28);
}

function paintGround(height, x, y, pixel) {
  const here = height(x, y);
  const east = height(x + 3, y);
  const south = height(x, y + 3);
  if (here < SEA_LEVEL) paintSea(SEA_LEVEL - here, pixel);
  else paintLand(here, east, south, pixel);
  const isShore = here < SEA_LEVEL !== east < SEA_LEVEL || here < SEA_LEVEL !== south < SEA_LEVEL;
  if (isShore) blend(pixel, INK, 0.75);
}

function drawCompass(ink, x, y, radius) {
  ink.circle(x, y, radius, 3);
  ink.circle(x, y, radius * 0.88, 1.5);
  for (let point = 0; point < 32; point += 1) {
    const angle = (point / 32) * 2 * Math.PI;
    const inner = point % 8 === 0 ? 0 : point % 4 === 0 ? 0.3 : 0.8;
    const at = (share) => [x + radius * share * Math.sin(angle), y - radius * share * Math.cos(angle)];
    ink.line(...at(inner), ...at(1), point % 8 === 0 ? 5 : 2);
  }
  new Face(58).drawCentred(ink, 'N', x, y - radius - 18);
}

function drawScale(ink, left, top) {
  const league = 110;
  for (let step = 0; step < 4; step += 1) {
    const x = left + step * league;
    ink.rectangle(x, top, league, 14, 2);
    if (step % 2 === 0) for (let row = 2; row < 14; row += 2) ink.line(x, top + row, x + league, top + row, 2);
  }
  const face = new Face(40);
  for (const step of [0, 2, 4]) face.drawCentred(ink, `${step}`, left + step * league, top + 52);
  face.draw(ink, 'leagues', left + 4 * league + 30, top + 18);
}

function drawMarks() {
  const ink = new Ink(WIDTH, HEIGHT);
  const [width, height] = [WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN];
  for (let step = 1; step < 20; step += 1) {
    ink.line(MARGIN + (width * step) / 20, MARGIN, MARGIN + (width * step) / 20, HEIGHT - MARGIN, 1.2, 0.25);
  }
  for (let step = 1; step < 14; step += 1) {
    ink.line(MARGIN, MARGIN + (height * step) / 14, WIDTH - MARGIN, MARGIN + (height * step) / 14, 1.2, 0.25);
  }
  ink.rectangle(MARGIN, MARGIN, width, height, 3);
  ink.rectangle(MARGIN - 24, MARGIN - 24, width + 48, height + 48, 8);
  new Face(64, 22).drawCentred(ink, 'THE READING ISLANDS', WIDTH / 2, 94);
  drawCompass(ink, 560, 760, 130);
  drawScale(ink, 840, HEIGHT - 92);
  return ink;
}

/** The map as a raster, 2400 × 1800. */
export function islandMap() {
  const height = terrain();
  const marks = drawMarks();
  return paintRaster(WIDTH, HEIGHT, (x, y, pixel) => {
    const isInside = x > MARGIN && y > MARGIN && x < WIDTH - MARGIN && y < HEIGHT - MARGIN;
    if (isInside) paintGround(height, x, y, pixel);
    else blend(pixel, PAPER, 1);
    const grain = (hash(x, y, 77) - 0.5) * 5;
    for (let channel = 0; channel < 3; channel += 1) pixel[channel] += grain;
    blend(pixel, INK, marks.coverage[y * WIDTH + x] / 255);
  });
}
