"""Servers that stand in for push providers: they speak the real protocols over TLS, write down what they get, and misbehave on command.

    certificates = Certificates(folder)
    apns = Apns(folder, certificates).start()
    apns.misbehave(status=429, headers={"retry-after": "2"}, times=1)
    … apns.settings() are the keys of parleyd.toml for it …
    apns.wait_received(1)[0]["payload"]["aps"]["alert"]
    apns.stop()

Rules are explained in common.js (and smtp.py). violations() must be empty at the end of each test: the protocol was kept.
"""
import json
import os
import pathlib
import secrets
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import Process, free_ports, listens, wait_until  # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent


def openssl(*words, text=None):
    return subprocess.run(["openssl", *words], input=text, capture_output=True, text=True, check=True).stdout


def secret_file(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


class Certificates:
    """An authority of the tests' own, a certificate of it for 127.0.0.1 ("good"), and one of nobody's ("wrong")."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ca_file = self._made("ca", "/CN=tests", "basicConstraints=critical,CA:TRUE")
        self._made("good", "/CN=127.0.0.1", "subjectAltName=IP:127.0.0.1,DNS:localhost", by="ca")
        self._made("wrong", "/CN=127.0.0.1", "subjectAltName=IP:127.0.0.1,DNS:localhost")

    def _made(self, name, subject, extension, by=None):
        key, cert = self.folder / f"{name}.key", self.folder / f"{name}.pem"
        signed = ["-CA", self.folder / f"{by}.pem", "-CAkey", self.folder / f"{by}.key"] if by else []
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj", subject,
                "-addext", extension, "-keyout", str(key), "-out", str(cert), *map(str, signed))
        return cert

    def settings(self):
        return {name: {"cert": str(self.folder / f"{name}.pem"), "key": str(self.folder / f"{name}.key")} for name in ("good", "wrong")}


class Standin:
    """One server. `folder` is shared by all of a test; ports are drawn here."""

    name = ""

    def __init__(self, folder, certificates):
        self.folder = pathlib.Path(folder)
        self.certificates = certificates
        self.port, self.control_port = free_ports(2)
        self.out = self.folder / f"{self.name}.jsonl"
        self.out.touch()
        self.process = None
        self.prepare()

    def prepare(self):
        """Keys and the like."""

    def own_settings(self):
        return {}

    def argv(self, path):
        return ["node", str(HERE / f"{self.name}.js"), str(path)]

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    def start(self):
        path = secret_file(self.folder / f"{self.name}.json", json.dumps(
            {"port": self.port, "control_port": self.control_port, "out": str(self.out), **self.certificates.settings(),
             **self.own_settings()}))
        self.process = Process(self.argv(path), self.folder / f"{self.name}.log", env={**os.environ, "NODE_PATH": str(HERE.parent / "node_modules")})
        wait_until(lambda: listens(self.port) and listens(self.control_port), f"{self.name} listens", log=self.process)
        return self

    def stop(self):
        if self.process and self.process.running():
            self.process.kill()

    def command(self, path, value=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.control_port}{path}", json.dumps(value).encode(), method="POST")
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def misbehave(self, *rules, **rule):
        """From now on; without a rule: no more."""
        self.command("/rules", [*rules, *([rule] if rule else [])])

    def behave(self):
        self.command("/rules", [])

    def certificate(self, name):
        self.command("/certificate", name)

    def lines(self):
        return [json.loads(line) for line in self.out.read_text().splitlines() if line]

    def forget(self):
        """What was written down so far."""
        self.out.write_text("")

    def attempts(self, target=None):
        return [line for line in self.lines() if "accepted" in line and target in (None, line["target"])]

    def received(self, target=None):
        """What it took: also that whose answer was lost on the way back."""
        return [line for line in self.attempts(target) if line["accepted"]]

    def wait_received(self, count, target=None):
        wait_until(lambda: len(self.received(target)) >= count, f"{self.name} has received {count}", log=self.process)
        return self.received(target)

    def violations(self):
        return [line["violation"] for line in self.lines() if "violation" in line]


class Apns(Standin):
    name = "apns"
    key_id, team_id, topic = "KEY1234567", "TEAM123456", "org.example.chat"

    def prepare(self):
        self.key_file = secret_file(self.folder / "apns.p8", openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"))
        self.public_key = self.folder / "apns.pub"
        self.public_key.write_text(openssl("pkey", "-in", str(self.key_file), "-pubout"))

    def own_settings(self):
        return {"public_key": str(self.public_key), "key_id": self.key_id, "team_id": self.team_id, "topic": self.topic}

    def settings(self):
        return {"apns.key_file": str(self.key_file), "apns.key_id": self.key_id, "apns.team_id": self.team_id, "apns.topic": self.topic,
                "apns.url": self.url, "apns.sandbox_url": self.url}

    @staticmethod
    def device():
        return secrets.token_hex(32)


class Fcm(Standin):
    name = "fcm"
    project, email = "parley-tests", "parley@parley-tests.example.org"

    def prepare(self):
        key = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
        self.public_key = self.folder / "fcm.pub"
        self.public_key.write_text(openssl("pkey", "-pubout", text=key))
        self.account_file = secret_file(self.folder / "service-account.json", json.dumps(
            {"type": "service_account", "project_id": self.project, "private_key_id": "k1", "private_key": key, "client_email": self.email,
             "token_uri": f"{self.url}/token"}))

    def own_settings(self):
        return {"public_key": str(self.public_key), "project_id": self.project, "client_email": self.email, "token_uri": f"{self.url}/token"}

    def settings(self):
        return {"fcm.service_account_file": str(self.account_file), "fcm.url": self.url}

    def forget_tokens(self):
        """Access tokens given so far are good no more."""
        self.command("/forget")

    def granted(self):
        return sum(1 for line in self.lines() if "granted" in line)

    @staticmethod
    def device():
        return "fcm-" + secrets.token_urlsafe(100)


class WebPush(Standin):
    name = "webpush"

    def prepare(self):
        self.key_file = secret_file(self.folder / "vapid.pem", openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout"))

    def settings(self):
        return {"webpush.key_file": str(self.key_file), "webpush.subject": "mailto:ops@example.org", "webpush.allow_private": "yes"}

    def subscribe(self):
        """A browser's: {"name" (the target of rules and records), "endpoint", "p256dh", "auth"}."""
        return self.command("/subscribe")

    def unsubscribe(self, name):
        self.command("/unsubscribe", name)


class Webhook(Standin):
    name = "webhook"

    def prepare(self):
        self.secret = secret_file(self.folder / "webhook.secret", secrets.token_urlsafe(32))

    def own_settings(self):
        return {"secret": str(self.secret)}

    def settings(self):
        return {"webhook.url": f"{self.url}/hook", "webhook.secret_file": str(self.secret)}


class Smtp(Standin):
    name = "smtp"
    user, sender = "parley", "chat@example.org"

    def prepare(self):
        self.password = secrets.token_urlsafe(20)
        self.password_file = secret_file(self.folder / "smtp.password", self.password)
        self.unsubscribe_key = secret_file(self.folder / "unsubscribe.key", secrets.token_urlsafe(32))

    def argv(self, path):
        return [sys.executable, str(HERE / "smtp.py"), str(path)]

    def own_settings(self):
        return {"user": self.user, "password": self.password}

    def settings(self):
        return {"email.url": f"smtp://127.0.0.1:{self.port}", "email.user": self.user, "email.password_file": str(self.password_file),
                "email.from": f"Parley <{self.sender}>", "email.unsubscribe_url": "https://chat.example.org/notify/unsubscribe",
                "email.unsubscribe_key_file": str(self.unsubscribe_key)}
