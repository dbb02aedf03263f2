// SPDX-License-Identifier: LGPL-2.1-or-later
// Model files from the server to the worker. The one that the stream uses is fetched
// before the stream, which would take the link from it and wait for it anyway.
import { LONG_REQUEST } from './connection.js';
import { notice } from './notices.js';

const megabytes = (n) => (n / 1e6).toFixed(1);

export class Models {
  #connection;
  #worker;
  #there = new Set();

  constructor(connection, worker) {
    this.#connection = connection;
    this.#worker = worker;
    connection.prepare = (config) => this.#prepare(config);
  }

  async #prepare(config) {
    const id = config.streams?.[0]?.['model-ids']?.at?.(-1);
    if (/^[0-9a-f]{16}$/.test(id) && !this.#there.has(id)) await this.fetch(id);
  }

  /** The worker gets it, or the reason why not. */
  async fetch(id) {
    try {
      const bytes = await this.#load(id);
      this.#there.add(id);
      this.#worker.postMessage({ type: 'model', id, bytes }, [bytes]);
    } catch (error) {
      this.#worker.postMessage({ type: 'model', id, text: error.message });
      notice('The model is missing',
        `The stream needs model ${id}, which the server cannot give: ${
          error.message} It looks in GST_WALLOC_MODEL_PATH.`, { retry: true });
    }
  }

  async #load(id) {
    const answer = await this.#connection.request(`models/${id}.wlm`,
      LONG_REQUEST);
    const size = Number(answer.headers.get('Content-Length')) || 0;
    const reader = answer.body.getReader();
    const parts = [];
    let read = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parts.push(value);
      read += value.length;
      // the text stays the same: it would be read out each time
      notice('Loading the model', `${size ? megabytes(size) : '?'
      } MB, once.`, { progress: size ? read / size : null });
    }
    notice('');
    return new Blob(parts).arrayBuffer();
  }
}
