// SPDX-License-Identifier: LGPL-2.1-or-later
// Puts the parts of the page together.
import { Clock } from './clock.js';
import { Connection, State } from './connection.js';
import { addControls } from './controls.js';
import { Detail } from './detail.js';
import { byId } from './dom.js';
import { Layers } from './layers.js';
import { Models } from './models.js';
import { notice, showQuiet, showState, stopped, warn } from './notices.js';
import { Numbers } from './numbers.js';
import { Overlay } from './overlay.js';
import { listResults } from './resultlist.js';
import { readResult, Results } from './results.js';
import { Screen } from './screen.js';
import { Sound } from './sound.js';
import { Spectrum } from './spectrum.js';
import { Stats } from './stats.js';
import { readToken } from './token.js';

const root = document.documentElement;
const stats = new Stats(), clock = new Clock(), results = new Results();
const numbers = new Numbers(stats, clock);
const overlay = new Overlay(byId('overlay'), byId('labels'), byId('heard'));
const spectrum = new Spectrum(byId('spectrum'));
const sound = new Sound();
let connection = null, worker = null, detail = null, layers = null;
let models = null, lastPts = null, lastFrame = 0, any = false;

// nothing of the link before this one counts
function begin() {
  lastFrame = performance.now();
  clock.reset();
  stats.reset();
  results.clear();
  worker.postMessage({ type: 'reset' });
  layers.tell();
}

// what was said instead of it is over
function first() {
  if (!any) notice('');
  any = true;
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
    first();
    root.dataset.sound = String(Number(root.dataset.sound ?? 0) + 1);
    sound.play(planes, header.rate);
    screen.wave(planes);
    showResults(header.pts);
  },
  skipped(count) {
    stats.skipped(count);
  },
  'need-model': ({ id }) => { models.fetch(id); },
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
  layers.shown(picture);
  showResults(header.pts);
  const canvas = byId('picture');
  first();
  canvas.setAttribute('aria-label', 'Live picture');
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
  stats(message) {
    numbers.link(message);
    layers.link(message);
  },
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
  connection.addEventListener('state', ({ detail: d }) => {
    showState(d);
    if (d.state === State.OPEN) begin();
  });
  connection.addEventListener('text', ({ detail: d }) =>
    fromServer[d.type]?.(d));
  connection.addEventListener('frame', ({ detail: bytes }) => {
    lastFrame = performance.now();
    stats.arrived(bytes.byteLength);
    worker.postMessage({ type: 'frame', bytes }, [bytes]);
  });
  detail = new Detail(worker);
  layers = new Layers(connection, clock);
  models = new Models(connection, worker);
  connection.start();
}

function start() {
  addControls({ screen, sound, overlay, connection: () => connection,
    redraw: () => overlay.set(results.at(lastPts).results) });
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
    connection?.stop();
  };
  setInterval(() => {
    if (connection?.state === State.OPEN) {
      showQuiet((performance.now() - lastFrame) / 1000, any);
    }
    const read = stats.read();
    // without a link, nothing is late
    if (connection?.state === State.OPEN) layers.check(read);
    numbers.draw(read, layers?.limit ?? 0);
    showResults(lastPts);
    detail?.check(read);
  }, 1000);
}

start();
