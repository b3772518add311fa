'use strict';
// What the stand-ins for push providers have in common: a TLS server of the tests' own authority, a control port (plain HTTP, 127.0.0.1),
// a file of what was received (a JSON object a line), and misbehaviour on command.
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const https = require('https');
const http2 = require('http2');
const net = require('net');

const settings = JSON.parse(fs.readFileSync(process.argv[2]));
const BODY_MAX = 64 * 1024;

// A rule: {how, status, headers, body, delay_ms, target, times, p}. The first that fits answers instead of the stand-in.
//   how: answer    status, headers and body of the rule, after delay_ms; not received (default when there is a status)
//        slow      as always, but after delay_ms
//        reset     the connection is broken; not received
//        lost      received, and then the connection is broken: nobody is told
//        hang      no answer, ever; not received
//        garbage   bytes of no protocol, also in place of TLS; not received
// target: of this target alone; times: so often (default: until told otherwise); p: with this probability.
let rules = [];
const sockets = new Set();
const held = new Set(); // answers of hang, so that nothing collects them

function fitting(target) {
  const at = rules.findIndex((r) => (r.target === undefined || r.target === target) && (r.p === undefined || Math.random() < r.p));
  if (at < 0) return null;
  const rule = rules[at];
  if (rule.times !== undefined && --rule.times <= 0) rules.splice(at, 1);
  return rule;
}

function record(line) {
  fs.appendFileSync(settings.out, JSON.stringify({ time_ms: Date.now(), ...line }) + '\n');
}

class Refusal extends Error {
  constructor(status, body, headers = {}) {
    super(String(status));
    Object.assign(this, { status, body, headers });
  }
}

// The protocol was not kept: our bug, which a test sees.
function violation(what, status = 400, body = '') {
  record({ violation: what });
  throw new Refusal(status, body);
}

function raw_socket(request) {
  const port = (request.stream ? request.stream.session.socket : request.socket).remotePort;
  return [...sockets].find((s) => s.remotePort === port);
}

function body_of(request) {
  return new Promise((resolve, reject) => {
    const parts = [];
    let size = 0;
    request.on('data', (part) => {
      size += part.length;
      if (size <= BODY_MAX) parts.push(part);
    });
    request.on('end', () => resolve(Buffer.concat(parts)));
    request.on('error', reject);
    request.on('aborted', () => reject(new Error('aborted')));
  });
}

function answer(response, status, headers, body) {
  if (response.destroyed || response.writableEnded) return;
  response.writeHead(status, headers);
  response.end(typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body));
}

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

// look(request, body) checks a request and gives {target, line, status, headers, body}: what is recorded and answered when all is well,
// or throws a Refusal.
async function serve(look, request, response) {
  const body = await body_of(request);
  let told;
  try {
    told = await look(request, body);
  } catch (error) {
    if (!(error instanceof Refusal)) {
      record({ violation: String(error.stack) });
      return answer(response, 500, {}, '');
    }
    return answer(response, error.status, error.headers, error.body);
  }
  const rule = fitting(told.target);
  const how = rule && (rule.how || 'answer');
  if (rule && rule.delay_ms) await wait(rule.delay_ms);
  const accepted = !how || how === 'slow' || how === 'lost';
  if (told.line) record({ target: told.target, accepted, ...(how ? { how } : {}), ...told.line });
  if (how === 'answer') return answer(response, rule.status || 500, rule.headers || {}, rule.body || '');
  if (how === 'hang') return void held.add(response);
  // Node's HTTP/2 owns its socket: there the connection breaks, and the next one begins with garbage.
  if (how === 'garbage' && !request.stream) return void raw_socket(request)?.write(crypto.randomBytes(2000));
  if (how === 'garbage' || how === 'reset' || how === 'lost') return void raw_socket(request)?.destroy();
  answer(response, told.status, told.headers || {}, told.body || '');
}

function context(name) {
  return { cert: fs.readFileSync(settings[name].cert), key: fs.readFileSync(settings[name].key) };
}

function tls_server(look, protocol) {
  const handler = (request, response) => serve(look, request, response).catch(() => {});
  const options = { ...context('good'), minVersion: 'TLSv1.2' };
  const server = protocol === 'h2' ? http2.createSecureServer({ ...options, allowHTTP1: false }, handler)
    : https.createServer(options, handler);
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  if (protocol === 'h2') server.on('sessionError', () => {});
  server.on('tlsClientError', () => {});
  server.on('unknownProtocol', (socket) => { record({ violation: 'no HTTP/2 by ALPN' }); socket.destroy(); });
  net.createServer((socket) => {
    socket.on('error', () => {});
    if (rules.some((rule) => rule.how === 'garbage' && rule.p === undefined)) return void socket.end(crypto.randomBytes(2000));
    server.emit('connection', socket);
  }).listen(settings.port, '127.0.0.1');
  return server;
}

// POST /rules (a list), /certificate ("good" or "wrong"; open connections are broken); more of the stand-in's own.
function control(server, more = {}) {
  const known = {
    '/rules': (list) => { rules = list; return {}; },
    '/certificate': (name) => {
      server.setSecureContext(context(name));
      for (const socket of sockets) socket.destroy();
      return {};
    },
    ...more,
  };
  http.createServer(async (request, response) => {
    const body = await body_of(request);
    const act = known[request.url];
    if (!act) return answer(response, 404, {}, '');
    answer(response, 200, { 'content-type': 'application/json' }, act(body.length ? JSON.parse(body) : null));
  }).listen(settings.control_port, '127.0.0.1');
}

// The claims of a JWS in compact form, when `key` signed it with `alg`.
function claims_of(token, alg, key) {
  const [head, claims, signature] = token.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url'));
  if (header.alg !== alg) throw new Error('alg is ' + header.alg);
  const how = alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : key;
  if (!crypto.verify('sha256', Buffer.from(head + '.' + claims), how, Buffer.from(signature, 'base64url')))
    throw new Error('the signature is wrong');
  return { header, claims: JSON.parse(Buffer.from(claims, 'base64url')) };
}

const now_s = () => Math.floor(Date.now() / 1000);

module.exports = { settings, record, violation, Refusal, tls_server, control, claims_of, now_s };
