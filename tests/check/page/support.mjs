// SPDX-License-Identifier: LGPL-2.1-or-later
// What the tests of the page's decoder share: golden files, what the native
// library makes of a stream, and frames that are changed on purpose.
// Environment: WALLOC_WASM (the module), WALLOC_TOOL (the program walloc).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync }
  from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as zlib from 'node:zlib';
import { Codec } from '../../../ext/soup/page/codec.js';

export const golden = fileURLToPath(new URL('../../golden/', import.meta.url));
export const wasm = readFileSync(process.env.WALLOC_WASM);
export const newCodec = () => Codec.load(wasm);

export const goldenModel = (name) =>
  readFileSync(join(golden, 'models', `${name}.wlm`));

/** [name, model, bytes] of every golden stream of pictures. */
export function goldenStreams() {
  return readFileSync(join(golden, 'stream', 'list.txt'), 'utf8').split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split(' '))
    .map(([name, model]) => [name, model,
      readFileSync(join(golden, 'stream', `${name}.wlc`))]);
}

export function goldenSounds() {
  return readFileSync(join(golden, 'sound', 'list.txt'), 'utf8').split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split(' '))
    .map(([name, model]) => [name, model,
      readFileSync(join(golden, 'sound', `${name}.wlc`)),
      readFileSync(join(golden, 'sound', `${name}.s16`))]);
}

/** The frames of a stream as [bytes, header]. */
export function frames(codec, stream) {
  const out = [];
  for (let at = 0; at < stream.length;) {
    const header = codec.parse(stream.subarray(at));
    const end = at + header.size + header.payload;
    out.push([stream.subarray(at, end), header]);
    at = end;
  }
  return out;
}

/** Packed rows of a picture of the Player, as a file of it has them. */
export function planesOf(codec, picture) {
  const { width, height, format } = picture;
  if (format === 'RGBx') {
    const rgb = Buffer.alloc(3 * width * height);
    for (let i = 0; i < width * height; i++) {
      for (let k = 0; k < 3; k++) rgb[3 * i + k] = picture.rgba[4 * i + k];
    }
    return rgb;
  }
  return Buffer.concat(picture.planes.map(({ at, stride }, i) => {
    const rows = i > 0 && format === 'I420' ? (height + 1) >> 1 : height;
    return Buffer.from(codec.bytes(at, stride * rows));
  }));
}

/** What `walloc decode -d linear` makes of a stream: {status, text, pictures}. */
export function decodeNatively(stream, model, format, reduce = 0) {
  const folder = mkdtempSync(join(tmpdir(), 'walloc-page-'));
  try {
    const out = join(folder,
      ['RGB', 'BGR', 'RGBx', 'BGRx', 'xRGB', 'xBGR'].includes(format)
        ? 'out.ppm' : 'out.y4m');
    writeFileSync(join(folder, 'in.wlc'), stream);
    const done = spawnSync(process.env.WALLOC_TOOL, ['decode', '-d', 'linear',
      ...(reduce > 0 ? ['-r', `${reduce}`] : []), '-m', join(golden, 'models', `${model}.wlm`), join(folder, 'in.wlc'),
      out], { encoding: 'utf8' });
    const there = readdirSync(folder).some((name) => name.startsWith('out'));
    return { status: done.status, text: done.stderr,
      pictures: there ? readPictures(readFileSync(out)) : [] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

// PPM or YUV4MPEG2, several behind one another
function readPictures(file) {
  const out = [];
  let at = 0, size = 0;
  const line = () => {
    const end = file.indexOf(10, at);
    const text = file.toString('latin1', at, end);
    at = end + 1;
    return text;
  };
  const yuv = file[0] === 0x59;
  if (yuv) {
    const [, w, h, c] = /W(\d+) H(\d+) .* C(\w+)/.exec(line());
    const cw = c === '444' ? +w : c === 'mono' ? 0 : (+w + 1) >> 1;
    size = w * h + 2 * cw * (c === '420jpeg' ? (+h + 1) >> 1 : h);
  }
  while (at < file.length) {
    line();
    if (!yuv) {
      const [w, h] = line().split(' ');
      line();
      size = 3 * w * h;
    }
    out.push(file.subarray(at, at + size));
    at += size;
  }
  return out;
}

export const greatestDifference = (a, b) => {
  let most = a.length === b.length ? 0 : Infinity;
  for (let i = 0; i < a.length && i < b.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
  }
  return most;
};

/** The same numbers in every run. */
export function random(seed) {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 4294967296 * below);
  };
}

// Debian 12's own node, too, which has no crc32 in zlib
function crc32(bytes) {
  if (zlib.crc32) return zlib.crc32(bytes);
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) {
      crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
  }
  return ~crc >>> 0;
}

/** The frame with change(header bytes) made to its header, and a checksum that
 * holds. */
export function changeHeader(frame, header, change) {
  const copy = Buffer.from(frame);
  const head = copy.subarray(0, header.size - 4);
  change(head);
  copy.writeUInt32LE(crc32(head), header.size - 4);
  return copy;
}

/** The frame with one more record (docs/bitstream.md, 1.2). */
export function addRecord(frame, header, type, content) {
  const old = header.size - 4;
  const copy = Buffer.concat([frame.subarray(0, old),
    Buffer.from([type, content.length, 0, ...content]), Buffer.alloc(4),
    frame.subarray(header.size)]);
  const size = header.size + 3 + content.length;
  copy.writeUInt16LE(size, 4);
  copy.writeUInt32LE(crc32(copy.subarray(0, size - 4)), size - 4);
  return copy;
}

/** RGBA of packed planes (planesOf(), or a file's), in floating point, straight
 * from the definitions: weights of red and blue, full range, chroma to the left
 * and on top of its samples of luma. */
export function expectedRgba({ width, height, format }, bytes, kr, kb, full,
  left, top) {
  const halfX = format === 'I420' || format === 'Y42B';
  const halfY = format === 'I420';
  const columns = halfX ? (width + 1) >> 1 : width;
  const rows = halfY ? (height + 1) >> 1 : height;
  const grey = format === 'GRAY8';
  const clampTo = (v, n) => Math.max(0, Math.min(n - 1, v));
  // a sample of luma has a position in the plane of chroma; linear between
  const sample = (plane, x, y) => {
    const px = halfX ? (left ? x / 2 : (x - 0.5) / 2) : x;
    const py = halfY ? (top ? y / 2 : (y - 0.5) / 2) : y;
    const x0 = Math.floor(px), y0 = Math.floor(py);
    const fx = px - x0, fy = py - y0;
    const at = width * height + (plane - 1) * columns * rows;
    const value = (i, j) => bytes[at + clampTo(j, rows) * columns
      + clampTo(i, columns)];
    return (1 - fy) * ((1 - fx) * value(x0, y0) + fx * value(x0 + 1, y0))
      + fy * ((1 - fx) * value(x0, y0 + 1) + fx * value(x0 + 1, y0 + 1));
  };
  const out = new Uint8ClampedArray(4 * width * height);
  const kg = 1 - kr - kb, c = full ? 1 : 255 / 224;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const luma = bytes[y * width + x];
      const l = full ? luma : (luma - 16) * 255 / 219;
      const cb = grey ? 0 : (sample(1, x, y) - 128) * c;
      const cr = grey ? 0 : (sample(2, x, y) - 128) * c;
      const b = l + 2 * (1 - kb) * cb, r = l + 2 * (1 - kr) * cr;
      out.set([r, (l - kr * r - kb * b) / kg, b, 255], 4 * (y * width + x));
    }
  }
  return out;
}
