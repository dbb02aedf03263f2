// SPDX-License-Identifier: LGPL-2.1-or-later
// The page with the element that serves it: a pipeline, a browser, and what
// wallocdec makes of the same frames.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Chromium } from './chromium.mjs';
import { expectedRgba, frames, greatestDifference, newCodec }
  from './support.mjs';

const serve = fileURLToPath(new URL('serve.py', import.meta.url));
let browser, codec, folder;

before(async () => {
  browser = await Chromium.start(process.env.CHROMIUM);
  codec = await newCodec();
  folder = mkdtempSync(join(tmpdir(), 'walloc-page-'));
});

after(async () => {
  await browser.stop();
  rmSync(folder, { recursive: true });
});

class Pipeline {
  #process;
  #lines;

  static async start(text) {
    const self = new Pipeline();
    self.#process = spawn(process.env.PYTHON, [serve, text],
      { stdio: ['pipe', 'pipe', 'inherit'] });
    self.#lines = createInterface({ input: self.#process.stdout })[
      Symbol.asyncIterator]();
    self.url = await self.line();
    assert.match(self.url, /^http:/);
    return self;
  }

  async line() {
    return (await this.#lines.next()).value;
  }

  say(text) {
    this.#process.stdin.write(`${text}\n`);
  }

  async stop() {
    const gone = new Promise((done) => { this.#process.on('exit', done); });
    this.#process.stdin.end();
    await gone;
  }
}

test('the page of wallocwebsink draws what wallocdec makes', async () => {
  const file = join(folder, 'live.wlc');
  const raw = join(folder, 'live.yuv');
  const classify = process.env.WALLOC_NETWORK
    ? `compressedclassify model-file=${process.env.WALLOC_NETWORK} ` : '';
  const pipeline = await Pipeline.start('videotestsrc is-live=true '
    + 'pattern=ball background-color=0xff406080 foreground-color=0xffe0a020 '
    + '! video/x-raw,format=I420,width=320,height=240,framerate=10/1 '
    + '! wallocenc key-int-max=10 quality=60 ! tee name=t ! queue '
    + `${classify && `! ${classify}`}! wallocwebsink name=w token=secret `
    + `t. ! queue ! filesink location=${file} buffer-mode=2`);
  const page = await browser.page({ width: 800, height: 900 });
  try {
    await page.open(pipeline.url);
    await page.until("document.getElementById('state').dataset.state"
      + " === 'denied'");
    await page.evaluate("location.hash = 'token=secret'");
    const drawn = "Number(document.getElementById('picture').dataset.frames)";
    await page.until(`${drawn} >= 12`);
    await page.until("Number(document.getElementById('latency').textContent)"
      + ' > 0', 'latency');
    await page.until("Number(document.getElementById('rate').textContent) > 0");
    if (classify) {
      await page.until("document.getElementById('labels').children.length > 0",
        'labels');
    }
    pipeline.say('push spectralinspect {"G": {"bands": [4, 2, 1, 0.5]}}');
    assert.equal(await pipeline.line(), 'done');
    await page.until("document.querySelectorAll('#spectrum polyline').length"
      + ' === 1');
    // a picture that stays
    await page.evaluate("document.getElementById('pause').click()");
    const pts = Number(await page.evaluate(
      "document.getElementById('picture').dataset.pts"));
    const got = await page.pixels('picture');
    assert.equal(Number(await page.evaluate(
      "document.getElementById('picture').dataset.pts")), pts);
    const errors = page.errors.filter((e) => !/401/.test(e));
    assert.deepEqual(errors, []);
    // the server goes and comes back
    await page.evaluate("document.getElementById('pause').click()");
    const before = await page.evaluate(drawn);
    pipeline.say('restart');
    assert.equal(await pipeline.line(), 'stopped');
    const list = frames(codec, readFileSync(file));
    await page.until("document.getElementById('state').dataset.state"
      + " === 'waiting'");
    pipeline.say('go');
    assert.equal(await pipeline.line(), 'done');
    await page.until(`${drawn} >= ${before + 5}`, 'pictures again');

    const number = list.findIndex(([, header]) => header.pts === pts);
    assert.ok(number >= 0, `no frame at ${pts}`);
    // wallocdec of all frames up to it (the file was written anew meanwhile)
    const upTo = join(folder, 'part.wlc');
    writeFileSync(upTo, Buffer.concat(list.slice(0, number + 1).map(([f]) =>
      f)));
    execFileSync('gst-launch-1.0', ['-q', 'filesrc', `location=${upTo}`, '!',
      'wallocparse', '!', 'wallocdec', 'decoder=linear', '!',
      'video/x-raw,format=I420', '!', 'filesink', `location=${raw}`]);
    const size = 320 * 240 * 3 / 2;
    const planes = readFileSync(raw).subarray(number * size, (number + 1)
      * size);
    const want = expectedRgba({ width: 320, height: 240, format: 'I420' },
      planes, 0.299, 0.114, false, false, false);
    const most = greatestDifference(got, want);
    assert.ok(most <= 1, `differs by ${most}`);
    // a picture, not one colour
    assert.ok(new Set(want).size > 40);
  } finally {
    await page.close();
    await pipeline.stop();
  }
});

test('the page of wallocwebsink plays sound', async () => {
  const pipeline = await Pipeline.start('audiotestsrc is-live=true '
    + 'samplesperbuffer=1024 ! audio/x-raw,format=F32LE,rate=44100,channels=2 '
    + '! wallocaudioenc ! wallocwebsink name=w');
  const page = await browser.page({ width: 400, height: 700 });
  try {
    await page.open(pipeline.url);
    await page.until('Number(document.documentElement.dataset.sound) >= 5');
    await page.evaluate("document.getElementById('sound').click()");
    await page.until("document.getElementById('sound')"
      + ".getAttribute('aria-pressed') === 'true'");
    await page.until("document.getElementById('facts').textContent.includes("
      + "'44100 Hz, 2 channels')");
    assert.deepEqual(page.errors, []);
  } finally {
    await page.close();
    await pipeline.stop();
  }
});
