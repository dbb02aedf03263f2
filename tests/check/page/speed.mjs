// SPDX-License-Identifier: LGPL-2.1-or-later
// How long the module takes for the frames of a stream: processor time of a frame, in
// ms, least and median of three rounds behind one that is not counted (by then the
// engine has compiled with all its care). Run by hand:
//   node tests/check/page/speed.mjs MODEL.wlm STREAM.wlc WALLOC.wasm...
import { readFileSync } from 'node:fs';
import { Codec } from '../../../ext/soup/page/codec.js';

const [model, file, ...modules] = process.argv.slice(2);
const stream = readFileSync(file);

for (const path of modules) {
  const codec = await Codec.load(readFileSync(path));
  const player = codec.open(readFileSync(model));
  const frames = [];
  for (let at = 0; at < stream.length;) {
    const header = codec.parse(stream.subarray(at));
    const end = at + header.size + header.payload;
    frames.push(stream.subarray(at, end));
    at = end;
  }
  const measure = (what, decode) => {
    const times = [];
    for (let round = 0; round < 4; round++) {
      for (const frame of frames) {
        const before = process.cpuUsage();
        decode(frame);
        const { user, system } = process.cpuUsage(before);
        if (round > 0) times.push((user + system) / 1000);
      }
    }
    times.sort((a, b) => a - b);
    console.log(`${path} ${what}: ${times[0].toFixed(1)} ${
      times[times.length >> 1].toFixed(1)}`);
  };
  for (const reduce of [0, 1, 2]) {
    measure(`picture 1/${1 << reduce}`, (frame) =>
      player.picture(frame, reduce));
  }
  measure('no picture', (frame) => player.follow(frame));
  console.log(`${path} memory: ${codec.memoryBytes >> 20} MiB`);
}
