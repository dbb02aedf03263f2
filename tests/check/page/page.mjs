// SPDX-License-Identifier: LGPL-2.1-or-later
// The page in headless Chromium, with a server of the test's own: what it draws,
// and what it says when something is wrong.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Chromium } from './chromium.mjs';
import { frames, goldenModel, goldenSounds, goldenStreams,
  greatestDifference, newCodec, wasm } from './support.mjs';
import { TestServer } from './server.mjs';

const golden = (wanted) => goldenStreams().find(([name]) =>
  name === wanted)[2];
const isState = (state) =>
  `document.getElementById('state').dataset.state === '${state}'`;
const shownText = (id) => `document.getElementById('${id}').innerText`;
const shows = (text) => `document.body.innerText.includes(${
  JSON.stringify(text)})`;
const framesDrawn = (n) =>
  `Number(document.getElementById('picture').dataset.frames) >= ${n}`;

let browser, codec, models, id;

before(async () => {
  browser = await Chromium.start(process.env.CHROMIUM);
  codec = await newCodec();
  models = new Map(['ordered-test', 'sound-test'].map((name) => {
    const bytes = goldenModel(name);
    const player = codec.open(bytes);
    player.close();
    return [player.id, bytes];
  }));
  [id] = models.keys();
});

after(() => browser.stop());

// work(server, page); then nothing may have gone wrong in the page, and it has
// asked for nothing from elsewhere
async function withPage(settings, options, work) {
  const server = new TestServer({ wasm, models, config: { version: 1,
    streams: [{ id: 'video', media: 'video', width: 61, height: 47,
      framerate: 10, 'model-ids': [id] }] }, ...settings });
  await server.start();
  const page = await browser.page(options);
  try {
    if (options.before) await page.send('Page.addScriptToEvaluateOnNewDocument',
      { source: options.before });
    await page.open(`${server.url}${options.anchor ?? ''}`);
    await work(server, page);
    assert.equal(await page.evaluate(shows('The decoder has stopped')), false);
    const expected = options.errors ?? /^$/;
    assert.deepEqual(page.errors.filter((e) => !expected.test(e)), []);
    const from = new RegExp(`^(http|ws)://127\\.0\\.0\\.1:${server.port}/`);
    assert.deepEqual(page.requests.filter((url) => !from.test(url)
      && !url.startsWith('data:')), []);
  } finally {
    await page.close();
    await server.stop();
  }
}

test('draws the pictures that the decoder makes', async () => {
  const player = codec.open(goldenModel('ordered-test'));
  for (const name of ['i420-odd', 'predicted-i420', 'xbgr-low', 'gray-noise']) {
    const list = frames(codec, golden(name));
    await withPage({ welcome: [list[0][0]] }, {}, async (server, page) => {
      await page.until(framesDrawn(1), name);
      for (let i = 1; i < list.length; i++) {
        server.frame(list[i][0]);
        await page.until(framesDrawn(i + 1), `${name}, frame ${i}`);
      }
      let want;
      for (const [frame] of list) {
        want = Buffer.from(player.picture(frame).rgba);
      }
      const got = await page.pixels('picture');
      assert.equal(greatestDifference(got, want), 0, name);
      const { width, height } = list[0][1];
      // the numbers are shown once a second
      await page.until(`document.getElementById('facts').textContent
        .includes('${width} × ${height}')`, `${name}, its size`);
    });
  }
  player.close();
});

