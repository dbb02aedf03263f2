// SPDX-License-Identifier: LGPL-2.1-or-later
// A headless Chromium, told what to do through a pipe (Chrome DevTools Protocol).
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class Chromium {
  #process;
  #profile;
  #number = 0;
  #waiting = new Map();
  #listeners = new Map();

  static async start(program, ...more) {
    const self = new Chromium();
    self.#profile = mkdtempSync(join(tmpdir(), 'walloc-chromium-'));
    self.#process = spawn(program, ['--headless=new', '--no-sandbox',
      '--disable-gpu', '--no-first-run', '--disable-extensions',
      '--disable-background-networking', '--disable-component-update',
      '--disable-dev-shm-usage', '--mute-audio',
      '--autoplay-policy=no-user-gesture-required',
      // nothing but the server of the test is there
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
      `--user-data-dir=${self.#profile}`, '--remote-debugging-pipe', ...more,
      'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: self.#profile } });
    let text = '';
    self.#process.stdio[4].on('data', (data) => {
      text += data;
      for (let end; (end = text.indexOf('\0')) >= 0; text = text.slice(end
        + 1)) {
        self.#receive(JSON.parse(text.slice(0, end)));
      }
    });
    self.#process.stdio[3].on('error', () => {});
    await self.send('Browser.getVersion');
    return self;
  }

  #receive({ id, result, error, method, params, sessionId }) {
    if (id !== undefined) {
      const [done, failed] = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error) failed(new Error(error.message));
      else done(result);
    } else {
      this.#listeners.get(sessionId)?.(method, params);
    }
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.#number;
    this.#process.stdio[3].write(`${JSON.stringify({ id, method, params,
      sessionId })}\0`);
    return new Promise((done, failed) => {
      this.#waiting.set(id, [done, failed]);
    });
  }

  async page({ width = 1280, height = 800, mobile = false, dark = false,
    scale = 1 } = {}) {
    const { targetId } = await this.send('Target.createTarget',
      { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget',
      { targetId, flatten: true });
    const page = new Page(this, sessionId, targetId);
    this.#listeners.set(sessionId, (method, params) =>
      page.event(method, params));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) {
      await page.send(`${domain}.enable`);
    }
    await page.send('Emulation.setDeviceMetricsOverride', { width, height,
      deviceScaleFactor: scale, mobile });
    await page.send('Emulation.setEmulatedMedia', { features: [
      { name: 'prefers-color-scheme', value: dark ? 'dark' : 'light' }] });
    return page;
  }

  async stop() {
    const gone = new Promise((done) => { this.#process.on('exit', done); });
    this.send('Browser.close').catch(() => {});
    const late = setTimeout(() => this.#process.kill('SIGKILL'), 10000);
    await gone;
    clearTimeout(late);
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class Page {
  #browser;
  #session;
  #target;
  /** Exceptions and errors that the page has logged; addresses it asked for. */
  errors = [];
  requests = [];

  constructor(browser, session, target) {
    this.#browser = browser;
    this.#session = session;
    this.#target = target;
  }

  send(method, params) {
    return this.#browser.send(method, params, this.#session);
  }

  event(method, params) {
    if (method === 'Runtime.exceptionThrown') {
      this.errors.push(params.exceptionDetails.exception?.description
        ?? params.exceptionDetails.text);
    } else if (method === 'Log.entryAdded' && params.entry.level === 'error') {
      this.errors.push(`${params.entry.text} ${params.entry.url ?? ''}`);
    } else if (method === 'Network.requestWillBeSent') {
      this.requests.push(params.request.url);
    }
  }

  open(url) {
    return this.send('Page.navigate', { url });
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send('Runtime.evaluate',
      { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) {
      throw new Error(exceptionDetails.exception?.description
        ?? exceptionDetails.text);
    }
    return result.value;
  }

  /** Until the expression is true. */
  async until(expression, what = expression, seconds = 60) {
    const end = Date.now() + 1000 * seconds;
    for (;;) {
      let value = null;
      try {
        value = await this.evaluate(expression);
      } catch { /* the page is being loaded */ }
      if (value) return value;
      if (Date.now() > end) {
        throw new Error(`${what}: not within ${seconds} s; the page says: ${
          await this.evaluate('document.body?.innerText')}\n${
          this.errors.join('\n')}`);
      }
      await new Promise((done) => { setTimeout(done, 50); });
    }
  }

  /** RGBA of a canvas. */
  async pixels(id) {
    const text = await this.evaluate(`(() => {
      const c = document.getElementById('${id}');
      const { data } = c.getContext('2d').getImageData(0, 0, c.width, c.height);
      let s = '';
      for (let i = 0; i < data.length; i += 32768) {
        s += String.fromCharCode(...data.subarray(i, i + 32768));
      }
      return btoa(s);
    })()`);
    return Buffer.from(text, 'base64');
  }

  async screenshot(path) {
    const { data } = await this.send('Page.captureScreenshot',
      { format: 'png' });
    writeFileSync(path, Buffer.from(data, 'base64'));
  }

  async close() {
    await this.#browser.send('Target.closeTarget', { targetId: this.#target });
  }
}
