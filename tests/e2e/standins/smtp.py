"""A mail server (aiosmtpd) with STARTTLS and logins, which records mails and misbehaves on command, as common.js's stand-ins do.

Rules besides those of common.js: `at` (RCPT, DATA, MAIL or AUTH; default DATA) and `answer` ("450 4.2.1 busy").
"""
import asyncio
import email
import email.policy
import http.server
import json
import os
import random
import ssl
import sys
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

SETTINGS = json.load(open(sys.argv[1]))
HANG_S = 3_600


def context(name):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(SETTINGS[name]["cert"], SETTINGS[name]["key"])
    return made


class Behaviour:
    """What the control port has set; read by the server's thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []
        self.tls = context("good")

    def fitting(self, at, target):
        with self.lock:
            for rule in self.rules:
                if rule.get("at", "DATA") != at or rule.get("target", target) != target or random.random() >= rule.get("p", 1):
                    continue
                if "times" in rule:
                    rule["times"] -= 1
                    if rule["times"] <= 0:
                        self.rules.remove(rule)
                return rule
        return None


BEHAVIOUR = Behaviour()


def record(**line):
    with open(SETTINGS["out"], "a") as out:
        out.write(json.dumps({"time_ms": int(time.time() * 1000), **line}) + "\n")


def parsed(content):
    message = email.message_from_bytes(content, policy=email.policy.default)
    parts = {part.get_content_type(): part.get_content() for part in message.walk() if not part.is_multipart()}
    return {"headers": {name.lower(): str(value) for name, value in message.items()},
            "defects": [str(d) for d in message.defects], "text": parts.get("text/plain", ""), "html": parts.get("text/html", "")}


async def misbehave(server, rule):
    """The reply in place of the usual one; None: the usual one."""
    how = rule.get("how", "answer")
    if rule.get("delay_ms"):
        await asyncio.sleep(rule["delay_ms"] / 1000)
    if how == "answer":
        return rule["answer"]
    if how == "hang":
        await asyncio.sleep(HANG_S)
    if how == "garbage":
        server.transport.write(os.urandom(300) + b"\r\n")
    if how in ("reset", "lost"):
        server.transport.abort()
    return None if how == "slow" else "421 gone"


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        rule = BEHAVIOUR.fitting("MAIL", address)
        reply = await misbehave(server, rule) if rule else None
        if reply:
            return reply
        if session.ssl is None:
            record(violation="MAIL without TLS")
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        rule = BEHAVIOUR.fitting("RCPT", address)
        reply = await misbehave(server, rule) if rule else None
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        target = envelope.rcpt_tos[0]
        rule = BEHAVIOUR.fitting("DATA", target)
        how = rule and rule.get("how", "answer")
        mail = parsed(envelope.content)
        message_id = mail["headers"].get("message-id", "").strip("<>")
        record(target=target, accepted=how in (None, "slow", "lost"), how=how, id=message_id.split("@")[0], collapse=None,
               kind="digest", payload=mail, sender=envelope.mail_from, tls=session.ssl is not None, login=session.auth_data is not None)
        reply = await misbehave(server, rule) if rule else None
        return reply or "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    rule = BEHAVIOUR.fitting("AUTH", None)
    right = (data.login.decode(), data.password.decode()) == (SETTINGS["user"], SETTINGS["password"])
    if rule or not right:
        return AuthResult(success=False, handled=False, message=(rule or {}).get("answer", "535 5.7.8 no"))
    return AuthResult(success=True, auth_data=data.login.decode())


class StandinController(Controller):
    def factory(self):
        return SMTP(self.handler, hostname="127.0.0.1", tls_context=BEHAVIOUR.tls, require_starttls=True,
                    authenticator=authenticate, auth_required=True, auth_require_tls=True, timeout=HANG_S)


class Control(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with BEHAVIOUR.lock:
            if self.path == "/rules":
                BEHAVIOUR.rules = told
            if self.path == "/certificate":
                BEHAVIOUR.tls = context(told)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    StandinController(Handler(), hostname="127.0.0.1", port=SETTINGS["port"]).start()
    http.server.ThreadingHTTPServer(("127.0.0.1", SETTINGS["control_port"]), Control).serve_forever()
