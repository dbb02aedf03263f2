// SPDX-License-Identifier: LGPL-2.1-or-later
// Decodes in a thread of its own. Frames must all be decoded, as others build
// on them, but only the newest is made a picture of when several wait.
//
// In:  {type: 'model', id, bytes | text}  a model file, or why there is none
//      {type: 'frame', bytes}             ArrayBuffer
//      {type: 'back', buffer}             a picture's memory, to be used again
//      {type: 'options', reduce, hidden}
//      {type: 'reset'}                    the link was broken
// Out: {type: 'ready'}, {type: 'need-model', id}, {type: 'want-key'},
//      {type: 'picture', ...}, {type: 'sound', ...}, {type: 'skipped', ...},
//      {type: 'bad', text, code}, {type: 'fatal', text}
import { Codec, CodecCrash, CodecError, FrameType, Media, Result }
  from './codec.js';

// what waits for a slow decoder, or for a model
const MAX_QUEUE = 240, MAX_QUEUE_BYTES = 32 << 20;
// pictures on their way to the screen
const MAX_AHEAD = 2;
const MAX_MODELS = 4;

let module = null, codec = null;
let queue = [], queued = 0;
let players = new Map(), models = new Map();
let asked = new Set(), missing = new Map();
let options = { reduce: 0, hidden: false };
let spare = [], ahead = 0;
let scheduled = false, waitsForKey = true;
// what came before this page is decoded, but not missed on the screen
let catchingUp = true;

function fatal(text) {
  queue = [];
  postMessage({ type: 'fatal', text });
}

async function load() {
  try {
    if (!module) {
      const answer = await fetch(new URL('walloc.wasm', import.meta.url));
      if (!answer.ok) {
        throw new Error(answer.status === 404
          ? 'This server was built without the WebAssembly decoder, which '
            + 'needs clang, lld and wasi-libc. The stream is at /stream.'
          : `The server answers ${answer.status}.`);
      }
      const bytes = await answer.arrayBuffer();
      if (!WebAssembly.validate(bytes)) {
        throw new Error('This browser has no WebAssembly with SIMD (Chrome 91, '
          + 'Firefox 89 and Safari 16.4 were the first), or the file is damaged.');
      }
      module = await WebAssembly.compile(bytes);
    }
    codec = await Codec.load(module);
    players = new Map();
    waitsForKey = true;
    postMessage({ type: 'ready' });
    schedule();
  } catch (error) {
    fatal(`The decoder cannot be loaded: ${error.message}`);
  }
}

function schedule() {
  if (scheduled || !codec) return;
  scheduled = true;
  // behind the messages that are here already, so that they are seen as one
  setTimeout(() => {
    scheduled = false;
    work();
  });
}

function drop(until) {
  let frames = 0;
  while (queue.length > 0 && until()) {
    queued -= queue.shift().bytes.length;
    frames++;
  }
  if (frames > 0) postMessage({ type: 'skipped', lost: frames, late: 0 });
}

// Too much waits: go on with the newest key frame, or ask for one.
function shorten() {
  if (queue.length <= MAX_QUEUE && queued <= MAX_QUEUE_BYTES) return;
  let last = queue.length - 1;
  while (last > 0 && queue[last].header.type !== FrameType.KEY) last--;
  const keep = last > 0 ? queue[last] : null;
  drop(() => queue[0] !== keep);
  if (!keep) {
    waitsForKey = true;
    postMessage({ type: 'want-key' });
  }
}

// Whether frames of that model can be decoded; asks for it where not yet.
function hasModel(id) {
  if (players.has(id) || models.has(id)) return true;
  if (!asked.has(id) && !missing.has(id)) {
    asked.add(id);
    postMessage({ type: 'need-model', id });
  }
  return false;
}

function oldest(map) {
  return map.size >= MAX_MODELS ? map.keys().next().value : undefined;
}

function playerOf(id) {
  if (players.has(id)) return players.get(id);
  const player = codec.open(models.get(id));
  if (player.id !== id) {
    player.close();
    throw new CodecError(Result.MODEL,
      `the server gave model ${player.id} in place of ${id}`);
  }
  // what cannot be decoded is shown as it was; a key frame is asked for, too
  player.conceal(true);
  const old = oldest(players);
  players.get(old)?.close();
  players.delete(old);
  players.set(id, player);
  return player;
}

