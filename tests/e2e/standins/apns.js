'use strict';
// Apple Push Notification service: HTTP/2 by ALPN, provider tokens (ES256), one path for each device.
const fs = require('fs');
const { settings, violation, Refusal, tls_server, control, claims_of, now_s } = require('./common.js');

const key = fs.readFileSync(settings.public_key);
const TOKEN_LIFE_S = 3600;
let updates = new Set(); // provider tokens that were seen

function refuse(status, reason) {
  throw new Refusal(status, { reason }, { 'content-type': 'application/json' });
}

function check_token(authorization) {
  const token = /^bearer (\S+)$/.exec(authorization || '');
  if (!token) refuse(403, 'MissingProviderToken');
  let signed;
  try {
    signed = claims_of(token[1], 'ES256', key);
  } catch (error) {
    violation('provider token: ' + error.message, 403, { reason: 'InvalidProviderToken' });
  }
  if (signed.header.kid !== settings.key_id || signed.claims.iss !== settings.team_id)
    violation('provider token of others', 403, { reason: 'InvalidProviderToken' });
  if (Math.abs(now_s() - signed.claims.iat) > TOKEN_LIFE_S) refuse(403, 'ExpiredProviderToken');
  updates.add(token[1]);
}

function check_headers(headers) {
  if (headers['apns-topic'] !== settings.topic) refuse(400, 'BadTopic');
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(headers['apns-id'])) violation('apns-id');
  if (!['alert', 'background'].includes(headers['apns-push-type'])) violation('apns-push-type');
  if (headers['apns-push-type'] === 'background' && headers['apns-priority'] !== '5') violation('apns-priority of background');
  if (!/^\d+$/.test(headers['apns-expiration'])) violation('apns-expiration');
  if ((headers['apns-collapse-id'] || '').length > 64) violation('apns-collapse-id', 400, { reason: 'BadCollapseId' });
}

function look(request, body) {
  const headers = request.headers;
  if (request.httpVersion !== '2.0' || request.stream.session.alpnProtocol !== 'h2') violation('not HTTP/2');
  const path = /^\/3\/device\/([0-9a-f]{8,200})$/.exec(request.url);
  if (request.method !== 'POST' || !path) violation('path ' + request.url, 404, { reason: 'BadPath' });
  check_token(headers.authorization);
  check_headers(headers);
  if (body.length > 4096) violation('payload too large', 413, { reason: 'PayloadTooLarge' });
  const payload = JSON.parse(body);
  return {
    target: path[1], status: 200, headers: { 'apns-id': headers['apns-id'] },
    line: {
      id: payload.id, collapse: headers['apns-collapse-id'], kind: payload.kind, payload, apns_id: headers['apns-id'],
      push_type: headers['apns-push-type'], priority: headers['apns-priority'], expiration: Number(headers['apns-expiration']),
      alpn: request.stream.session.alpnProtocol, tokens: updates.size,
    },
  };
}

control(tls_server(look, 'h2'));
