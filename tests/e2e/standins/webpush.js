'use strict';
// A push service of browsers (RFC 8030), and the browsers themselves: VAPID (RFC 8292) is verified, messages (RFC 8291) are decrypted by
// the http_ece package.
const crypto = require('crypto');
const ece = require('http_ece');
const { settings, violation, Refusal, tls_server, control, claims_of, now_s } = require('./common.js');

const subscriptions = new Map(); // path → {ecdh, auth}
const origin = `https://127.0.0.1:${settings.port}`;

function subscribe() {
  const ecdh = crypto.createECDH('prime256v1');
  ecdh.generateKeys();
  const name = crypto.randomBytes(12).toString('base64url');
  const auth = crypto.randomBytes(16).toString('base64url');
  subscriptions.set(name, { ecdh, auth });
  return { name, endpoint: `${origin}/push/${name}`, p256dh: ecdh.getPublicKey('base64url'), auth };
}

function check_vapid(authorization) {
  const parts = /^vapid t=([\w.-]+), ?k=([\w-]+)$/.exec(authorization || '');
  if (!parts) violation('authorization', 401);
  const point = Buffer.from(parts[2], 'base64url');
  if (settings.application_key && parts[2] !== settings.application_key) violation('key of others', 403);
  const key = crypto.createPublicKey({
    format: 'jwk',
    key: { kty: 'EC', crv: 'P-256', x: point.subarray(1, 33).toString('base64url'), y: point.subarray(33).toString('base64url') },
  });
  let claims;
  try {
    ({ claims } = claims_of(parts[1], 'ES256', key));
  } catch (error) {
    violation('vapid: ' + error.message, 403);
  }
  if (claims.aud !== origin) violation('aud ' + claims.aud, 403);
  if (claims.exp <= now_s() || claims.exp > now_s() + 86400) violation('exp', 403);
  if (!/^(mailto:|https:)/.test(claims.sub)) violation('sub', 403);
}

function look(request, body) {
  const headers = request.headers;
  const name = (/^\/push\/([\w-]+)$/.exec(request.url) || [])[1];
  if (request.method !== 'POST') violation('method', 405);
  if (!/^\d+$/.test(headers.ttl)) violation('TTL');
  if (headers['content-encoding'] !== 'aes128gcm') violation('content-encoding');
  if (headers.topic !== undefined && !/^[\w-]{1,32}$/.test(headers.topic)) violation('topic');
  if (!['very-low', 'low', 'normal', 'high'].includes(headers.urgency)) violation('urgency');
  if (body.length > 4096) violation('too large', 413);
  check_vapid(headers.authorization);
  if (!subscriptions.has(name)) throw new Refusal(410, '');
  const { ecdh, auth } = subscriptions.get(name);
  const payload = JSON.parse(ece.decrypt(body, { version: 'aes128gcm', privateKey: ecdh, authSecret: auth }));
  return {
    target: name, status: 201, headers: { location: `${origin}/message/${crypto.randomUUID()}` },
    line: { id: payload.id, collapse: headers.topic, kind: payload.kind, payload, ttl: Number(headers.ttl), urgency: headers.urgency },
  };
}

control(tls_server(look), {
  '/subscribe': subscribe,
  '/unsubscribe': (name) => { subscriptions.delete(name); return {}; },
});
