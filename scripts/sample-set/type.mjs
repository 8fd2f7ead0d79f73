// Sets text: turns pen strokes into masks, and words into justified lines. Knows nothing of pages.

import { GLYPHS } from './glyphs.mjs';

/** Half the pen's width across and along, and a dot's radius; units of the em. */
const PEN = { across: 4.3, along: 1.7, dot: 5 };
const CURVE_STEPS = 8;
const SUBSAMPLES = 4;
const ASCENT = 78;
const DESCENT = 26;

function curve(from, control, to) {
  return Array.from({ length: CURVE_STEPS }, (_, index) => {
    const t = (index + 1) / CURVE_STEPS;
    const at = (axis) => (1 - t) ** 2 * from[axis] + 2 * t * (1 - t) * control[axis] + t * t * to[axis];
    return [at(0), at(1)];
  });
}

function ellipse(x, y, radiusX, radiusY) {
  const steps = CURVE_STEPS * 4;
  return Array.from({ length: steps + 1 }, (_, index) => {
    const angle = (index / steps) * 2 * Math.PI;
    return [x + radiusX * Math.cos(angle), y + radiusY * Math.sin(angle)];
  });
}

/** Straight pieces `[x1, y1, x2, y2]` under the pen, and dots `[x, y]`. */
function parseStrokes(strokes) {
  const pieces = [];
  const dots = [];
  const tokens = strokes.split(' ');
  let point = [0, 0];
  const number = () => Number(tokens.shift());
  const draw = (points) => {
    for (const next of points) {
      pieces.push([...point, ...next]);
      point = next;
    }
  };
  while (tokens.length > 0) {
    const command = tokens.shift();
    if (command === 'M') point = [number(), number()];
    if (command === 'L') draw([[number(), number()]]);
    if (command === 'Q') draw(curve(point, [number(), number()], [number(), number()]));
    if (command === 'D') dots.push([number(), number()]);
    if (command === 'S') {
      const [x, y, half] = [number(), number(), number()];
      pieces.push([x - half, y, x + half, y]);
    }
    if (command === 'O') {
      const [first, ...rest] = ellipse(number(), number(), number(), number());
      point = first;
      draw(rest);
    }
  }
  return { pieces, dots };
}

/** Sets the cells of a fine grid whose middle `isInked(x, y)`, between two corners in units of the em. */
function fill(grid, left, bottom, right, top, isInked) {
  const column = (x) => Math.round((x + PEN.across) * grid.scale);
  const row = (y) => Math.round((ASCENT - y) * grid.scale);
  for (let down = Math.max(0, row(top)); down < Math.min(grid.height, row(bottom)); down += 1) {
    const y = ASCENT - (down + 0.5) / grid.scale;
    for (let across = Math.max(0, column(left)); across < Math.min(grid.width, column(right)); across += 1) {
      const x = (across + 0.5) / grid.scale - PEN.across;
      if (isInked(x, y)) grid.cells[down * grid.width + across] = 1;
    }
  }
}

/** One straight move of the pen: an ellipse drawn along a line, measured in the pen's own proportions. */
function fillPiece(grid, [x1, y1, x2, y2]) {
  const stepX = (x2 - x1) / PEN.across;
  const stepY = (y2 - y1) / PEN.along;
  const length = stepX * stepX + stepY * stepY || 1;
  const [left, right] = [Math.min(x1, x2) - PEN.across, Math.max(x1, x2) + PEN.across];
  const [bottom, top] = [Math.min(y1, y2) - PEN.along, Math.max(y1, y2) + PEN.along];
  fill(grid, left, bottom, right, top, (x, y) => {
    const fromX = (x - x1) / PEN.across;
    const fromY = (y - y1) / PEN.along;
    const along = Math.min(1, Math.max(0, (fromX * stepX + fromY * stepY) / length));
    return (fromX - along * stepX) ** 2 + (fromY - along * stepY) ** 2 <= 1;
  });
}

function fillDot(grid, [dotX, dotY]) {
  const reach = PEN.dot;
  fill(
    grid, dotX - reach, dotY - reach, dotX + reach, dotY + reach,
    (x, y) => (x - dotX) ** 2 + (y - dotY) ** 2 <= reach ** 2,
  );
}

/** The share of inked cells under each pixel, 0 to 255. */
function coverageOf(grid, width, height) {
  const inked = new Uint16Array(width * height);
  for (let row = 0; row < grid.height; row += 1) {
    for (let column = 0; column < grid.width; column += 1) {
      const pixel = Math.floor(row / SUBSAMPLES) * width + Math.floor(column / SUBSAMPLES);
      inked[pixel] += grid.cells[row * grid.width + column];
    }
  }
  return Uint8Array.from(inked, (count) => Math.round((count / SUBSAMPLES ** 2) * 255));
}

function drawGlyph([advance, strokes], scale) {
  const { pieces, dots } = parseStrokes(strokes);
  const width = Math.ceil((advance + 2 * PEN.across) * scale);
  const height = Math.ceil((ASCENT + DESCENT) * scale);
  const grid = {
    width: width * SUBSAMPLES,
    height: height * SUBSAMPLES,
    scale: scale * SUBSAMPLES,
    cells: new Uint8Array(width * height * SUBSAMPLES ** 2),
  };
  for (const piece of pieces) fillPiece(grid, piece);
  for (const dot of dots) fillDot(grid, dot);
  return { width, height, coverage: coverageOf(grid, width, height) };
}

/** The typeface at one size: `em` in pixels, `tracking` in units of the em. Glyphs are drawn when first needed. */
export class Face {
  constructor(em, tracking = 0) {
    this.scale = em / 100;
    this.tracking = tracking;
    this.masks = new Map();
  }

  advance(character) {
    const glyph = GLYPHS[character];
    if (!glyph) throw new Error(`the typeface has no “${character}”`);
    return (glyph[0] + this.tracking) * this.scale;
  }

  width(text) {
    return [...text].reduce((sum, character) => sum + this.advance(character), 0);
  }

  mask(character) {
    if (!this.masks.has(character)) this.masks.set(character, drawGlyph(GLYPHS[character], this.scale));
    return this.masks.get(character);
  }

  /** Draws text with its base line at `y`; spaces are widened by `stretch` pixels. */
  draw(ink, text, x, y, stretch = 0) {
    let left = x;
    for (const character of text) {
      const corner = left - PEN.across * this.scale;
      if (character !== ' ') ink.stamp(this.mask(character), Math.round(corner), Math.round(y - ASCENT * this.scale));
      left += this.advance(character) + (character === ' ' ? stretch : 0);
    }
  }

  drawCentred(ink, text, x, y) {
    this.draw(ink, text, x - (this.width(text) - this.tracking * this.scale) / 2, y);
  }
}

/**
 * Breaks a paragraph into lines: `[{text, isLast}]`.
 * `widthOf(line)` is the room for a line, by its number in the paragraph.
 */
export function breakLines(face, paragraph, widthOf) {
  const lines = [];
  let line = '';
  for (const word of paragraph.split(/\s+/)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && face.width(longer) > widthOf(lines.length)) {
      lines.push({ text: line, isLast: false });
      line = word;
    } else {
      line = longer;
    }
  }
  lines.push({ text: line, isLast: true });
  return lines;
}
