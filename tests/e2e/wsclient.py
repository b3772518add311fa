"""MQTT.js over WebSocket, as a process of its own."""
import json
import os
import pathlib
import subprocess
import threading

import transports
from harness import WAIT_S


class WsClient:
    def __init__(self, server, user, device, password=None, via=None):
        via = via or transports.way(websocket=True)
        script = pathlib.Path(__file__).with_name("ws_chat.js")
        self.process = subprocess.Popen(
            ["node", script, f"{via}://127.0.0.1:{server.ports[via]}/mqtt", user, password or server.passwords[user], device],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": str(server.authority.crt)} if via == "wss" else None)
        self.events = []
        self._cv = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            with self._cv:
                self.events.append(json.loads(line))
                self._cv.notify_all()

    def wait(self, condition, what):
        """The first event for which condition holds."""
        find = lambda: next((e for e in self.events if condition(e)), None)
        with self._cv:
            assert self._cv.wait_for(find, WAIT_S), f"MQTT.js: no {what}; events: {self.events}"
            return find()

    def wait_event(self, name):
        return self.wait(lambda e: e["event"] == name, name)

    def command(self, **command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()

    def envelopes(self):
        return [json.loads(e["payload"]) for e in list(self.events)
                if e["event"] == "message" and e["topic"].endswith("/messages")]

    def wait_text(self, text):
        with self._cv:
            find = lambda: next((e for e in self.envelopes() if e["content"].get("text") == text), None)
            assert self._cv.wait_for(find, WAIT_S), f"MQTT.js: no message {text!r}; events: {self.events}"
            return find()

    def close(self):
        self.process.kill()
        self.process.wait()
