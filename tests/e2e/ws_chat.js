// MQTT.js over WebSocket, MQTT 5, driven by the test: a JSON command a line on stdin, a JSON event a line on stdout.
// argv: url user password client-id. Commands: {"subscribe": filter}, {"publish": topic, "payload": text, "qos": n}, {"end": true}.
const readline = require('readline');
const mqtt = require('mqtt');

const [url, username, password, clientId] = process.argv.slice(2);
const say = (event) => process.stdout.write(JSON.stringify(event) + '\n');
const client = mqtt.connect(url, { protocolVersion: 5, username, password, clientId, reconnectPeriod: 0 });

client.on('connect', () => say({ event: 'connected' }));
client.on('error', (e) => say({ event: 'error', code: e.code, message: e.message }));
client.on('close', () => say({ event: 'closed' }));
client.on('message', (topic, payload) => say({ event: 'message', topic, payload: payload.toString() }));

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const command = JSON.parse(line);
  if (command.subscribe) {
    client.subscribe(command.subscribe, { qos: 1 }, (error, granted) =>
      say({ event: 'suback', codes: (granted || []).map((g) => g.qos), error: error && error.message }));
  } else if (command.publish) {
    client.publish(command.publish, command.payload, { qos: command.qos }, (error, packet) =>
      say({ event: 'puback', code: error ? error.code : (packet && packet.reasonCode) || 0 }));
  } else if (command.end) {
    client.end(false, {}, () => process.exit(0));
  }
});
