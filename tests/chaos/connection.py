"""harness.Client made for long runs: acknowledgements go to a callback, and nothing that arrives is kept but what the callback keeps."""
import contextlib
import json
import random
import re
import socket
import threading
import time

from harness import Client, Refused

# The broker writes envelopes, so their members come in this order. Parsing all of each would be most of a run's work.
ENVELOPE = re.compile(rb'\{"seq":(\d+),"epoch":"([^"]*)","id":"([^"]*)","room":"([^"]*)","from":"([^"]*)"')
KEY = re.compile(rb'"text": ?"([^ "]*)')


def raw_messages(reply):
    """The envelopes in the `messages` of a reply to history or sync, byte for byte as they stand there."""
    decoder, found, at = json.JSONDecoder(), [], 0
    mark = '"messages":['  # inside a string its quotes would be escaped
    while (at := reply.find(mark, at)) >= 0:
        at += len(mark)
        while reply[at] != "]":
            end = decoder.raw_decode(reply, at)[1]
            found.append(reply[at:end])
            at = end + (reply[end] == ",")
    return found


class Connection(Client):
    """`owner` has on_ack(mid, code), on_envelope(payload), on_inbox(notice); all come on Paho's thread.

    Replies are kept as text. The object may connect again after a loss, which is how a client with a persistent session resends.
    """

    def __init__(self, owner, server, user, device, **kwargs):
        self.owner = owner
        self._asked = None  # id of the request under way; one at a time
        super().__init__(server, user, device, connect=False, **kwargs)
        self.mqtt.max_inflight_messages_set(0)

    def _acknowledged(self, mid, code):
        self.owner.on_ack(mid, code)

    def _note_pubrec(self, handler):  # QoS 2: taken at PUBREC, not at PUBCOMP
        packet = bytes(self.mqtt._in_packet["packet"])
        self._acknowledged(int.from_bytes(packet[:2], "big"), packet[2] if len(packet) > 2 else 0)
        return handler()

    def _on_message(self, client, userdata, message):
        if message.topic.endswith("/messages"):
            self.owner.on_envelope(message.payload)
        elif message.topic == f"users/{self.user}/inbox":
            self.owner.on_inbox(json.loads(message.payload))
        elif message.topic.startswith(f"users/{self.user}/replies"):
            text = message.payload.decode()
            rid = json.loads(text).get("id")
            if rid == self._asked:  # others are for another device of the same user
                self._notify(lambda: self._replies.__setitem__(rid, text))

    def drop(self):
        """The connection breaks without DISCONNECT. Paho's thread finds out by itself; closing its socket would upset it."""
        sock = self.mqtt.socket()
        with contextlib.suppress(OSError):
            if sock is not None:
                # Paho wraps a WebSocket's. Not SSLSocket's own shutdown: after that Paho would read what is left undeciphered.
                socket.socket.shutdown(getattr(sock, "_socket", sock), socket.SHUT_RDWR)
        self.mqtt.loop_stop()

    def ask(self, method, timeout_s, **params):
        """The reply's text; None when it was refused, did not come in time, or the connection went."""
        rid = f"{method}-{random.getrandbits(64):x}"
        if not self.connected:
            return None
        self._asked = rid
        self.mqtt.publish(f"users/{self.user}/requests/{method}", json.dumps({"id": rid, **params}), qos=1)
        with self._cv:
            self._cv.wait_for(lambda: rid in self._replies or not self.connected, timeout_s)
            return self._replies.pop(rid, None)


class Roamer(threading.Thread):
    """A client that comes back whenever it lost its connection, until it is done. Subclasses say what it does while connected."""

    BACKOFF_S = (0.02, 1.0)

    def __init__(self, server, ledger, seed, user, device, v, clean, ws, inbox=True):
        super().__init__(name=device, daemon=True)
        self.server, self.ledger, self.rng = server, ledger, random.Random(seed)
        self.user, self.device, self.clean = user, device, clean
        self._make = lambda: Connection(self, server, user, device, v=v, clean=clean, expiry_s=0 if clean else 86400, ws=ws, inbox=inbox)
        self.v = v
        self.connection = None
        self.connects = 0
        self._abort = threading.Event()

    def abort(self):
        self._abort.set()

    def done(self):
        """May it leave for good?"""
        return self._abort.is_set()

    def connected(self):
        return self.connection is not None and self.connection.connected

    def run(self):
        pause_s = self.BACKOFF_S[0]
        while not self.done():
            try:
                self._connect()
            except (OSError, ValueError, Refused, AssertionError):
                self._lose()
                self._abort.wait(pause_s * self.rng.uniform(0.5, 1.5))
                pause_s = min(pause_s * 2, self.BACKOFF_S[1])
                continue
            pause_s = self.BACKOFF_S[0]
            self.connects += 1
            self.while_connected()
            self.after_connection()
            self._lose()

    def _connect(self):
        if self.connection is None:
            self.connection = self._make()
        self.connection.connect()
        self.subscribe()
        if not self.connection.connected:
            raise OSError("lost again")

    def _lose(self):
        """A clean client forgets its connection and all that was under way; a persistent one goes on with it."""
        connection = self.connection
        if connection is None:
            return
        connection.connected = False
        connection.drop()
        if self.clean:
            self.connection = None

    def subscribe(self):
        pass

    def while_connected(self):
        """Returns when the connection is lost or is to be broken, or done()."""
        raise NotImplementedError

    def after_connection(self):
        pass

    def on_ack(self, mid, code):
        pass

    def on_envelope(self, payload):
        pass

    def on_inbox(self, notice):
        if notice["type"] == "duplicate":
            self.ledger.notice(self.user, notice["room"], notice["ref"], notice["seq"])


def now():
    return time.monotonic()
