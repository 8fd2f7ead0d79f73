// Writes PNG files: 8 bits, RGB, sRGB, with a resolution. Not a reader.

import { deflate } from 'node:zlib';
import { promisify } from 'node:util';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const PIXELS_PER_METRE = Math.round(300 / 0.0254);
const CHANNELS = 3;
const TRUECOLOUR = 2;
const PAETH = 4;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC_TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function chunk(type, data) {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(named.length + 8);
  frame.writeUInt32BE(data.length, 0);
  named.copy(frame, 4);
  frame.writeUInt32BE(crc32(named), named.length + 4);
  return frame;
}

function header({ width, height }) {
  const data = Buffer.alloc(13);
  data.writeUInt32BE(width, 0);
  data.writeUInt32BE(height, 4);
  data.set([8, TRUECOLOUR, 0, 0, 0], 8);
  return data;
}

function resolution() {
  const data = Buffer.alloc(9);
  data.writeUInt32BE(PIXELS_PER_METRE, 0);
  data.writeUInt32BE(PIXELS_PER_METRE, 4);
  data[8] = 1;
  return data;
}

function paethPredictor(left, above, corner) {
  const estimate = left + above - corner;
  const fromLeft = Math.abs(estimate - left);
  const fromAbove = Math.abs(estimate - above);
  const fromCorner = Math.abs(estimate - corner);
  if (fromLeft <= fromAbove && fromLeft <= fromCorner) return left;
  return fromAbove <= fromCorner ? above : corner;
}

/** PNG, section 9 (Filtering): each row is one filter byte and the differences from the prediction. */
function filterRows({ width, height, data }) {
  const stride = width * CHANNELS;
  const rows = Buffer.alloc((stride + 1) * height);
  for (let y = 0; y < height; y += 1) {
    const from = y * stride;
    const to = y * (stride + 1);
    rows[to] = PAETH;
    for (let x = 0; x < stride; x += 1) {
      const left = x < CHANNELS ? 0 : data[from + x - CHANNELS];
      const above = y === 0 ? 0 : data[from + x - stride];
      const corner = y === 0 || x < CHANNELS ? 0 : data[from + x - stride - CHANNELS];
      rows[to + 1 + x] = data[from + x] - paethPredictor(left, above, corner);
    }
  }
  return rows;
}

/** PNG bytes of a raster `{width, height, data}`; `data` holds red, green, blue, row by row. */
export async function encodePng(raster) {
  const pixels = await promisify(deflate)(filterRows(raster), { level: 4 });
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header(raster)),
    chunk('sRGB', Buffer.from([0])),
    chunk('pHYs', resolution()),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
