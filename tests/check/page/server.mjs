// SPDX-License-Identifier: LGPL-2.1-or-later
// Speaks the protocol of wallocwebsink (docs/web.md) as far as the page sees it, so
// that tests decide what comes when, and what goes wrong.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const pages = fileURLToPath(new URL('../../../ext/soup/page/',
  import.meta.url));
const types = { '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml', '.wasm': 'application/wasm' };
// what the element sends with its page
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "
  + "style-src 'self'; img-src 'self'; connect-src 'self' ws:; "
  + "worker-src 'self'; base-uri 'none'; form-action 'none'; "
  + "frame-ancestors 'none'";

/** settings: token; models: Map of id to bytes; wasm: bytes or null; welcome:
 * frames that every client gets first. */
export class TestServer {
  #server = null;
  #sockets = new Set();
  #open = new Set();
  port = 0;
  /** Messages of clients; paths of requests. */
  said = [];
  asked = [];
  ignorePings = false;
  /** ms that answers to pings take. */
  pongDelay = 0;
  /** Connections are taken, and nothing is said. */
  ignoreUpgrades = false;

  constructor(settings) {
    this.settings = { token: '', models: new Map(), welcome: [], wasm: null,
      config: { version: 1, streams: [] }, ...settings };
  }

  /** On the port that it had before, if any. */
  async start() {
    this.#server = createServer((request, answer) =>
      this.#answer(request, answer));
    this.#server.on('connection', (socket) => {
      this.#open.add(socket);
      socket.on('close', () => this.#open.delete(socket));
      socket.on('error', () => {});
    });
    this.#server.on('upgrade', (request, socket) =>
      this.#upgrade(request, socket));
    await new Promise((done, failed) => {
      this.#server.on('error', failed);
      this.#server.listen(this.port, '127.0.0.1', done);
    });
    this.port = this.#server.address().port;
  }

  async stop() {
    for (const socket of this.#open) socket.destroy();
    this.#sockets.clear();
    await new Promise((done) => { this.#server.close(done); });
  }

  get url() { return `http://127.0.0.1:${this.port}/`; }
  get clients() { return this.#sockets.size; }

  frame(bytes) { this.#send(2, bytes); }
  text(message) { this.#send(1, Buffer.from(JSON.stringify(message))); }

  /** Breaks all WebSockets. */
  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }

  #send(opcode, payload, to = this.#sockets) {
    const head = payload.length < 126 ? Buffer.from([0, payload.length])
      : payload.length < 65536 ? Buffer.from([0, 126, 0, 0])
        : Buffer.from([0, 127, 0, 0, 0, 0, 0, 0, 0, 0]);
    head[0] = 0x80 | opcode;
    if (head.length === 4) head.writeUInt16BE(payload.length, 2);
    if (head.length === 10) {
      head.writeBigUInt64BE(BigInt(payload.length), 2);
    }
    for (const socket of to) socket.write(Buffer.concat([head, payload]));
  }

  #answer(request, answer) {
    const path = new URL(request.url, this.url).pathname;
    this.asked.push(request.url);
    const say = (status, type, body) => {
      answer.writeHead(status, { 'Content-Type': type,
        'Content-Security-Policy': policy, 'Cache-Control': 'no-cache',
        'X-Content-Type-Options': 'nosniff' });
      answer.end(body);
    };
    const { token, models, config, wasm } = this.settings;
    if (path === '/config' || path.startsWith('/models/')) {
      if (token && request.headers.authorization !== `Bearer ${token}`) {
        say(401, 'text/plain', 'This server needs its token.\n');
      } else if (path === '/config') {
        say(200, 'application/json', JSON.stringify(config));
      } else {
        const model = models.get(path.slice(8, -4));
        if (model) say(200, 'application/octet-stream', model);
        else say(404, 'text/plain', 'There is no file of this model.\n');
      }
      return;
    }
    if (path === '/walloc.wasm') {
      if (wasm) say(200, types['.wasm'], wasm);
      else say(404, 'text/plain', 'There is nothing here.\n');
      return;
    }
    try {
      const file = join(pages, normalize(path === '/' ? 'index.html' : path));
      say(200, types[extname(file)] ?? 'application/octet-stream',
        readFileSync(file));
    } catch {
      say(404, 'text/plain', 'There is nothing here.\n');
    }
  }

  #upgrade(request, socket) {
    this.asked.push(request.url);
    if (this.ignoreUpgrades) return;
    const offered = (request.headers['sec-websocket-protocol'] ?? '')
      .split(', ');
    const { token, welcome, config } = this.settings;
    const given = offered.find((p) => p.startsWith('walloc.token.'));
    if (token && (!given || Buffer.from(given.slice(13), 'base64url')
      .toString() !== token)) {
      socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n');
      return;
    }
    const key = createHash('sha1').update(request.headers['sec-websocket-key']
      + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'
      + `Connection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n`
      + (offered.includes('walloc') ? 'Sec-WebSocket-Protocol: walloc\r\n' : '')
      + '\r\n');
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    let pending = Buffer.alloc(0);
    socket.on('data', (data) => {
      pending = this.#read(socket, Buffer.concat([pending, data]));
    });
    this.#send(1, Buffer.from(JSON.stringify({ type: 'hello', ...config })),
      [socket]);
    for (const frame of welcome) this.#send(2, frame, [socket]);
  }

  // masked messages of less than 64 KiB, whole, which is what the page sends
  #read(socket, data) {
    while (data.length >= 6) {
      let size = data[1] & 127, at = 2;
      if (size === 126) {
        size = data.readUInt16BE(2);
        at = 4;
      }
      if (data.length < at + 4 + size) break;
      const mask = data.subarray(at, at + 4);
      const text = Buffer.from(data.subarray(at + 4, at + 4 + size));
      for (let i = 0; i < text.length; i++) text[i] ^= mask[i % 4];
      if ((data[0] & 15) === 8) {
        socket.end(Buffer.from([0x88, 0]));
      } else if ((data[0] & 15) === 1) {
        const message = JSON.parse(text.toString());
        this.said.push(message);
        if (message.type === 'ping' && !this.ignorePings) {
          setTimeout(() => this.#send(1, Buffer.from(JSON.stringify({
            type: 'pong', t: message.t, utc: Date.now() * 1000 })), [socket]),
          this.pongDelay);
        }
      }
      data = data.subarray(at + 4 + size);
    }
    return data;
  }
}
