// MQTT.js over WebSocket, logging in by SCRAM-SHA-256 and proving it again once connected; a JSON event a line on stdout, then it ends.
// argv: url user password client-id.
const crypto = require('crypto');
const mqtt = require('mqtt');

const METHOD = 'SCRAM-SHA-256';
const [url, user, password, clientId] = process.argv.slice(2);
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const hmac = (key, text) => crypto.createHmac('sha256', key).update(text).digest();

class Scram {
  constructor() {
    this.nonce = crypto.randomBytes(18).toString('base64');
    this.bare = `n=${user},r=${this.nonce}`;
    this.first = Buffer.from(`n,,${this.bare}`);
  }
  final(serverFirst) {
    const [r, s, i] = serverFirst.split(',').map((part) => part.slice(2));
    const salted = crypto.pbkdf2Sync(password, Buffer.from(s, 'base64'), Number(i), 32, 'sha256');
    const key = hmac(salted, 'Client Key');
    const without = `c=biws,r=${r}`;
    const message = `${this.bare},${serverFirst},${without}`;
    const signature = hmac(crypto.createHash('sha256').update(key).digest(), message);
    this.expected = 'v=' + hmac(hmac(salted, 'Server Key'), message).toString('base64');
    return Buffer.from(`${without},p=${Buffer.from(key.map((byte, at) => byte ^ signature[at])).toString('base64')}`);
  }
}

let scram = new Scram();
const client = mqtt.connect(url, {
  protocolVersion: 5, clientId, reconnectPeriod: 0,
  properties: { authenticationMethod: METHOD, authenticationData: scram.first },
});
client.handleAuth = (packet, done) => {
  const data = (packet.properties.authenticationData || '').toString();
  if (packet.reasonCode === 0) {
    say({ event: 'again', proved: data === scram.expected });
    done();
    return client.end(false, {}, () => process.exit(0));
  }
  done(null, { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: METHOD, authenticationData: scram.final(data) } });
};
client.on('connect', (packet) => {
  say({ event: 'connected', proved: packet.properties.authenticationData.toString() === scram.expected });
  client.publish('rooms/lobby/send', 'by MQTT.js', { qos: 1 }, (error, answer) => {
    say({ event: 'puback', code: error ? error.code : (answer && answer.reasonCode) || 0 });
    scram = new Scram();
    client._sendPacket({ cmd: 'auth', reasonCode: 0x19, properties: { authenticationMethod: METHOD, authenticationData: scram.first } });
  });
});
client.on('error', (e) => { say({ event: 'error', code: e.code }); process.exit(1); });
