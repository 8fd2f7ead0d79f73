// A chart of an invented sky, 4000 × 3000: large enough that a viewer needs its tiles.

import { Ink, blend, paintRaster } from './canvas.mjs';
import { coarseField, fractalNoise, sequence } from './noise.mjs';
import { Face } from './type.mjs';

const WIDTH = 4000;
const HEIGHT = 3000;
const CENTRE = [WIDTH / 2, HEIGHT / 2 + 95];
const RADIUS = 1215;
const NIGHT = [12, 22, 48];
const GLOW = [96, 112, 158];
const LINE = [142, 166, 205];
const STAR = [255, 250, 235];
const BOARD = [8, 14, 32];
const GOLD = [226, 197, 128];

/** Invented constellations: a name, and stars in units of the chart's radius, joined in order. */
const FIGURES = [
  ['THE READER', [[-0.62, -0.42], [-0.48, -0.52], [-0.38, -0.4], [-0.46, -0.24], [-0.6, -0.18], [-0.66, -0.02], [-0.5, 0.02]]],
  ['THE OPEN BOOK', [[-0.1, -0.6], [0.08, -0.52], [0.26, -0.6], [0.24, -0.38], [0.07, -0.3], [-0.12, -0.38], [-0.1, -0.6]]],
  ['THE LADDER', [[0.55, -0.5], [0.68, -0.3], [0.6, -0.1], [0.72, 0.1]]],
  ['THE INKWELL', [[-0.14, 0.0], [0.04, -0.06], [0.16, 0.05], [0.08, 0.2], [-0.1, 0.18], [-0.14, 0.0]]],
  ['GREATER SHELF', [[-0.72, 0.32], [-0.52, 0.28], [-0.36, 0.34], [-0.38, 0.52], [-0.56, 0.5], [-0.52, 0.28]]],
  ['LESSER SHELF', [[0.36, 0.28], [0.54, 0.32], [0.56, 0.48], [0.4, 0.46], [0.36, 0.28]]],
  ['THE LAMP', [[-0.06, 0.46], [0.02, 0.6], [0.14, 0.66], [0.02, 0.6], [-0.08, 0.76]]],
  ['THE CAT', [[0.3, -0.08], [0.4, -0.18], [0.46, -0.04], [0.38, 0.06], [0.3, -0.08]]],
];

const place = ([x, y]) => [CENTRE[0] + x * RADIUS, CENTRE[1] + y * RADIUS];
const isInsideChart = (x, y) => (x - CENTRE[0]) ** 2 + (y - CENTRE[1]) ** 2 < RADIUS ** 2;

function onCircle(radius, angle) {
  return [CENTRE[0] + radius * Math.cos(angle), CENTRE[1] + radius * Math.sin(angle)];
}

function drawGraticule(ink) {
  for (const share of [0.25, 0.5, 0.75]) ink.circle(...CENTRE, RADIUS * share, 2, 0.4);
  for (let hour = 0; hour < 24; hour += 1) {
    const angle = (hour / 24) * 2 * Math.PI;
    const inner = hour % 6 === 0 ? 0 : 0.25;
    ink.longLine(...onCircle(RADIUS * inner, angle), ...onCircle(RADIUS, angle), 1.6, 0.32);
  }
}

function drawFrame(ink) {
  const numerals = new Face(58);
  ink.circle(...CENTRE, RADIUS, 7);
  ink.circle(...CENTRE, RADIUS + 92, 4);
  for (let degree = 0; degree < 360; degree += 1) {
    const angle = (degree / 180) * Math.PI;
    const length = degree % 15 === 0 ? 30 : degree % 5 === 0 ? 20 : 10;
    ink.line(...onCircle(RADIUS, angle), ...onCircle(RADIUS + length, angle), 2.5);
    if (degree % 15 === 0) {
      const [x, y] = onCircle(RADIUS + 60, angle);
      numerals.drawCentred(ink, `${degree / 15}`, x, y + 20);
    }
  }
  new Face(120, 24).drawCentred(ink, 'THE SKY ABOVE THE LIBRARY', CENTRE[0], 200);
  ink.rectangle(60, 60, WIDTH - 120, HEIGHT - 120, 4, 0.7);
}

function drawNames(ink) {
  const face = new Face(46, 16);
  for (const [name, stars] of FIGURES) {
    const points = stars.map(place);
    const x = points.reduce((sum, point) => sum + point[0], 0) / points.length;
    const y = Math.max(...points.map((point) => point[1])) + 86;
    face.drawCentred(ink, name, x, y);
  }
}

function drawStar(ink, x, y, radius) {
  ink.disc(x, y, radius, 1);
  const reach = radius * 2.6;
  ink.line(x - reach, y, x + reach, y, 1.6, 0.55);
  ink.line(x, y - reach, x, y + reach, 1.6, 0.55);
}

function drawFigures(lines, stars) {
  for (const [, figure] of FIGURES) {
    const points = figure.map(place);
    points.slice(1).forEach((point, index) => lines.longLine(...points[index], ...point, 2.5, 0.75));
    points.forEach(([x, y], index) => drawStar(stars, x, y, 11 + ((index * 7) % 9)));
  }
}

function scatterStars(ink, band) {
  const random = sequence(20260);
  for (let count = 0; count < 9000; count += 1) {
    const [x, y] = [random() * WIDTH, random() * HEIGHT];
    const size = 0.7 + random() ** 9 * 6;
    const isKept = random() < 0.25 + band(x, y) * 1.2;
    if (isKept && isInsideChart(x, y)) ink.disc(x, y, size, 0.45 + random() * 0.55);
  }
}

function milkyWay() {
  return coarseField(WIDTH, HEIGHT, 10, (x, y) => {
    const across = (x - CENTRE[0]) * 0.5 + (y - CENTRE[1]) * 0.86 + Math.sin(x / 700) * 140;
    const cloud = fractalNoise(x / 340, y / 340, 911, 5);
    const dust = Math.max(0, fractalNoise(x / 150, y / 150, 313, 4) - 0.48) * 2.4;
    return Math.max(0, Math.exp(-((across / 330) ** 2)) * (0.35 + cloud) - dust * Math.exp(-((across / 150) ** 2)));
  });
}

/** The chart as a raster, 4000 × 3000. */
export function starChart() {
  const band = milkyWay();
  const [lines, stars, gold] = [new Ink(WIDTH, HEIGHT), new Ink(WIDTH, HEIGHT), new Ink(WIDTH, HEIGHT)];
  drawGraticule(lines);
  drawFigures(lines, stars);
  scatterStars(stars, band);
  drawFrame(gold);
  drawNames(gold);
  return paintRaster(WIDTH, HEIGHT, (x, y, pixel) => {
    const at = y * WIDTH + x;
    const isSky = isInsideChart(x, y);
    blend(pixel, isSky ? NIGHT : BOARD, 1);
    if (isSky) {
      blend(pixel, GLOW, Math.min(0.8, band(x, y) * 0.62));
      blend(pixel, LINE, lines.coverage[at] / 255);
    }
    blend(pixel, STAR, stars.coverage[at] / 255);
    blend(pixel, GOLD, gold.coverage[at] / 255);
  });
}
