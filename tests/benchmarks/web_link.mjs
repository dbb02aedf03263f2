#!/usr/bin/env node
// SPDX-License-Identifier: LGPL-2.1-or-later
// The page of wallocwebsink in headless Chromium at the end of a slow link: what
// its viewer has, second by second. In a network namespace of its own, as root:
//
//   unshare -n meson devenv -C build node ../tests/benchmarks/web_link.mjs
//
// The link is loopback with the kernel's traffic control: so many kbit/s from the
// server, and so many ms of queue before it drops (a modem with much buffer has
// seconds). Environment:
// CHROMIUM (chromium), PYTHON (/usr/bin/python3), PLAN: "kbit/s:seconds ..." (0: no
// limit), QUEUE: ms, SOURCE: the pipeline before the sink, SINK: its properties,
// EACH=1: print each second.
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Chromium } from '../check/page/chromium.mjs';

const { env } = process;
const plan = (env.PLAN ?? '0:15 700:40 150:30 0:45').split(' ')
  .map((part) => part.split(':').map(Number));
const queue = Number(env.QUEUE ?? 2000);
const source = env.SOURCE ?? 'videotestsrc is-live=true pattern=smpte100 '
  + 'horizontal-speed=3 ! video/x-raw,width=640,height=360,framerate=30/1 '
  + '! wallocenc quality=60 key-int-max=30';

const tc = (...more) => execFileSync('tc', [...more]);

// What the server sends goes through a class of its own; what it is sent does not.
function slow(port) {
  tc('qdisc', 'add', 'dev', 'lo', 'root', 'handle', '1:', 'htb', 'default', '1');
  for (const id of ['1:1', '1:2']) {
    tc('class', 'add', 'dev', 'lo', 'parent', '1:', 'classid', id, 'htb', 'rate',
      '10gbit');
  }
  tc('filter', 'add', 'dev', 'lo', 'parent', '1:', 'protocol', 'ip', 'u32',
    'match', 'ip', 'sport', `${port}`, '0xffff', 'flowid', '1:2');
}

function limit(kbps) {
  const rate = kbps === 0 ? '10gbit' : `${kbps}kbit`;
  tc('class', 'change', 'dev', 'lo', 'parent', '1:', 'classid', '1:2', 'htb',
    'rate', rate, 'ceil', rate, 'burst', '3kb', 'cburst', '3kb');
  tc('qdisc', 'replace', 'dev', 'lo', 'parent', '1:2', 'handle', '20:', 'bfifo',
    'limit', `${Math.max(20000, Math.round((kbps || 1e6) / 8 * queue))}`);
}

const wait = (ms) => new Promise((done) => { setTimeout(done, ms); });
const median = (list) => {
  const sorted = list.filter(Number.isFinite).sort((a, b) => a - b);
  return sorted.length > 0 ? sorted[sorted.length >> 1] : NaN;
};

execFileSync('ip', ['link', 'set', 'lo', 'mtu', '1500', 'up']);
const server = spawn(env.PYTHON ?? '/usr/bin/python3', [fileURLToPath(
  new URL('../check/page/serve.py', import.meta.url)),
`${source} ! wallocwebsink name=w ${env.SINK ?? ''}`],
{ stdio: ['pipe', 'pipe', 'inherit'] });
const url = (await createInterface({ input: server.stdout })[
  Symbol.asyncIterator]().next()).value;
slow(new URL(url).port);
const browser = await Chromium.start(env.CHROMIUM ?? 'chromium');
const page = await browser.page({ width: 400, height: 800, mobile: true });

const look = () => page.evaluate(`(() => {
  const number = (id) => parseFloat(document.getElementById(id).textContent);
  const c = document.getElementById('picture');
  return { latency: number('latency'), fps: number('fps'), rate: number('rate'),
    lost: number('lost'), frames: Number(c.dataset.frames) || 0,
    state: document.getElementById('state').dataset.state,
    layers: /in (one|[0-9])/.exec(document.getElementById('facts')
      .textContent)?.[1] ?? '' };
})()`);

console.log('| link, kbit/s | seconds | latency median, ms | worst | '
  + 'last | frames a second | seconds without a picture | received, kbit/s '
  + '| seconds not connected |');
console.log(`|${' --- |'.repeat(9)}`);
if (env.EARLY === '1') limit(plan[0][0]);
await page.open(url);
await page.until("document.getElementById('facts')");
for (const [kbps, seconds] of plan) {
  limit(kbps);
  const seen = [];
  let before = (await look()).frames;
  for (let i = 0; i < seconds; i++) {
    await wait(1000);
    const now = await look();
    now.fresh = now.frames - before;
    before = now.frames;
    seen.push(now);
    if (env.EACH === '1') console.log(kbps, i + 1, JSON.stringify(now));
  }
  const late = seen.map(({ latency }) => latency);
  const show = (n, places = 0) => Number.isFinite(n) ? n.toFixed(places) : '-';
  console.log(`| ${kbps || 'no limit'} | ${seconds} | ${show(median(late))} | ${
    show(Math.max(...late.filter(Number.isFinite)))} | ${show(late.at(-1))} | ${
    show(seen.reduce((n, { fresh }) => n + fresh, 0) / seconds, 1)} | ${
    seen.filter(({ fresh }) => fresh === 0).length} | ${
    show(median(seen.map(({ rate }) => rate)))} | ${
    seen.filter(({ state }) => state !== 'open').length} |`);
}
limit(0);
await browser.stop();
server.stdin.end();
