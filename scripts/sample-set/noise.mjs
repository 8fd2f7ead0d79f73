// Repeatable randomness: a seeded sequence, and smooth noise over the plane.

/** A function that returns the next number of a sequence in [0, 1). */
export function sequence(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A number in [0, 1) that belongs to a grid point. */
export function hash(x, y, seed) {
  let mixed = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 4294967296;
}

const smooth = (t) => t * t * (3 - 2 * t);

/** Value noise in [0, 1): random at whole coordinates, smooth between. */
export function valueNoise(x, y, seed) {
  const left = Math.floor(x);
  const top = Math.floor(y);
  const u = smooth(x - left);
  const v = smooth(y - top);
  const above = hash(left, top, seed) * (1 - u) + hash(left + 1, top, seed) * u;
  const below = hash(left, top + 1, seed) * (1 - u) + hash(left + 1, top + 1, seed) * u;
  return above * (1 - v) + below * v;
}

/** Several octaves of value noise, each twice as fine and half as strong; in [0, 1). */
export function fractalNoise(x, y, seed, octaves) {
  let sum = 0;
  let strength = 0.5;
  let total = 0;
  let finer = 1;
  for (let octave = 0; octave < octaves; octave += 1) {
    sum += strength * valueNoise(x * finer, y * finer, seed + octave);
    total += strength;
    strength /= 2;
    finer *= 2;
  }
  return sum / total;
}

/** A coarse grid of `sample(x, y)` every `step` pixels, read back smoothly at any pixel. */
export function coarseField(width, height, step, sample) {
  const columns = Math.ceil(width / step) + 2;
  const rows = Math.ceil(height / step) + 2;
  const values = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      values[row * columns + column] = sample(column * step, row * step);
    }
  }
  return (x, y) => {
    const column = Math.floor(x / step);
    const row = Math.floor(y / step);
    const u = x / step - column;
    const v = y / step - row;
    const at = row * columns + column;
    const above = values[at] * (1 - u) + values[at + 1] * u;
    const below = values[at + columns] * (1 - u) + values[at + columns + 1] * u;
    return above * (1 - v) + below * v;
  };
}
