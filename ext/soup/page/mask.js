// SPDX-License-Identifier: LGPL-2.1-or-later
// Masks of compressedsegment as they come in events: runs of a class, each a
// byte and a length in LEB128, base64.

const MOST = 1 << 20;

/** {width, height, cell, classes: Uint8Array}, or null for what is none. */
export function readMask(mask) {
  const { width, height, cell, runs } = mask ?? {};
  if (![width, height, cell].every((n) => Number.isInteger(n) && n > 0)
    || width * height > MOST || typeof runs !== 'string') return null;
  let bytes;
  try {
    bytes = Uint8Array.from(atob(runs), (c) => c.charCodeAt(0));
  } catch {
    return null;
  }
  const classes = new Uint8Array(width * height);
  let at = 0, i = 0;
  while (i < bytes.length) {
    const value = bytes[i++];
    let length = 0, shift = 0, more = true;
    while (more) {
      if (i >= bytes.length || shift > 28) return null;
      length += (bytes[i] & 127) * 2 ** shift;
      more = bytes[i++] > 127;
      shift += 7;
    }
    if (length > classes.length - at) return null;
    classes.fill(value, at, at + length);
    at += length;
  }
  return at === classes.length ? { width, height, cell, classes } : null;
}

/** Pixels (ImageData) of a mask; colours: 0xrrggbb by class. */
export function paintMask({ width, height, classes }, colours) {
  const image = new ImageData(width, height);
  for (let i = 0; i < classes.length; i++) {
    const colour = colours[classes[i]] ?? 0;
    image.data[4 * i] = colour >> 16;
    image.data[4 * i + 1] = colour >> 8 & 255;
    image.data[4 * i + 2] = colour & 255;
    image.data[4 * i + 3] = 255;
  }
  return image;
}