test('draws labels, mask, text and spectrum, and hides what is not wanted',
  async () => {
    await withPage({ welcome: [golden('i420-odd')] }, {},
      async (server, page) => {
        await page.until(framesDrawn(1));
        assert.equal(await page.evaluate("document.querySelector('[data-show="
          + "mask]').hidden && document.getElementById('spectrum').hidden"),
        true);
        // the left half is class 1, red, the right half class 0, blue
        const runs = [];
        for (let y = 0; y < 6; y++) runs.push(1, 4, 0, 4);
        const event = (name, data) => server.text({ type: 'event', name,
          data: { timestamp: null, duration: 60e9, ...data } });
        event('compressedsegment', { network: 'n', width: 61, height: 47,
          mask: { width: 8, height: 6, cell: 8,
            runs: Buffer.from(runs).toString('base64') },
          classes: [{ label: 'sky', share: 0.5, colour: 0x0000ff },
            { label: 'road', share: 0.5, colour: 0xff0000 }] });
        event('compressedclassify', { network: 'm', label: '<b>cup</b>',
          classes: [{ label: '<b>cup</b>', confidence: 0.912 },
            { label: 'plate', confidence: 0.05 }] });
        event('compressedread', { network: 'r', width: 61, height: 47,
          lines: [{ text: 'HELLO', left: 10, top: 20, right: 50, bottom: 30,
            confidence: 0.8 }] });
        event('spectralinspect', {
          R: { bands: Array(33).fill(1), psnr: 30.5 },
          G: { bands: Array(33).fill(0.1), psnr: 40 } });
        await page.until(shows('<b>cup</b>'));
        await page.until("document.querySelectorAll('#spectrum polyline')"
          + '.length === 2');
        const labels = await page.evaluate(shownText('labels'));
        assert.match(labels, /cup<\/b>\s*91 %/);
        assert.match(labels, /road\s*50 %/);
        assert.match(await page.evaluate(shownText('results')), /HELLO/);
        assert.match(await page.evaluate(shownText('spectrum')), /30\.5 dB/);
        assert.equal(await page.evaluate("document.querySelectorAll('#labels b "
          + "b, #results b b').length"), 0, 'labels are no HTML');
        const colourAt = (x, y) => page.evaluate(`(() => {
          const c = document.getElementById('overlay');
          return [...c.getContext('2d').getImageData(Math.floor(c.width * ${x}),
            Math.floor(c.height * ${y}), 1, 1).data].join();
        })()`);
        const near = async (x, y, [r, , b, a]) => {
          const got = (await colourAt(x, y)).split(',').map(Number);
          assert.ok(Math.abs(got[0] - r) < 4 && Math.abs(got[2] - b) < 4
            && Math.abs(got[3] - a) < 4, `${x}, ${y}: ${got}`);
        };
        await near(0.25, 0.1, [255, 0, 0, 115]);
        await near(0.75, 0.1, [0, 0, 255, 115]);
        // the box of the text
        assert.match(await page.evaluate(`(() => {
          const c = document.getElementById('overlay');
          const { data } = c.getContext('2d').getImageData(0, 0, c.width,
            c.height);
          for (let i = 0; i < data.length; i += 4) {
            if (data[i] > 240 && data[i + 1] > 180 && data[i + 2] < 120)
              return 'yellow';
          }
          return 'none';
        })()`), /yellow/);
        for (const name of ['mask', 'text', 'labels']) {
          await page.evaluate(`document.querySelector('[data-show=${name}]')
            .click()`);
        }
        assert.equal(await colourAt(0.25, 0.1), '0,0,0,0');
        assert.equal(await page.evaluate(shownText('labels')), '');
        assert.equal(await page.evaluate("document.querySelector("
          + "'[data-show=mask]').getAttribute('aria-pressed')"), 'false');
        // what makes no sense is left out
        for (const data of [null, 5, [], { classes: 7 }, { mask: { width: 1e9,
          height: 1e9, cell: 1, runs: '!' } }, { lines: [null, {}] },
        { R: { bands: ['x', null, 1e999] } }]) {
          for (const name of ['compressedclassify', 'compressedsegment',
            'compressedread', 'spectralinspect', 'toString', 'other']) {
            server.text({ type: 'event', name, data });
          }
        }
        for (const message of [{}, { type: 'clock' }, { type: 'constructor' },
          { type: 'stats' }, { type: 'hello', streams: 5 },
          { type: 'pong', t: 'x' }]) server.text(message);
        const pings = () => server.said.filter(({ type }) => type === 'ping')
          .length;
        const now = pings();
        await page.until('true');
        while (pings() < now + 2) await new Promise((r) => setTimeout(r, 100));
        assert.equal(await page.evaluate(isState('open')), true);
      });
  });

test('fits a phone, can be told apart in the dark, and names its controls',
  async () => {
    await withPage({ welcome: [golden('layers')] },
      { width: 360, height: 640, mobile: true, scale: 2, dark: true },
      async (server, page) => {
        await page.until(framesDrawn(1));
        server.text({ type: 'event', name: 'compressedclassify', data: {
          classes: Array.from({ length: 3 }, (_, i) => ({ label:
            `a class with a long name, ${i} ${'x'.repeat(150)}`,
          confidence: 0.3 })) } });
        await page.until("document.getElementById('labels').children.length"
          + ' === 3');
        assert.equal(await page.evaluate('innerWidth'), 360);
        assert.ok(await page.evaluate('document.documentElement.scrollWidth')
          <= 360);
        const small = await page.evaluate(`[...document.querySelectorAll(
          'button, select')].filter((e) => e.offsetParent !== null
          && (e.offsetHeight < 44 || e.offsetWidth < 44))
          .map((e) => e.outerHTML).join()`);
        assert.equal(small, '');
        const [back, front] = await page.evaluate(`['backgroundColor', 'color']
          .map((name) => getComputedStyle(document.body)[name])`);
        const light = (colour) => colour.match(/\d+/g).slice(0, 3)
          .reduce((a, b) => a + Number(b), 0) / 3;
        assert.ok(light(back) < 40 && light(front) > 200, `${back} ${front}`);
        const { nodes } = await page.send('Accessibility.getFullAXTree', {});
        const controls = nodes.filter(({ role, ignored }) => !ignored
          && ['button', 'combobox', 'image'].includes(role?.value));
        assert.ok(controls.length >= 4, `${controls.length}`);
        assert.deepEqual(controls.filter(({ name }) => !name?.value)
          .map(({ role }) => role.value), []);
      });
  });

