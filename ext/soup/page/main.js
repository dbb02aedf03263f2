// SPDX-License-Identifier: LGPL-2.1-or-later
// Puts the parts of the page together.
import { Clock } from './clock.js';
import { Connection, LONG_REQUEST, State } from './connection.js';
import { Detail } from './detail.js';
import { byId, say } from './dom.js';
import { Numbers } from './numbers.js';
import { Overlay } from './overlay.js';
import { listResults } from './resultlist.js';
import { readResult, Results } from './results.js';
import { Screen } from './screen.js';
import { Sound } from './sound.js';
import { Spectrum } from './spectrum.js';
import { Stats } from './stats.js';
import { keepToken, readToken } from './token.js';

// a warning that nothing new has followed goes away
const WARNING_TIME = 8000;

const root = document.documentElement;
const stats = new Stats(), clock = new Clock(), results = new Results();
const numbers = new Numbers(stats, clock);
const overlay = new Overlay(byId('overlay'), byId('labels'), byId('heard'));
const spectrum = new Spectrum(byId('spectrum'));
const sound = new Sound();
let connection = null, worker = null, detail = null, lastPts = null;
let warningTimer = 0;

function notice(title, text, { token = false, retry = false } = {}) {
  const box = byId('notice');
  box.hidden = !title;
  if (!title) return;
  say(box.querySelector('h2'), title);
  say(box.querySelector('p'), text);
  byId('token-form').hidden = !token;
  byId('retry').hidden = !retry;
}

function warn(text) {
  const box = byId('warning');
  say(box, text);
  box.hidden = false;
  clearTimeout(warningTimer);
  warningTimer = setTimeout(() => { box.hidden = true; }, WARNING_TIME);
}

function showState({ state, text, seconds }) {
  const pill = byId('state');
  pill.dataset.state = state;
  say(pill.querySelector('span'), {
    [State.CONNECTING]: 'Connecting', [State.OPEN]: 'Live',
    [State.WAITING]: `Trying again in ${seconds} s`,
    [State.DENIED]: 'Not let in', [State.STOPPED]: 'Stopped',
  }[state]);
  if (state === State.OPEN) {
    notice('');
    clock.reset();
    stats.reset();
    results.clear();
    worker.postMessage({ type: 'reset' });
    detail.tell();
  } else if (state === State.WAITING) {
    notice('No connection', text, { retry: true });
  } else if (state === State.DENIED) {
    notice('Not let in', text, { token: true });
  }
}

function stopped(title, text) {
  showState({ state: State.STOPPED });
  notice(title, text);
}

async function fetchModel(id) {
  try {
    warn(`Loading model ${id}, once.`);
    const bytes = await (await connection.request(`models/${id}.wlm`,
      LONG_REQUEST)).arrayBuffer();
    worker.postMessage({ type: 'model', id, bytes }, [bytes]);
  } catch (error) {
    worker.postMessage({ type: 'model', id, text: error.message });
    notice('The model is missing',
      `The stream needs model ${id}, which the server cannot give: ${
        error.message} It looks in GST_WALLOC_MODEL_PATH.`, { retry: true });
  }
}

function showResults(pts) {
  const { changed, results: now } = results.at(pts);
  if (!changed) return;
  overlay.set(now);
  for (const { kind } of now) {
    for (const name of { classes: ['labels'], mask: ['labels', 'mask'],
      lines: ['text'] }[kind] ?? []) {
      document.querySelector(`[data-show=${name}]`).hidden = false;
    }
  }
  listResults(byId('results'), now);
  const measured = now.find(({ kind }) => kind === 'spectrum');
  if (measured) spectrum.draw(measured);
}

const fromWorker = {
  ready() {
    if (!connection) connect();
  },
  picture(picture) {
    screen.take(picture);
    if (picture.damaged > 0) stats.totals.damaged += picture.damaged;
  },
  sound(block) {
    const { header, planes, bytes, ms } = block;
    stats.shown({ bytes, ms, age: clock.age(header.pts), pixels: 0 });
    numbers.header(header, null);
    byId('sound').hidden = false;
    root.dataset.sound = String(Number(root.dataset.sound ?? 0) + 1);
    sound.play(planes, header.rate);
    screen.wave(planes);
    showResults(header.pts);
  },
  skipped(count) {
    stats.skipped(count);
  },
  'need-model': ({ id }) => { fetchModel(id); },
  'want-key': () => { connection?.send({ type: 'keyframe' }); },
  bad({ text, model, code }) {
    stats.totals.bad++;
    if (model && code === -7) {
      notice('The model cannot be read', text, { retry: true });
    } else {
      warn(`A frame could not be decoded: ${text}`);
    }
  },
  fatal({ text }) {
    stopped('The decoder is missing', text);
    connection?.stop();
  },
};

