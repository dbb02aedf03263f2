// SPDX-License-Identifier: LGPL-2.1-or-later
// libwalloc in WebAssembly (wasm/player.c): frames in, pictures and samples
// out. Needs neither a page nor a worker.
import { jsonImports } from './json-host.js';

// walloc_result
export const Result = Object.freeze({
  OK: 0, ARGUMENT: -1, MEMORY: -2, LIMIT: -3, TRUNCATED: -4, CORRUPT: -5,
  UNSUPPORTED: -6, MODEL: -7, MODEL_MISMATCH: -8, NOT_FOUND: -9, IO: -10,
  SPACE: -11, NEEDS_KEY: -12,
});
export const Media = Object.freeze({ VIDEO: 0, AUDIO: 1 });
export const FrameType = Object.freeze({ KEY: 0, PREDICTED: 1, REPEAT: 2 });
export const FORMATS = ['GRAY8', 'I420', 'NV12', 'Y42B', 'Y444', 'RGB', 'BGR',
  'RGBx', 'BGRx', 'xRGB', 'xBGR'];

// No frame that a server sends is greater, whatever it says.
export const MAX_FRAME = 64 << 20;
export const MAX_MODEL = 64 << 20;
const ERROR_BYTES = 256;
const HEADER_NUMBERS = 27;
const MADE_NUMBERS = 13;

/** A frame or a model that cannot be used. code: a Result. */
export class CodecError extends Error {
  constructor(code, text) {
    super(text || `error ${code}`);
    this.name = 'CodecError';
    this.code = code;
  }
}

/** The module itself has failed and must be loaded anew. */
export class CodecCrash extends Error {
  constructor(cause) {
    super(`the decoder has stopped: ${cause.message}`);
    this.name = 'CodecCrash';
  }
}

// The C library writes to no file, but is linked with what would.
function systemImports(memory) {
  const noSuchFile = () => 8;
  return {
    clock_time_get(_clock, _precision, to) {
      new DataView(memory().buffer).setBigUint64(to,
        BigInt(Math.round(performance.now() * 1e6)), true);
      return 0;
    },
    fd_close: noSuchFile,
    fd_seek: noSuchFile,
    fd_write: noSuchFile,
  };
}

const hex = (low, high) => high.toString(16).padStart(8, '0')
  + low.toString(16).padStart(8, '0');

// ns, or null where it is unknown. Exact for 104 days.
function time(low, high) {
  return low === 0xffffffff && high === 0xffffffff ? null
    : high * 4294967296 + low;
}

export class Codec {
  #exports;
  #input = 0;
  #room = 0;
  #numbers;
  #text;

  /** module: a WebAssembly.Module, or the bytes of one. */
  static async load(module) {
    let instance;
    const imports = {
      json: jsonImports(() => instance.exports.memory),
      wasi_snapshot_preview1: systemImports(() => instance.exports.memory),
    };
    const compiled = module instanceof WebAssembly.Module ? module
      : await WebAssembly.compile(module);
    instance = await WebAssembly.instantiate(compiled, imports);
    instance.exports._initialize?.();
    return new Codec(instance.exports);
  }

  constructor(exports) {
    this.#exports = exports;
    this.#numbers = this.call('walloc_player_alloc', 4 * HEADER_NUMBERS);
    this.#text = this.call('walloc_player_alloc', ERROR_BYTES);
  }

  call(name, ...args) {
    try {
      return this.#exports[name](...args);
    } catch (error) {
      throw new CodecCrash(error);
    }
  }

  /** Bytes of memory that the module has taken from the system. */
  get memoryBytes() {
    return this.#exports.memory.buffer.byteLength;
  }

