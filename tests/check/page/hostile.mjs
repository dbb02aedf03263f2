// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames and models that were damaged on purpose: whatever comes, the module
// gives an error or a picture, never a trap, and its memory stays bounded.
// WALLOC_PAGE_TRIES: how many frames to try (default 4000).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodecCrash, CodecError } from '../../../ext/soup/page/codec.js';
import { changeHeader, frames, goldenModel, goldenSounds, goldenStreams,
  newCodec, random } from './support.mjs';

const tries = Number(process.env.WALLOC_PAGE_TRIES ?? 4000);
const MOST_MEMORY = 512 << 20;

// Any of these, one or more at a time.
function mutate(frame, header, next) {
  let bytes = Buffer.from(frame);
  for (let k = 1 + next(3); k > 0; k--) {
    switch (next(5)) {
      case 0:
        bytes[next(bytes.length)] ^= 1 << next(8);
        break;
      case 1:
        bytes = bytes.subarray(0, next(bytes.length + 1));
        if (bytes.length === 0) return bytes;
        break;
      case 2: {
        const from = next(bytes.length), to = next(bytes.length);
        bytes.copyWithin(to, from, from + next(64));
        break;
      }
      case 3:
        for (let i = next(16); i >= 0; i--) bytes[next(bytes.length)] =
          next(256);
        break;
      default:
        // a header that is wrong and whole gets further
        if (bytes.length >= header.size) {
          bytes = changeHeader(bytes, header, (head) => {
            for (let i = next(3); i >= 0; i--) {
              head[4 + next(head.length - 4)] = next(256);
            }
          });
        }
    }
  }
  return bytes;
}

function attempt(work) {
  try {
    work();
    return 'fine';
  } catch (error) {
    assert.ok(error instanceof CodecError, error.stack);
    assert.ok(error.code < 0 && error.message.length > 5, error);
    return error.code;
  }
}

test(`${tries} damaged frames`, async () => {
  const codec = await newCodec();
  const next = random(20261122);
  const players = new Map();
  const cases = [];
  const player = (name) => {
    if (!players.has(name)) players.set(name, codec.open(goldenModel(name)));
    return players.get(name);
  };
  for (const [, model, stream] of goldenStreams()) {
    // those that are large take the time of many small ones
    for (const [frame, header] of frames(codec, stream)) {
      if (header.width < 200) cases.push([player(model), frame, header]);
    }
  }
  for (const [, model, stream] of goldenSounds()) {
    for (const [frame, header] of frames(codec, stream)) {
      cases.push([player(model), frame, header]);
    }
  }
  const outcomes = new Map();
  const started = performance.now();
  for (let i = 0; i < tries; i++) {
    const [p, frame, header] = cases[next(cases.length)];
    const bytes = mutate(frame, header, next);
    p.conceal(next(2) === 1);
    if (next(50) === 0) p.reset();
    // a frame in front of it, which it may build on
    if (next(4) === 0 && header.media === 0) attempt(() => p.picture(frame));
    const outcome = attempt(() => {
      codec.parse(bytes);
      if (header.media === 1) p.sound(bytes, header.sounds);
      else if (next(8) === 0) p.follow(bytes);
      else p.picture(bytes, next(4) === 0 ? next(4) : 0);
    });
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  console.log(`# ${Math.round(performance.now() - started)} ms, `
    + `${codec.memoryBytes >> 20} MiB, ${JSON.stringify([...outcomes])}`);
  assert.ok(codec.memoryBytes < MOST_MEMORY);
  // both sides of every fence were seen
  assert.ok(outcomes.get('fine') > tries / 20);
  for (const code of [-4, -5, -6, -8, -12]) assert.ok(outcomes.has(code), code);
  // and it still works
  for (const [p, frame, header] of cases) {
    if (header.media === 0 && header.type === 0) {
      assert.equal(p.picture(frame).damaged, 0);
    }
  }
});

test('damaged models', async () => {
  const codec = await newCodec();
  const next = random(5);
  const models = ['ordered-test', 'reference-test', 'sound-test'].map(
    goldenModel);
  let opened = 0, refused = 0;
  for (let i = 0; i < Math.ceil(tries / 20); i++) {
    let bytes = Buffer.from(models[i % models.length]);
    const header = Number(bytes.readBigUInt64LE(0));
    if (next(4) === 0) {
      bytes = bytes.subarray(0, next(bytes.length));
    } else {
      // mostly the header of JSON
      const end = next(3) > 0 ? 8 + header : bytes.length;
      for (let k = 1 + next(4); k > 0; k--) bytes[next(end)] = next(256);
    }
    const outcome = attempt(() => {
      const player = codec.open(bytes);
      // a model of sound refuses it, others may find that it fits
      attempt(() => player.picture(goldenStreams()[3][2]));
      player.close();
    });
    if (outcome === 'fine') opened++;
    else refused++;
  }
  assert.ok(opened > 0 && refused > opened, `${opened}, ${refused}`);
  assert.ok(codec.memoryBytes < MOST_MEMORY);
});

// A model file with that text as its header.
function withHeader(text, data) {
  const header = Buffer.isBuffer(text) ? text : Buffer.from(text);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([size, header, data]);
}

test('headers of model files go through the parser of the host', async () => {
  const codec = await newCodec();
  const model = goldenModel('ordered-test');
  const length = Number(model.readBigUInt64LE(0));
  const text = model.toString('utf8', 8, 8 + length);
  const data = model.subarray(8 + length);
  const id = (header) => {
    const player = codec.open(withHeader(header, data));
    player.close();
    return player.id;
  };
  const plain = id(text);
  // what does not change the meaning does not change the model
  assert.equal(id(JSON.stringify(JSON.parse(text), null, 2)), plain);
  assert.equal(id(JSON.stringify(Object.fromEntries(Object.entries(
    JSON.parse(text)).reverse()))), plain);
  assert.equal(id(text.replace('codec.group', '\\u0063odec.group')), plain);
  const more = JSON.parse(text);
  more.__metadata__['π \u{1f600}'] = 'ü\n';
  more.__metadata__[''] = '';
  assert.equal(id(JSON.stringify(more)), plain);
  for (const wrong of [
    '', '[]', '1', 'null', '{}', '{"a":}', text.slice(0, -2), `${text}x`,
    text.replace('{', '\ufeff{'),
    text.replace('"U8"', '"U\\u00008"'), text.replace('"U8"', '8'),
    text.replace('"shape":[', '"shape":[1.5,'),
    text.replace('"shape":[', '"shape":[-1,'),
    text.replace('"shape":[', '"shape":[1e300,'),
    text.replace('"shape":[', '"shape":[null,'),
    text.replace('"shape":[', '"shape":{"a":1,'),
    text.replace('"data_offsets":[', '"data_offsets":[0,'),
    `{"a":${'['.repeat(50)}${']'.repeat(50)}}`,
    '['.repeat(500000),
    `{"__proto__":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},${
      text.slice(1)}`.replace('"codec.group"', '"codec.grouq"'),
    Buffer.concat([Buffer.from(text.slice(0, 20)), Buffer.from([0xff, 0xfe]),
      Buffer.from(text.slice(20))]),
  ]) {
    assert.throws(() => id(wrong), CodecError, String(wrong).slice(0, 80));
  }
});

test('a module that has trapped says so', async () => {
  const codec = await newCodec();
  // beyond its memory
  assert.throws(() => codec.call('walloc_player_sound_gap', 0xfffff000),
    CodecCrash);
  const [[, model, stream]] = goldenStreams();
  const fresh = await newCodec();
  assert.equal(fresh.open(goldenModel(model)).picture(stream).damaged, 0);
});