test('comes back when the server was away', async () => {
  await withPage({ welcome: [golden('i420-odd')] },
    { errors: /ERR_CONNECTION_(REFUSED|RESET)|ERR_EMPTY_RESPONSE|WebSocket/ },
    async (server, page) => {
      await page.until(framesDrawn(1));
      await server.stop();
      await page.until(isState('waiting'));
      assert.match(await page.evaluate(shownText('notice')),
        /No connection\s+The (server does not answer|connection broke)/);
      await page.until(shows('The server does not answer.'));
      server.said = [];
      await server.start();
      await page.until(isState('open'));
      await page.until(framesDrawn(2));
      assert.equal(await page.evaluate("document.getElementById('notice')"
        + '.hidden'), true);
      // what was chosen is told again
      assert.ok(server.said.some(({ type }) => type === 'layers'));
      // a link that breaks alone
      server.cut();
      await page.until(framesDrawn(3));
      // one that is taken and never opened
      server.ignoreUpgrades = true;
      server.cut();
      await page.until(shows('The server does not take the connection.'));
      server.ignoreUpgrades = false;
      await page.until(isState('open'));
      await page.until(framesDrawn(4));
    });
});

test('says what is wrong with a token, and takes another', async () => {
  const errors = /401/;
  await withPage({ token: 'gehe im', welcome: [golden('i420-odd')] },
    { errors }, async (server, page) => {
      await page.until(isState('denied'));
      assert.match(await page.evaluate(shownText('notice')),
        /asks for a token/);
      await page.evaluate(`(() => {
        document.getElementById('token').value = 'wrong';
        document.querySelector('#token-form button').click();
      })()`);
      await page.until(shows('does not take this token'));
      await page.evaluate(`(() => {
        document.getElementById('token').value = 'gehe im';
        document.querySelector('#token-form button').click();
      })()`);
      await page.until(framesDrawn(1));
      assert.match(await page.evaluate('location.hash'), /token=gehe\+im/);
      assert.deepEqual(server.asked.filter((url) => url.includes('gehe')), []);
    });
  for (const anchor of ['#token=gehe+im', '?token=gehe%20im']) {
    await withPage({ token: 'gehe im', welcome: [golden('i420-odd')] },
      { errors, anchor }, async (server, page) => {
        await page.until(framesDrawn(1));
        assert.equal(await page.evaluate('location.search'), '');
      });
  }
});

test('says what is missing', async () => {
  await withPage({ models: new Map(), welcome: [golden('i420-odd')] },
    { errors: /404/ }, async (server, page) => {
      await page.until(shows('The model is missing'));
      const text = await page.evaluate(shownText('notice'));
      assert.match(text, new RegExp(id));
      assert.match(text, /There is no file of this model/);
    });
  await withPage({ models: new Map([[id, Buffer.from('no model')]]),
    welcome: [golden('i420-odd')] }, {}, async (server, page) => {
    await page.until(shows('The model cannot be read'));
  });
  // a server that gives the wrong file
  await withPage({ models: new Map([[id, goldenModel('reference-test')]]),
    welcome: [golden('i420-odd')] }, {}, async (server, page) => {
    await page.until(shows('in place of'));
  });
  await withPage({ wasm: null }, { errors: /404/ }, async (server, page) => {
    await page.until(shows('built without the WebAssembly decoder'));
  });
  await withPage({ wasm: Buffer.from('no module') }, {},
    async (server, page) => {
      await page.until(shows('The decoder cannot be loaded'));
    });
  await withPage({}, { before: 'delete globalThis.WebAssembly' },
    async (server, page) => {
      await page.until(shows('No WebAssembly here'));
      assert.equal(await page.evaluate(isState('stopped')), true);
    });
  await withPage({ config: { version: 2 } }, {}, async (server, page) => {
    await page.until(shows('speaks version 2'));
  });
});