function shown(picture) {
  const { header, bytes, ms, width, height } = picture;
  lastPts = header.pts;
  stats.shown({ bytes, ms, age: clock.age(header.pts),
    pixels: header.width * header.height });
  numbers.header(header, { width, height });
  detail.shown(picture);
  showResults(header.pts);
  const canvas = byId('picture');
  if (canvas.dataset.frames === undefined) {
    notice('');
    canvas.setAttribute('aria-label', 'Live picture');
  }
  canvas.dataset.frames = String(Number(canvas.dataset.frames ?? 0) + 1);
  canvas.dataset.pts = String(header.pts ?? '');
  canvas.dataset.damaged = String(picture.damaged);
}

const screen = new Screen(byId('picture'),
  (buffer) => worker.postMessage({ type: 'back', buffer }, [buffer]), shown);

const fromServer = {
  hello: (message) => numbers.config(message),
  config: (message) => numbers.config(message),
  clock: (message) => clock.clock(message),
  pong: (message) => clock.pong(message),
  stats: (message) => numbers.link(message),
  event(message) {
    const result = readResult(message);
    if (!result) return;
    results.add(result);
    // a stream without pictures yet
    showResults(lastPts);
  },
};

function connect() {
  connection = new Connection(new URL('.', location.href), readToken());
  connection.addEventListener('state', ({ detail: d }) => showState(d));
  connection.addEventListener('text', ({ detail: d }) =>
    fromServer[d.type]?.(d));
  connection.addEventListener('frame', ({ detail: bytes }) => {
    stats.arrived(bytes.byteLength);
    worker.postMessage({ type: 'frame', bytes }, [bytes]);
  });
  detail = new Detail(connection, worker);
  connection.start();
}

function pressed(button, on) {
  button.setAttribute('aria-pressed', String(on));
}

function controls() {
  byId('pause').addEventListener('click', ({ currentTarget }) => {
    screen.paused = !screen.paused;
    pressed(currentTarget, screen.paused);
    byId('paused').hidden = !screen.paused;
  });
  byId('sound').addEventListener('click', async ({ currentTarget }) => {
    await (sound.on ? sound.stop() : sound.start());
    pressed(currentTarget, sound.on);
  });
  const full = byId('full');
  full.hidden = !document.fullscreenEnabled;
  full.addEventListener('click', () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else byId('theatre').requestFullscreen();
  });
  for (const button of document.querySelectorAll('[data-show]')) {
    button.addEventListener('click', () => {
      const { show } = button.dataset;
      overlay.show[show] = !overlay.show[show];
      pressed(button, overlay.show[show]);
      overlay.set(results.at(lastPts).results);
    });
  }
  byId('token-form').addEventListener('submit', (event) => {
    event.preventDefault();
    keepToken(byId('token').value.trim());
    connection.token = readToken();
    connection.start();
  });
  byId('retry').addEventListener('click', () => connection.start());
  addEventListener('hashchange', () => {
    if (!connection) return;
    connection.token = readToken();
    connection.start();
  });
}

function start() {
  controls();
  if (typeof WebAssembly !== 'object') {
    stopped('No WebAssembly here', 'This browser cannot run the decoder, or '
      + 'was told not to. Any browser since 2021 can.');
    return;
  }
  try {
    worker = new Worker('decoder-worker.js', { type: 'module' });
  } catch (error) {
    stopped('The decoder cannot start', error.message);
    return;
  }
  worker.onmessage = ({ data }) => fromWorker[data.type]?.(data);
  worker.onerror = (event) => {
    stopped('The decoder has stopped', event.message
      || 'The browser does not say why. Reload the page.');
  };
  setInterval(() => {
    numbers.draw();
    showResults(lastPts);
    detail?.check(stats.read());
  }, 1000);
}

start();
