"""An MQTT 5 client of bare packets: says exactly what a test wants said, in enhanced authentication above all, which Paho 1.6 does not know."""
import base64
import contextlib
import hashlib
import hmac
import os
import socket
import time

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH = 1, 2, 3, 4, 8, 9, 12, 13, 14, 15
SCRAM, BEARER = "SCRAM-SHA-256", "OAUTHBEARER"
GO_ON, AGAIN = 0x18, 0x19
METHOD, DATA = 0x15, 0x16  # properties
WAIT_S = 60


def varint(n):
    out = b""
    while True:
        out += bytes([n % 128 | (0x80 if n > 127 else 0)])
        n //= 128
        if not n:
            return out


def text(value):
    raw = value if isinstance(value, bytes) else value.encode()
    return len(raw).to_bytes(2, "big") + raw


def auth_properties(method, data):
    out = b"" if method is None else bytes([METHOD]) + text(method)
    out += b"" if data is None else bytes([DATA]) + text(data)
    return varint(len(out)) + out


def read_properties(raw):
    """Only what is asked for in tests; the rest by its length."""
    size, at = 0, 0
    for at in range(4):
        size += (raw[at] & 0x7f) << 7 * at
        if raw[at] < 0x80:
            break
    at, end, found = at + 1, at + 1 + size, {}
    while at < end:
        key = raw[at]
        at += 1
        if key in (METHOD, DATA, 0x12, 0x1f, 0x1a, 0x1c, 0x03, 0x08, 0x09):
            n = int.from_bytes(raw[at:at + 2], "big")
            found[key] = raw[at + 2:at + 2 + n]
            at += 2 + n
        elif key == 0x26:
            for _ in range(2):
                at += 2 + int.from_bytes(raw[at:at + 2], "big")
        else:
            at += {0x11: 4, 0x27: 4, 0x18: 4, 0x02: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x23: 2}.get(key, 1)
    return found, raw[end:]


class Gone(Exception):
    """The broker closed the connection."""


