"""An ordinary MQTT client (Paho) that comes from outside, over TLS or WSS, and keeps the envelopes it gets."""
import json
import threading
import uuid

import paho.mqtt.client as paho

WAIT_S = 60
TLS, WSS = 8883, 8084


class Chatter:
    def __init__(self, user, password, port, authority, room=None):
        self.user, self.envelopes, self.lost, self.refused = user, [], 0, None
        self._cv, self._room, self._listens, self._acknowledged = threading.Condition(), room, threading.Event(), set()
        args = (getattr(paho, "CallbackAPIVersion").VERSION1,) if hasattr(paho, "CallbackAPIVersion") else ()
        self._client = paho.Client(*args, client_id=f"{user}-{uuid.uuid4().hex[:8]}", protocol=paho.MQTTv5,
                                   transport="websockets" if port == WSS else "tcp")
        self._client.tls_set(ca_certs=str(authority))
        self._client.username_pw_set(user, password)
        self._client.reconnect_delay_set(0.2, 1)
        self._client.on_connect = self._connected
        self._client.on_disconnect = self._disconnected
        self._client.on_subscribe = lambda *_: self._listens.set()
        self._client.on_message = self._got
        self._client.on_publish = self._published
        self._client.connect("localhost", port, keepalive=20)
        self._client.loop_start()
        if room and not self._listens.wait(WAIT_S):
            raise AssertionError(f"{user} can't listen to {room} over port {port}")
        if self.refused:
            self.close()
            raise PermissionError(f"{user}: {self.refused}")

    def _connected(self, client, _userdata, _flags, reason, *_):
        if reason != 0:
            self.refused = str(reason)
            self._listens.set()
        elif self._room:
            client.subscribe(f"rooms/{self._room}/messages", qos=1)

    def _disconnected(self, *_):
        self.lost += 1

    def _got(self, _client, _userdata, message):
        with self._cv:
            self.envelopes.append(json.loads(message.payload))
            self._cv.notify_all()

    def _published(self, _client, _userdata, mid, *_):
        with self._cv:
            self._acknowledged.add(mid)
            self._cv.notify_all()

    def say(self, room, text):
        """Until the broker has acknowledged it; Paho sends again after a reconnect, and `ref` makes that the same message."""
        sent = self._client.publish(f"rooms/{room}/send", json.dumps({"text": text, "ref": uuid.uuid4().hex}), qos=1)
        with self._cv:
            if not self._cv.wait_for(lambda: sent.mid in self._acknowledged, WAIT_S):
                raise AssertionError(f"{self.user}'s {text!r} was not acknowledged")

    def hears(self, text):
        """The envelope with this text."""
        find = lambda: next((e for e in self.envelopes if e["content"].get("text") == text), None)
        with self._cv:
            if not self._cv.wait_for(find, WAIT_S):
                raise AssertionError(f"{self.user} did not hear {text!r}")
            return find()

    def close(self):
        self._client.on_disconnect = None
        self._client.disconnect()
        self._client.loop_stop()
