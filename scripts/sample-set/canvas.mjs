// A surface of ink coverage, 0 (none) to 255 (full), and the strokes that go on it. Knows no colours.

export class Ink {
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.coverage = new Uint8Array(width * height);
  }

  /** Darkens one pixel; never lightens it. Outside the surface nothing happens. */
  mark(x, y, coverage) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return;
    const at = y * this.width + x;
    this.coverage[at] = Math.max(this.coverage[at], Math.round(coverage * 255));
  }

  /** Puts a mask `{width, height, coverage: Uint8Array}` with its corner at a pixel. */
  stamp(mask, left, top) {
    for (let y = 0; y < mask.height; y += 1) {
      for (let x = 0; x < mask.width; x += 1) {
        const coverage = mask.coverage[y * mask.width + x];
        if (coverage > 0) this.mark(left + x, top + y, coverage / 255);
      }
    }
  }

  /** A straight line with round ends, anti-aliased; `width` in pixels, `strength` up to 1. */
  line(x1, y1, x2, y2, width, strength = 1) {
    const reach = width / 2 + 1;
    const [stepX, stepY] = [x2 - x1, y2 - y1];
    const length = stepX * stepX + stepY * stepY || 1;
    const [left, right] = [Math.floor(Math.min(x1, x2) - reach), Math.max(x1, x2) + reach];
    const [top, bottom] = [Math.floor(Math.min(y1, y2) - reach), Math.max(y1, y2) + reach];
    for (let y = top; y <= bottom; y += 1) {
      for (let x = left; x <= right; x += 1) {
        const along = Math.min(1, Math.max(0, ((x - x1) * stepX + (y - y1) * stepY) / length));
        const distance = Math.sqrt((x - x1 - along * stepX) ** 2 + (y - y1 - along * stepY) ** 2);
        const coverage = Math.min(1, Math.max(0, width / 2 + 0.5 - distance));
        if (coverage > 0) this.mark(x, y, coverage * strength);
      }
    }
  }

  /** A line in short pieces: much faster when it is long and slanted. */
  longLine(x1, y1, x2, y2, width, strength = 1) {
    const pieces = Math.max(1, Math.round(Math.hypot(x2 - x1, y2 - y1) / 40));
    const at = (piece) => [x1 + ((x2 - x1) * piece) / pieces, y1 + ((y2 - y1) * piece) / pieces];
    for (let piece = 0; piece < pieces; piece += 1) {
      this.line(...at(piece), ...at(piece + 1), width, strength);
    }
  }

  /** A circle's outline as short lines. */
  circle(x, y, radius, width, strength = 1) {
    const steps = Math.max(24, Math.round(radius));
    const at = (step) => {
      const angle = (step / steps) * 2 * Math.PI;
      return [x + radius * Math.cos(angle), y + radius * Math.sin(angle)];
    };
    for (let step = 0; step < steps; step += 1) this.line(...at(step), ...at(step + 1), width, strength);
  }

  /** A filled disc with a soft edge. */
  disc(x, y, radius, strength = 1) {
    this.line(x, y, x, y, radius * 2, strength);
  }

  rectangle(left, top, width, height, line, strength = 1) {
    this.line(left, top, left + width, top, line, strength);
    this.line(left, top + height, left + width, top + height, line, strength);
    this.line(left, top, left, top + height, line, strength);
    this.line(left + width, top, left + width, top + height, line, strength);
  }

  /** Coverage in [0, 1] between pixels; nothing outside. */
  at(x, y) {
    const left = Math.floor(x);
    const top = Math.floor(y);
    if (left < 0 || top < 0 || left + 1 >= this.width || top + 1 >= this.height) return 0;
    const from = top * this.width + left;
    const below = from + this.width;
    const { coverage } = this;
    if ((coverage[from] | coverage[from + 1] | coverage[below] | coverage[below + 1]) === 0) return 0;
    const u = x - left;
    const v = y - top;
    const upper = coverage[from] * (1 - u) + coverage[from + 1] * u;
    const lower = coverage[below] * (1 - u) + coverage[below + 1] * u;
    return (upper * (1 - v) + lower * v) / 255;
  }
}

/** An RGB raster filled by `paint(x, y, pixel)`, which writes three numbers (0 to 255) into `pixel`. */
export function paintRaster(width, height, paint) {
  const data = new Uint8ClampedArray(width * height * 3);
  const pixel = new Float64Array(3);
  let at = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      paint(x, y, pixel);
      data[at] = pixel[0];
      data[at + 1] = pixel[1];
      data[at + 2] = pixel[2];
      at += 3;
    }
  }
  return { width, height, data };
}

/** Mixes `ink` into `pixel` in place; an amount of 1 replaces it. */
export function blend(pixel, ink, amount) {
  if (amount === 0) return;
  pixel[0] += (ink[0] - pixel[0]) * amount;
  pixel[1] += (ink[1] - pixel[1]) * amount;
  pixel[2] += (ink[2] - pixel[2]) * amount;
}
