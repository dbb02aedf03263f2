// SPDX-License-Identifier: LGPL-2.1-or-later
// The link to the server: asks for the configuration first, which says in words
// why not where that is so, then opens the WebSocket; comes back by itself, later
// and later, when it breaks.

const FIRST_WAIT = 500, LONGEST_WAIT = 15000;
const PING_EVERY = 1000, SILENCE = 12000, REQUEST_TIME = 10000;
/** For a model of some MB through a slow link. */
export const LONG_REQUEST = 180000;
// a link that held so long was a good one
const GOOD_AFTER = 5000;

export const State = Object.freeze({
  CONNECTING: 'connecting', OPEN: 'open', WAITING: 'waiting',
  DENIED: 'denied', STOPPED: 'stopped',
});

// close codes of the server (docs/web.md)
const TOO_SLOW = 1013;
const reasons = {
  1000: 'The stream has ended.', 1001: 'The server has stopped.',
  [TOO_SLOW]: 'This link was too slow for the stream.',
};

const base64url = (text) => {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-')
    .replaceAll('/', '_').replaceAll('=', '');
};

/** What went wrong; wait: seconds that the server asks to wait. */
class Refusal extends Error {
  constructor(text, { denied = false, wait = 0 } = {}) {
    super(text);
    this.denied = denied;
    this.wait = wait;
  }
}

/** Events: state {state, text, seconds}, text (message), frame (ArrayBuffer), slow
 * (the server gave up on this link). */
export class Connection extends EventTarget {
  #token;
  #base;
  #socket = null;
  #timer = 0;
  #ping = 0;
  #attempts = 0;
  #opened = 0;
  #heard = 0;
  #run = 0;
  state = State.STOPPED;
  /** What goes with a ping; what is asked for from the beginning; what is to be done
   * before, with the configuration (a promise). */
  mark = () => null;
  wishes = () => ({});
  prepare = async () => {};

  constructor(base, token) {
    super();
    this.#base = base;
    this.#token = token;
    addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) this.#hurry();
    });
  }

  set token(value) {
    this.#token = value;
  }

  /** fetch() with the token; throws Refusal with words for people. */
  async request(path, time = REQUEST_TIME) {
    const headers = this.#token
      ? { Authorization: `Bearer ${this.#token}` } : {};
    let answer;
    try {
      answer = await fetch(new URL(path, this.#base), { headers,
        cache: 'no-cache', signal: AbortSignal.timeout(time) });
    } catch {
      throw new Refusal('The server does not answer. It may be stopped, or this '
        + 'device without a network. The page tries again by itself.');
    }
    if (answer.ok) return answer;
    const said = (await answer.text().catch(() => '')).trim().slice(0, 400);
    if (answer.status === 401) {
      throw new Refusal(this.#token
        ? 'The server does not take this token. Who runs it can tell.'
        : 'The server asks for a token. Who runs it can tell.',
      { denied: true });
    }
    if (answer.status === 403) throw new Refusal(said
      || 'The server refuses this page.', { denied: true });
    throw new Refusal(said || `The server answers ${answer.status}.`,
      { wait: Number(answer.headers.get('Retry-After')) || 0 });
  }

  start() {
    this.stop();
    this.#attempts = 0;
    this.#connect();
  }

  stop() {
    this.#run++;
    clearTimeout(this.#timer);
    clearInterval(this.#ping);
    this.#socket?.close();
    this.#socket = null;
    this.#opened = 0;
    this.#tell(State.STOPPED, '');
  }

  send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) {
      this.#socket.send(JSON.stringify(message));
    }
  }

  #tell(state, text, seconds = 0) {
    this.state = state;
    this.dispatchEvent(new CustomEvent('state',
      { detail: { state, text, seconds } }));
  }

  #hurry() {
    if (this.state !== State.WAITING) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  #failed(refusal) {
    clearTimeout(this.#timer);
    clearInterval(this.#ping);
    this.#socket = null;
    this.#opened = 0;
    if (refusal.denied) {
      this.#tell(State.DENIED, refusal.message);
      return;
    }
    const wait = Math.max(1000 * refusal.wait,
      Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#attempts++))
      // not all pages at the same moment
      * (0.75 + Math.random() / 2);
    this.#tell(State.WAITING, refusal.message, Math.ceil(wait / 1000));
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  async #connect() {
    const run = ++this.#run;
    this.#tell(State.CONNECTING, '');
    let config;
    try {
      config = await (await this.request('config')).json();
      if (run !== this.#run) return;
      if (config.version !== 1) {
        throw new Refusal(`The server speaks version ${config.version}, `
          + 'this page version 1. Reload the page.');
      }
    } catch (error) {
      if (run === this.#run) this.#failed(error instanceof Refusal ? error
        : new Refusal('The server answers with something else than its '
          + 'configuration.'));
      return;
    }
    await this.prepare(config);
    if (run === this.#run) this.#open(run);
  }

  #open(run) {
    const url = new URL('ws', this.#base);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    for (const [name, value] of Object.entries(this.wishes())) {
      if (value > 0) url.searchParams.set(name, value);
    }
    // the only place for a token that is not the address, which servers log
    const socket = new WebSocket(url, this.#token
      ? ['walloc', `walloc.token.${base64url(this.#token)}`] : ['walloc']);
    socket.binaryType = 'arraybuffer';
    this.#socket = socket;
    // browsers wait for minutes
    this.#timer = setTimeout(() => this.#giveUp(
      'The server does not take the connection.'), REQUEST_TIME);
    socket.onopen = () => {
      if (run !== this.#run) return;
      clearTimeout(this.#timer);
      this.#opened = this.#heard = performance.now();
      this.#tell(State.OPEN, '');
      this.#ping = setInterval(() => this.#beat(), PING_EVERY);
      this.#beat();
    };
    socket.onmessage = ({ data }) => {
      if (run !== this.#run) return;
      this.#heard = performance.now();
      if (typeof data !== 'string') {
        this.dispatchEvent(new CustomEvent('frame', { detail: data }));
        return;
      }
      let message = null;
      try {
        message = JSON.parse(data);
      } catch { /* below */ }
      if (message && typeof message.type === 'string') {
        this.dispatchEvent(new CustomEvent('text', { detail: message }));
      }
    };
    socket.onclose = ({ code, reason }) => {
      if (run !== this.#run) return;
      if (this.#opened && performance.now() - this.#opened > GOOD_AFTER) {
        this.#attempts = 0;
      }
      const wasOpen = this.#opened > 0;
      if (code === TOO_SLOW) this.dispatchEvent(new Event('slow'));
      this.#opened = 0;
      this.#failed(new Refusal(reasons[code]
        || (reason ? `The server has closed the connection: ${reason}`
          : wasOpen ? 'The connection broke.'
            : 'The server did not take the connection. It may have too many '
              + 'clients now.')));
    };
  }

  // close() alone would wait for an answer that does not come
  #giveUp(text) {
    const socket = this.#socket;
    this.#run++;
    socket?.close();
    this.#failed(new Refusal(text));
  }

  #beat() {
    if (performance.now() - this.#heard > SILENCE) {
      this.#giveUp('Nothing came from the server for '
        + `${SILENCE / 1000} seconds.`);
      return;
    }
    this.send({ type: 'ping', t: this.mark() });
  }
}
