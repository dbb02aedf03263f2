// SPDX-License-Identifier: LGPL-2.1-or-later
// The decoder in WebAssembly makes what the native one makes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodecError, Result } from '../../../ext/soup/page/codec.js';
import { addRecord, changeHeader, decodeNatively, expectedRgba, frames,
  goldenModel, goldenSounds, goldenStreams, greatestDifference, newCodec,
  planesOf, random }
  from './support.mjs';

function failure(code) {
  return (error) => error instanceof CodecError && error.code === code
    && error.message.length > 10;
}

test('golden streams decode to the samples of the native library',
  async () => {
    const codec = await newCodec();
    let count = 0;
    for (const [name, model, stream] of goldenStreams()) {
      const player = codec.open(goldenModel(model));
      const list = frames(codec, stream);
      const native = decodeNatively(stream, model, list[0][1].format);
      assert.equal(native.status, 0, native.text);
      assert.equal(native.pictures.length, list.length, name);
      list.forEach(([frame, header], i) => {
        assert.equal(header.model, player.id, name);
        const picture = player.picture(frame);
        assert.equal(picture.damaged, 0, name);
        assert.deepEqual([picture.width, picture.height],
          [header.width, header.height]);
        assert.equal(greatestDifference(planesOf(codec, picture),
          native.pictures[i]), 0, `${name}, frame ${i}`);
        count++;
      });
      player.close();
    }
    assert.ok(count >= 33, `${count} frames`);
  });

test('damaged and cut streams are concealed as in the native library',
  async () => {
    const codec = await newCodec();
    const next = random(7);
    let damaged = 0;
    for (const [name, model, stream] of goldenStreams()) {
      const [[, first]] = frames(codec, stream);
      const cut = Buffer.from(stream.subarray(0, stream.length
        - next(stream.length / 2 | 0)));
      const wrong = Buffer.from(stream);
      // not in a header
      const list = frames(codec, stream);
      const at = list.slice(0, -1).reduce((n, [f]) => n + f.length, 0)
        + list.at(-1)[1].size;
      for (let k = 0; k < 3 && at < wrong.length; k++) {
        wrong[at + next(wrong.length - at)] ^= 1 << next(8);
      }
      for (const bytes of [cut, wrong]) {
        const player = codec.open(goldenModel(model));
        const native = decodeNatively(bytes, model, first.format);
        const made = [];
        let rest = bytes, sum = 0;
        while (rest.length > 0) {
          let header;
          try {
            header = codec.parse(rest);
            const picture = player.picture(rest.subarray(0, header.size
              + header.payload));
            made.push(planesOf(codec, picture));
            sum += picture.damaged;
          } catch (error) {
            assert.ok(error instanceof CodecError, error);
            if (header === undefined) break;
          }
          rest = rest.subarray(header.size + header.payload);
        }
        // the program writes nothing of a frame without a whole slice
        made.forEach((picture, i) => {
          if (native.pictures[i] === undefined) return;
          assert.equal(greatestDifference(picture, native.pictures[i]), 0,
            `${name}, picture ${i}`);
        });
        assert.ok(made.length <= native.pictures.length
          || native.status === 1, `${name}: ${made.length}, native `
          + `${native.pictures.length}, ${native.text}`);
        damaged += sum;
        player.close();
      }
    }
    assert.ok(damaged >= 10, `${damaged} slices`);
  });

test('golden sounds decode to the samples of the native library',
  async () => {
    const codec = await newCodec();
    for (const [name, model, stream, expected] of goldenSounds()) {
      const player = codec.open(goldenModel(model));
      const want = new Int16Array(expected.buffer.slice(expected.byteOffset,
        expected.byteOffset + expected.length));
      const got = [];
      for (const [frame, header] of frames(codec, stream)) {
        const { samples, count, damaged } = player.sound(frame, header.sounds);
        assert.equal(damaged, 0);
        assert.equal(samples.length, count * header.sounds);
        for (const v of samples) {
          got.push(Math.max(-32768, Math.min(32767,
            Math.round(v * 32768))));
        }
      }
      // .s16 files may have been trimmed
      const whole = want.length === got.length ? got : null;
      if (whole) assert.ok(greatestDifference(whole, want) <= 1, name);
      else assert.fail(`${name}: ${got.length} samples, not ${want.length}`);
      player.close();
    }
  });

test('colours follow the header', async () => {
  const codec = await newCodec();
  const player = codec.open(goldenModel('ordered-test'));
  const bt601 = [0.299, 0.114], bt709 = [0.2126, 0.0722],
    bt2020 = [0.2627, 0.0593];
  let checked = 0;
  for (const [name, model, stream] of goldenStreams()) {
    const [frame, header] = frames(codec, stream)[0];
    if (model !== 'ordered-test' || header.width > 200
        || !['GRAY8', 'I420', 'NV12', 'Y42B', 'Y444'].includes(header.format)) {
      continue;
    }
    // record, matrix, full range, chroma to the left, on top
    const grey = header.format === 'GRAY8';
    for (const [record, k, full, left, top] of [
      [null, bt601, grey, false, false],
      [[1, 1, 1, 1, 0], bt709, true, false, false],
      [[2, 6, 6, 6, 2], bt601, false, true, false],
      [[2, 9, 14, 9, 6], bt2020, false, true, true],
      [[0, 2, 2, 2, 1], bt601, grey, false, false],
    ]) {
      const bytes = record ? addRecord(frame, header, 3, record) : frame;
      const picture = player.picture(bytes);
      const want = expectedRgba(picture, planesOf(codec, picture), ...k, full,
        left, top);
      const most = greatestDifference(picture.rgba, want);
      assert.ok(most <= 1, `${name} ${record}: ${most}`);
      checked++;
    }
  }
  assert.ok(checked >= 30, `${checked}`);
});

