'use strict';
// Firebase Cloud Messaging, HTTP v1, and the token endpoint of OAuth 2 (RFC 7523) beside it.
const crypto = require('crypto');
const fs = require('fs');
const { settings, record, violation, Refusal, tls_server, control, claims_of, now_s } = require('./common.js');

const key = fs.readFileSync(settings.public_key);
let lifetime_s = 3600;
let given = new Set(); // access tokens that are good

function grant(body) {
  const form = new URLSearchParams(body.toString());
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') violation('grant_type');
  let claims;
  try {
    ({ claims } = claims_of(form.get('assertion'), 'RS256', key));
  } catch (error) {
    violation('assertion: ' + error.message, 400, { error: 'invalid_grant' });
  }
  const fresh = Math.abs(now_s() - claims.iat) < 300 && claims.exp > claims.iat && claims.exp - claims.iat <= 3600;
  if (claims.iss !== settings.client_email || claims.aud !== settings.token_uri || !fresh ||
      claims.scope !== 'https://www.googleapis.com/auth/firebase.messaging')
    violation('claims ' + JSON.stringify(claims), 400, { error: 'invalid_grant' });
  const token = 'ya29.' + crypto.randomBytes(20).toString('base64url');
  given.add(token);
  record({ granted: true });
  return {
    target: '@token', status: 200, headers: { 'content-type': 'application/json' },
    body: { access_token: token, expires_in: lifetime_s, token_type: 'Bearer' },
  };
}

function failed(status, name, code) {
  return new Refusal(status, {
    error: { code: status, message: name, status: name,
      details: code ? [{ '@type': 'type.googleapis.com/google.firebase.fcm.v1.FcmError', errorCode: code }] : [] },
  }, { 'content-type': 'application/json' });
}

function take(request, body) {
  if (!given.has((request.headers.authorization || '').replace(/^Bearer /, ''))) throw failed(401, 'UNAUTHENTICATED');
  const { message } = JSON.parse(body);
  if (!message || typeof message.token !== 'string') violation('no token');
  for (const [name, value] of Object.entries(message.data || {}))
    if (typeof value !== 'string') violation('data.' + name + ' is no text');
  if (!/^\d+(\.\d+)?s$/.test(message.android.ttl)) violation('android.ttl');
  if (body.length - message.token.length > 4096 + 64) violation('too large');
  return {
    target: message.token, status: 200, headers: { 'content-type': 'application/json' },
    body: { name: `projects/${settings.project_id}/messages/${crypto.randomUUID()}` },
    line: { id: message.data.id, collapse: message.android.collapse_key, kind: message.data.kind, payload: message },
  };
}

function look(request, body) {
  if (request.method === 'POST' && request.url === '/token') return grant(body);
  if (request.method === 'POST' && request.url === `/v1/projects/${settings.project_id}/messages:send`) return take(request, body);
  violation('path ' + request.url, 404);
}

control(tls_server(look), {
  '/forget': () => { given = new Set(); return {}; }, // access tokens given so far are good no more
  '/lifetime': (seconds) => { lifetime_s = seconds; return {}; },
});
