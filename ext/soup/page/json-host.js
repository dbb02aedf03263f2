// SPDX-License-Identifier: LGPL-2.1-or-later
// What wasm/json.c imports: model files have a header of JSON, and this is the
// parser that every browser has. Values are listed in the order of a text, so
// that members come right behind their container.

// as in wasm/jansson.h
const OBJECT = 0, ARRAY = 1, STRING = 2, INTEGER = 3, REAL = 4, TRUE = 5,
  FALSE = 6, NULL = 7;
const MAX_VALUES = 1 << 20;

function typeOf(value) {
  if (value === null) return NULL;
  if (Array.isArray(value)) return ARRAY;
  switch (typeof value) {
    case 'string': return STRING;
    case 'number': return Number.isSafeInteger(value) ? INTEGER : REAL;
    case 'boolean': return value ? TRUE : FALSE;
    default: return OBJECT;
  }
}

// Texts become zero-terminated strings: one with a zero in it would end early.
function encode(text) {
  if (text.includes('\0')) throw new Error('a zero byte in a string');
  return new TextEncoder().encode(text);
}

function list(value, key, into) {
  const type = typeOf(value);
  const members = type === ARRAY ? value.map((v) => [null, v])
    : type === OBJECT ? Object.entries(value) : [];
  if (into.length >= MAX_VALUES) throw new Error('too many values');
  into.push({
    type,
    members: members.length,
    number: type === INTEGER || type === REAL ? value : 0,
    texts: [type === STRING ? encode(value) : new Uint8Array(0),
      key === null ? null : encode(key)],
  });
  for (const [name, member] of members) list(member, name, into);
}

// memory(): the module's memory, which there is not yet when imports are made.
export function jsonImports(memory) {
  let values = [];

  return {
    parse(text, size) {
      values = [];
      try {
        const bytes = new Uint8Array(memory().buffer, text, size);
        const decoder = new TextDecoder('utf-8', { fatal: true,
          ignoreBOM: true });
        list(JSON.parse(decoder.decode(bytes)), null, values);
      } catch {
        values = [];
      }
      return values.length;
    },
    end() { values = []; },
    type: (i) => values[i].type,
    members: (i) => values[i].members,
    number: (i) => values[i].number,
    // a key counts the zero behind it: an empty one is a key, too
    bytes: (i, which) => which === 0 ? values[i].texts[0].length
      : values[i].texts[1] === null ? 0 : values[i].texts[1].length + 1,
    copy(i, which, to) {
      const text = values[i].texts[which];
      new Uint8Array(memory().buffer, to, text.length).set(text);
    },
  };
}