test('reduced pictures are those of the native library', async () => {
  const codec = await newCodec();
  const player = codec.open(goldenModel('ordered-test'));
  for (const wanted of ['i420-odd', 'rgb', 'y42b', 'gray-noise']) {
    const [, model, stream] = goldenStreams().find(([name]) =>
      name === wanted);
    const { width, height, format } = codec.parse(stream);
    for (const reduce of [1, 2, 3]) {
      const picture = player.picture(stream, reduce);
      const part = (n) => Math.ceil(n / (1 << reduce));
      assert.deepEqual([picture.width, picture.height],
        [part(width), part(height)]);
      const native = decodeNatively(stream, model, format, reduce);
      assert.equal(greatestDifference(planesOf(codec, picture),
        native.pictures[0]), 0, `${wanted}, 1/${1 << reduce}`);
    }
    assert.throws(() => player.picture(stream, 4), CodecError);
  }
});

test('frames that are not shown keep the ones behind them whole', async () => {
  const codec = await newCodec();
  const [, model, stream] = goldenStreams().find(([name]) =>
    name === 'predicted-i420');
  const all = codec.open(goldenModel(model));
  const some = codec.open(goldenModel(model));
  const list = frames(codec, stream);
  assert.ok(list.some(([, header]) => header.type === 1));
  list.forEach(([frame], i) => {
    const want = planesOf(codec, all.picture(frame));
    if (i % 3 !== 2) assert.equal(some.follow(frame).damaged, 0);
    else assert.equal(greatestDifference(planesOf(codec, some.picture(frame)),
      want), 0);
  });
});

test('lost frames: a key frame is asked for, or they are concealed',
  async () => {
    const codec = await newCodec();
    const [, model, stream] = goldenStreams().find(([name]) =>
      name === 'predicted-i420');
    const player = codec.open(goldenModel(model));
    const list = frames(codec, stream);
    assert.throws(() => player.picture(list[1][0]),
      failure(Result.NEEDS_KEY));
    player.picture(list[0][0]);
    assert.throws(() => player.picture(list[2][0]),
      failure(Result.NEEDS_KEY));
    // the key frame always decodes
    player.picture(list[0][0]);
    player.conceal(true);
    assert.ok(player.picture(list[2][0]).damaged > 0);
    player.reset();
    assert.throws(() => player.picture(list[1][0]),
      failure(Result.NEEDS_KEY));
  });

test('what does not fit is refused with a reason', async () => {
  const codec = await newCodec();
  const player = codec.open(goldenModel('ordered-test'));
  const [, , stream] = goldenStreams().find(([name]) => name === 'rgb');
  const header = codec.parse(stream);
  assert.throws(() => codec.parse(stream.subarray(0, 20)),
    failure(Result.TRUNCATED));
  assert.throws(() => codec.parse(Buffer.from('no frame at all, not one byte')),
    failure(Result.CORRUPT));
  assert.throws(() => codec.parse(Buffer.alloc(0)), CodecError);
  const other = changeHeader(stream, header, (h) => { h[12] ^= 1; });
  assert.throws(() => player.picture(other), failure(Result.MODEL_MISMATCH));
  // the greatest picture that a header can claim
  const large = changeHeader(stream, header, (h) => {
    h.writeUInt16LE(16383, 20);
    h.writeUInt16LE(16383, 22);
    h.writeUInt16LE(2048, 30);
  });
  const before = codec.memoryBytes;
  assert.throws(() => player.picture(large), failure(Result.LIMIT));
  assert.throws(() => player.follow(large), failure(Result.LIMIT));
  assert.ok(codec.memoryBytes === before, 'no memory for a claim');
  const [[, , sound]] = goldenSounds();
  assert.throws(() => player.picture(sound), CodecError);
  assert.throws(() => player.sound(stream, 2), failure(Result.ARGUMENT));
  const hearer = codec.open(goldenModel('sound-test'));
  assert.throws(() => hearer.sound(stream, 2),
    failure(Result.MODEL_MISMATCH));
  assert.throws(() => hearer.soundGap(1), failure(Result.ARGUMENT));
  assert.throws(() => hearer.picture(stream), failure(Result.ARGUMENT));
});

test('memory does not grow with models and sizes that come and go',
  async () => {
    const codec = await newCodec();
    const model = goldenModel('ordered-test');
    const streams = goldenStreams().filter(([, name]) =>
      name === 'ordered-test');
    const once = () => {
      const player = codec.open(model);
      for (const [, , stream] of streams) {
        for (const [frame] of frames(codec, stream)) player.picture(frame);
      }
      player.close();
    };
    for (let k = 0; k < 3; k++) once();
    const before = codec.memoryBytes;
    for (let k = 0; k < 12; k++) once();
    assert.equal(codec.memoryBytes, before);
  });