class Bare:
    def __init__(self, port, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), timeout=WAIT_S)
        self.buffer, self.published, self.mid = b"", [], 0

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.sock.close()

    def packet(self, kind, body, flags=0):
        self.sock.sendall(bytes([kind << 4 | flags]) + varint(len(body)) + body)

    def connect(self, client_id, username=None, password=None, method=None, data=None, expiry_s=0, will=None, will_delay_s=0, clean=True, version=5, keepalive_s=60):
        flags = (0x02 if clean else 0) | (0x80 if username is not None else 0) | (0x40 if password is not None else 0) | (0x04 if will else 0)
        body = text("MQTT") + bytes([version, flags]) + keepalive_s.to_bytes(2, "big")
        if version == 5:
            properties = b"\x11" + expiry_s.to_bytes(4, "big") if expiry_s else b""
            properties += auth_properties(method, data)[len(varint(len(auth_properties(method, data)) - 1)):]
            body += varint(len(properties)) + properties
        body += text(client_id)
        if will:
            if version == 5:
                delay = b"\x18" + will_delay_s.to_bytes(4, "big") if will_delay_s else b""
                body += varint(len(delay)) + delay
            body += text(will[0]) + text(will[1])
        for part in (username, password):
            body += b"" if part is None else text(part)
        self.packet(CONNECT, body)
        return self

    def auth(self, reason, method, data=None):
        self.packet(AUTH, bytes([reason]) + auth_properties(method, data))

    def receive(self):
        """The next packet: (kind, flags, body)."""
        while True:
            size = 0
            for at in range(1, min(5, len(self.buffer))):
                size += (self.buffer[at] & 0x7f) << 7 * (at - 1)
                if self.buffer[at] < 0x80:
                    if len(self.buffer) > at + size:
                        packet = self.buffer[:at + 1 + size]
                        self.buffer = self.buffer[at + 1 + size:]
                        return packet[0] >> 4, packet[0] & 0x0f, packet[at + 1:]
                    break
            try:
                more = self.sock.recv(65536)
            except ConnectionError:
                more = b""
            if not more:
                raise Gone
            self.buffer += more

    def answer(self):
        """The next packet that is not a PUBLISH: (kind, reason code, properties). Publications are acknowledged and kept."""
        while True:
            kind, flags, body = self.receive()
            if kind == PUBLISH:
                n = int.from_bytes(body[:2], "big")
                topic, rest = body[2:2 + n].decode(), body[2 + n:]
                if flags & 0x06:
                    with contextlib.suppress(OSError):  # what the broker said before it closed is read all the same
                        self.packet(PUBACK, rest[:2])
                    rest = rest[2:]
                self.published.append((topic, read_properties(rest)[1].decode()))
                continue
            if kind == CONNACK:
                return kind, body[1], read_properties(body[2:])[0]
            if kind in (AUTH, DISCONNECT):
                return kind, body[0] if body else 0, read_properties(body[1:])[0] if len(body) > 1 else {}
            if kind in (PUBACK, SUBACK):
                return kind, body[-1] if kind == SUBACK else (body[2] if len(body) > 2 else 0), {}
            return kind, 0, {}

    def wait_published(self, topic, wanted=lambda payload: True):
        """The first publication of a topic that is wanted, looked for among all that came."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            for seen, payload in self.published:
                if seen == topic and wanted(payload):
                    return payload
            self.packet(PINGREQ, b"")
            self.answer()
            time.sleep(0.02)
        raise AssertionError(f"nothing wanted came on {topic}: {self.published}")

    def wait_gone(self):
        """Until the broker closes; the reason code of its DISCONNECT or CONNACK, None when it gave none."""
        reason = None
        try:
            while True:
                kind, code, _ = self.answer()
                if kind in (DISCONNECT, CONNACK):
                    reason = code
        except Gone:
            return reason

    def subscribe(self, *topics):
        self.mid += 1
        self.packet(SUBSCRIBE, self.mid.to_bytes(2, "big") + b"\x00" + b"".join(text(t) + b"\x01" for t in topics), 2)
        return self.answer()[1]

    def publish(self, topic, payload):
        self.mid += 1
        self.packet(PUBLISH, text(topic) + self.mid.to_bytes(2, "big") + b"\x00" + payload.encode(), 2)
        code = self.answer()[1]
        return 0 if code == 0x10 else code  # taken, and nobody has subscribed to what nobody may read

    def works(self):
        self.packet(PINGREQ, b"")
        return self.answer()[0] == PINGRESP


class Scram:
    """The client's side of one exchange."""

    def __init__(self, user, password, header="n,,", nonce=None):
        self.password, self.header = password, header
        self.nonce = nonce or base64.b64encode(os.urandom(18)).decode()
        self.bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self.nonce}"
        self.first = header + self.bare

    def final(self, server_first):
        fields = dict(part.split("=", 1) for part in server_first.decode().split(","))
        assert fields["r"].startswith(self.nonce) and len(fields["r"]) > len(self.nonce)
        self.salt, self.iterations = fields["s"], int(fields["i"])
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), base64.b64decode(self.salt), self.iterations)
        key = hmac.digest(salted, b"Client Key", "sha256")
        without_proof = f"c={base64.b64encode(self.header.encode()).decode()},r={fields['r']}"
        message = f"{self.bare},{server_first.decode()},{without_proof}".encode()
        signature = hmac.digest(hashlib.sha256(key).digest(), message, "sha256")
        self.server_final = b"v=" + base64.b64encode(hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256"))
        proof = bytes(a ^ b for a, b in zip(key, signature))
        return f"{without_proof},p={base64.b64encode(proof).decode()}"


def scram_login(bare, client_id, user, secret, **kwargs):
    """CONNECT to CONNACK: its reason code. A good one carries the server's proof, which is checked."""
    scram = Scram(user, secret, kwargs.pop("header", "n,,"))
    bare.connect(client_id, method=SCRAM, data=scram.first, **kwargs)
    kind, reason, properties = bare.answer()
    if kind == CONNACK:
        return reason
    assert (kind, reason, properties[METHOD]) == (AUTH, GO_ON, SCRAM.encode())
    bare.auth(GO_ON, SCRAM, scram.final(properties[DATA]))
    kind, reason, properties = bare.answer()
    assert kind == CONNACK
    if reason == 0:
        assert properties[DATA] == scram.server_final
    return reason


def scram_again(bare, user, password):
    """Authenticates again on a live connection: the reason code of what comes back, None when the broker just closes."""
    scram = Scram(user, password)
    bare.auth(AGAIN, SCRAM, scram.first)
    try:
        kind, reason, properties = bare.answer()
        if kind != AUTH:
            return reason
        bare.auth(GO_ON, SCRAM, scram.final(properties[DATA]))
        kind, reason, properties = bare.answer()
        if (kind, reason) == (AUTH, 0):
            assert properties[DATA] == scram.server_final
        return reason
    except Gone:
        return None


def bearer(token, user=None):
    return f"n,{'a=' + user if user else ''},\x01auth=Bearer {token}\x01\x01"