function picture(player, { bytes, header }) {
  const started = performance.now();
  const made = player.picture(bytes, options.reduce);
  const size = made.rgba.length;
  let buffer = spare.pop();
  if (buffer?.byteLength !== size) buffer = new ArrayBuffer(size);
  new Uint8ClampedArray(buffer).set(made.rgba);
  const ms = performance.now() - started;
  ahead++;
  postMessage({ type: 'picture', width: made.width, height: made.height,
    damaged: made.damaged, header, bytes: bytes.length, ms, buffer }, [buffer]);
  if (made.damaged > 0) postMessage({ type: 'want-key' });
}

function sound(player, { bytes, header }) {
  const started = performance.now();
  const made = player.sound(bytes, header.sounds);
  const from = Math.min(header.trimStart, made.count);
  const to = Math.max(from, made.count - header.trimEnd);
  const planes = [];
  for (let c = 0; c < header.sounds; c++) {
    const plane = new Float32Array(to - from);
    for (let i = from; i < to; i++) {
      plane[i - from] = made.samples[i * header.sounds + c];
    }
    planes.push(plane);
  }
  postMessage({ type: 'sound', header, bytes: bytes.length, planes,
    damaged: made.damaged, ms: performance.now() - started },
  planes.map((plane) => plane.buffer));
}

function decode(frame, show) {
  const { header, bytes } = frame;
  const player = playerOf(header.model);
  if (header.media === Media.AUDIO) {
    sound(player, frame);
    return;
  }
  if (waitsForKey && header.type !== FrameType.KEY) {
    postMessage({ type: 'skipped', lost: 1, late: 0, bytes: bytes.length });
    return;
  }
  waitsForKey = false;
  if (show) {
    picture(player, frame);
  } else {
    player.follow(bytes);
    postMessage({ type: 'skipped', lost: 0, late: options.hidden || catchingUp ? 0 : 1,
      bytes: bytes.length });
  }
}

function attempt(frame, show) {
  try {
    decode(frame, show);
  } catch (error) {
    if (error instanceof CodecCrash) {
      postMessage({ type: 'bad', text: error.message, code: 0 });
      codec = null;
      load().then(() => postMessage({ type: 'want-key' }));
      return;
    }
    if (!(error instanceof CodecError)) throw error;
    if (error.code === Result.NEEDS_KEY) waitsForKey = true;
    // a model that does not load will not load later
    if (error.code === Result.MODEL) {
      missing.set(frame.header.model, error.message);
      models.delete(frame.header.model);
    }
    postMessage({ type: 'want-key' });
    postMessage({ type: 'bad', text: error.message, code: error.code,
      model: frame.header.model });
  }
}

function work() {
  if (!codec) return;
  const frame = queue[0];
  if (!frame) return;
  const known = hasModel(frame.header.model);
  // it is on its way
  if (!known && !missing.has(frame.header.model)) return;
  const video = frame.header.media === Media.VIDEO;
  const newer = queue.some((other, i) => i > 0
    && other.header.media === frame.header.media);
  // the screen is slower than the stream: wait, or go on without a picture
  if (video && !newer && ahead >= MAX_AHEAD && !options.hidden) return;
  queue.shift();
  queued -= frame.bytes.length;
  if (known) attempt(frame, video ? !newer && !options.hidden : true);
  if (queue.length > 0) schedule();
  else catchingUp = false;
}

const receive = {
  frame({ bytes }) {
    // it is being loaded anew, and a key frame will be asked for
    if (!codec) return;
    const data = new Uint8Array(bytes);
    try {
      queue.push({ bytes: data, header: codec.parse(data) });
    } catch (error) {
      postMessage({ type: 'bad', text: error.message, code: error.code ?? 0 });
      return;
    }
    queued += data.length;
    shorten();
    schedule();
  },
  model({ id, bytes, text }) {
    asked.delete(id);
    if (bytes) {
      models.delete(oldest(models));
      models.set(id, new Uint8Array(bytes));
    } else {
      missing.set(id, text);
      // asked for again when the link is new
      drop(() => queue[0].header.model === id);
    }
    schedule();
  },
  back({ buffer }) {
    ahead = Math.max(0, ahead - 1);
    if (spare.length < MAX_AHEAD) spare.push(buffer);
    schedule();
  },
  options(message) {
    options = { ...options, ...message };
    schedule();
  },
  reset() {
    queue = [];
    queued = 0;
    asked = new Set();
    missing = new Map();
    waitsForKey = catchingUp = true;
    for (const player of players.values()) player.reset();
  },
};

onmessage = ({ data }) => receive[data.type]?.(data);
load();