test('goes on behind frames that are damaged', async () => {
  const list = frames(codec, golden('predicted-i420'));
  await withPage({ welcome: [list[0][0]] }, {}, async (server, page) => {
    await page.until(framesDrawn(1));
    server.frame(Buffer.from('this is no frame'));
    server.frame(Buffer.alloc(0));
    await page.until(shows('A frame could not be decoded'));
    const damaged = Buffer.from(list[1][0]);
    damaged[damaged.length - 5] ^= 4;
    server.said = [];
    server.frame(damaged);
    // concealed, and a key frame is asked for
    await page.until(framesDrawn(2));
    await page.until("document.getElementById('picture').dataset.damaged > 0");
    while (!server.said.some(({ type }) => type === 'keyframe')) {
      await new Promise((r) => setTimeout(r, 50));
    }
    server.frame(list[0][0]);
    await page.until("document.getElementById('picture').dataset.damaged"
      + " === '0'");
    const player = codec.open(goldenModel('ordered-test'));
    const want = Buffer.from(player.picture(list[0][0]).rgba);
    player.close();
    assert.equal(greatestDifference(await page.pixels('picture'), want), 0);
  });
});

test('chooses layers and sizes', async () => {
  const stream = golden('layers-four');
  await withPage({ welcome: [stream] }, {}, async (server, page) => {
    await page.until(framesDrawn(1));
    await page.until("document.getElementById('layers').length === 5");
    const choose = (list, value) => page.evaluate(`(() => {
      const e = document.getElementById('${list}');
      e.value = '${value}';
      e.dispatchEvent(new Event('change'));
    })()`);
    await choose('layers', 2);
    while (!server.said.some(({ type, max }) => type === 'layers'
      && max === 2)) await new Promise((r) => setTimeout(r, 50));
    // 3075 pixels are more than the screen has
    assert.ok(await page.evaluate("document.getElementById('picture').width")
      >= 1538);
    await choose('reduce', 2);
    // the next picture has the new size, as options come first
    let n = 1;
    while (await page.evaluate("document.getElementById('picture').width")
      !== 769) {
      server.frame(stream);
      await page.until(framesDrawn(++n));
    }
  });
});

test('asks for less where the link is slow, and says so', async () => {
  await withPage({ welcome: [golden('layers-four')] }, {},
    async (server, page) => {
      await page.until(framesDrawn(1));
      const slow = "!document.getElementById('slow').hidden";
      const rates = () => server.said.filter(({ type }) => type === 'rate')
        .map(({ kbps }) => kbps);
      server.text({ type: 'stats', kbps: 400, dropped: 0, layers: 1,
        'stream-kbps': 1000 });
      await page.until("document.getElementById('facts').textContent"
        + ".includes('1000 kbit/s')");
      assert.equal(await page.evaluate(slow), false);
      assert.ok(rates().every((kbps) => kbps === 0));
      server.pongDelay = 1500;
      await page.until(slow);
      assert.ok(rates().at(-1) > 0 && rates().at(-1) < 1000, `${rates()}`);
      // a new connection begins with that
      server.cut();
      server.asked = [];
      while (!server.asked.some((url) => /^\/ws\?kbps=[1-9]/.test(url))) {
        await new Promise((r) => setTimeout(r, 50));
      }
      await page.until(isState('open'));
      // somebody wants all of it
      await page.evaluate(`(() => {
        const e = document.getElementById('layers');
        e.value = '0';
        e.dispatchEvent(new Event('change'));
      })()`);
      await page.until(`!(${slow})`);
      while (rates().at(-1) !== 0) await new Promise((r) => setTimeout(r, 50));
    });
});

test('says when nothing comes', async () => {
  await withPage({ config: { version: 1, streams: [] } }, {},
    async (server, page) => {
      await page.until(shows('Nothing to show yet'));
      await page.until(shows('Nothing comes'));
      server.frame(golden('i420-odd'));
      await page.until(framesDrawn(1));
      assert.equal(await page.evaluate("document.getElementById('notice')"
        + '.hidden'), true);
      await page.until(shows('Nothing comes'));
      assert.equal(await page.evaluate(shows('Nothing to show yet')), false);
    });
});

test('plays sound', async () => {
  const [, , stream] = goldenSounds().find(([name]) => name === 'stereo');
  const list = frames(codec, stream);
  await withPage({ welcome: [list[0][0]], config: { version: 1, streams: [{
    id: 'audio', media: 'audio', rate: list[0][1].rate, channels: 2,
    'model-ids': [list[0][1].model] }] } }, {}, async (server, page) => {
    await page.until("Number(document.documentElement.dataset.sound) >= 1");
    await page.evaluate("document.getElementById('sound').click()");
    await page.until("document.getElementById('sound')"
      + ".getAttribute('aria-pressed') === 'true'");
    for (const [frame] of list.slice(1)) server.frame(frame);
    await page.until("Number(document.documentElement.dataset.sound) >= "
      + list.length);
    // a curve was drawn
    const pixels = await page.pixels('picture');
    assert.ok(pixels.some((v, i) => i % 4 === 2 && v > 200));
  });
});
