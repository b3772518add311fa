'use strict';
// An application of the operator's that is told by webhook, signed as Standard Webhooks are.
const crypto = require('crypto');
const fs = require('fs');
const { settings, violation, tls_server, control, now_s } = require('./common.js');

const secret = fs.readFileSync(settings.secret, 'utf8').trim();

function look(request, body) {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = request.headers;
  if (request.method !== 'POST' || request.headers['content-type'] !== 'application/json') violation('not JSON by POST');
  if (!/^\d+$/.test(at) || Math.abs(now_s() - Number(at)) > 300) violation('timestamp', 401);
  const right = 'v1,' + crypto.createHmac('sha256', secret).update(`${id}.${at}.${body}`).digest('base64');
  if (signature !== right) violation('signature', 401);
  const payload = JSON.parse(body);
  if (payload.id !== id) violation('id');
  return { target: payload.user, status: 204, line: { id, collapse: payload.collapse, kind: payload.kind, payload } };
}

control(tls_server(look));