  bytes(at, size) {
    return new Uint8Array(this.#exports.memory.buffer, at, size);
  }

  numbers(at, count) {
    return new Uint32Array(this.#exports.memory.buffer, at, count);
  }

  floats(at, count) {
    return new Float32Array(this.#exports.memory.buffer, at, count);
  }

  text(at) {
    const bytes = this.bytes(at, ERROR_BYTES);
    const end = bytes.indexOf(0);
    return new TextDecoder().decode(bytes.slice(0, end < 0 ? undefined : end));
  }

  /** Copies data (Uint8Array) to where the module can read it. */
  put(data, most = MAX_FRAME) {
    if (data.length > most) {
      throw new CodecError(Result.LIMIT,
        `${data.length} bytes are more than ${most}`);
    }
    if (data.length > this.#room) {
      this.call('walloc_player_release', this.#input);
      this.#room = 0;
      this.#input = this.call('walloc_player_alloc', data.length + 65536);
      if (this.#input === 0) {
        throw new CodecError(Result.MEMORY,
          `no memory for a frame of ${data.length} bytes`);
      }
      this.#room = data.length + 65536;
    }
    this.bytes(this.#input, data.length).set(data);
    return this.#input;
  }

  /** The header of a frame; throws CodecError. */
  parse(data) {
    const at = this.put(data);
    const result = this.call('walloc_player_parse', at, data.length,
      this.#numbers, this.#text);
    if (result !== Result.OK) throw new CodecError(result,
      this.text(this.#text));
    const n = this.numbers(this.#numbers, HEADER_NUMBERS);
    return {
      media: n[0], type: n[1], size: n[2], payload: n[3],
      model: hex(n[4], n[5]), pts: time(n[6], n[7]), duration: time(n[8], n[9]),
      width: n[10], height: n[11], format: FORMATS[n[12]],
      fps: n[14] > 0 ? n[13] / n[14] : 0,
      par: n[15] > 0 && n[16] > 0 ? n[15] / n[16] : 1,
      channels: n[17], layers: n[18], step: n[19], scale: n[20],
      sequence: n[21], rate: n[22], sounds: n[23], columns: n[24],
      trimStart: n[25], trimEnd: n[26],
    };
  }

  /** A Player for the model file in data; throws CodecError. */
  open(data) {
    const at = this.put(data, MAX_MODEL);
    const handle = this.call('walloc_player_new', at, data.length, this.#text);
    if (handle === 0) throw new CodecError(Result.MODEL,
      this.text(this.#text));
    this.call('walloc_player_model_id', handle, this.#numbers);
    const n = this.numbers(this.#numbers, 2);
    return new Player(this, handle, hex(n[0], n[1]));
  }
}

/** Views that it gives are of the module's memory: good until the next call. */
export class Player {
  #codec;
  #handle;

  constructor(codec, handle, id) {
    this.#codec = codec;
    this.#handle = handle;
    this.id = id;
  }

  #run(name, ...args) {
    const result = this.#codec.call(name, this.#handle, ...args);
    if (result !== Result.OK) {
      const text = this.#codec.call('walloc_player_error', this.#handle);
      throw new CodecError(result, this.#codec.text(text));
    }
    const made = this.#codec.call('walloc_player_made', this.#handle);
    return this.#codec.numbers(made, MADE_NUMBERS);
  }

  /** Decodes to 1 / 2^reduce of the size. */
  picture(data, reduce = 0) {
    const at = this.#codec.put(data);
    const n = this.#run('walloc_player_picture', at, data.length, reduce);
    const planes = [];
    for (let i = 0; i < 3 && n[5 + i] !== 0; i++) {
      planes.push({ at: n[5 + i], stride: n[8 + i] });
    }
    return {
      damaged: n[0], width: n[1], height: n[2], format: FORMATS[n[3]],
      rgba: new Uint8ClampedArray(this.#codec.bytes(n[4], 4 * n[1] * n[2])
        .buffer, n[4], 4 * n[1] * n[2]),
      planes,
    };
  }

  /** Decodes what the next frame needs, and no picture. */
  follow(data) {
    const at = this.#codec.put(data);
    return { damaged: this.#run('walloc_player_follow', at, data.length)[0] };
  }

  /** Interleaved samples of a frame, not trimmed. */
  sound(data, sounds) {
    const at = this.#codec.put(data);
    return this.#samples(this.#run('walloc_player_sound', at, data.length),
      sounds);
  }

  /** In place of a lost one. */
  soundGap(sounds) {
    return this.#samples(this.#run('walloc_player_sound_gap'), sounds);
  }

  #samples(n, sounds) {
    return { damaged: n[0], count: n[12],
      samples: this.#codec.floats(n[11], n[12] * sounds) };
  }

  conceal(on) {
    this.#codec.call('walloc_player_conceal', this.#handle, on ? 1 : 0);
  }

  reset() {
    this.#codec.call('walloc_player_reset', this.#handle);
  }

  close() {
    if (this.#handle !== 0) this.#codec.call('walloc_player_free',
      this.#handle);
    this.#handle = 0;
  }
}
