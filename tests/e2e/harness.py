"""Real processes for the end-to-end tests: Mosquitto with the plugin, parleyd, and clients.

Everything listens on 127.0.0.1, on ports drawn here, below one temporary folder; only processes started here are ended, by pid.
Waiting is always for a condition, with a bound.
"""
import contextlib
import itertools
import json
import os
import pathlib
import queue
import re
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request

import paho.mqtt.client as paho
import transports
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "lib"))
from servers.daemon import PORTS_OF_TESTS, is_free  # noqa: E402

BUILD = pathlib.Path(os.environ.get("PARLEY_BUILD", ROOT / "build" / "release"))
PARLEYD = BUILD / "bin" / "parleyd"
PARLEYCTL = BUILD / "bin" / "parleyctl"
PLUGIN = BUILD / "lib" / "mosquitto_parley.so"
# What the backend keeps retained below rooms/lobby, the room of the `chat` fixture.
LOBBY_RETAINED = {"rooms/lobby/state"} | {f"rooms/lobby/presence/{name}" for name in ("alice", "bob", "mod", "reader", "admin")}
WAIT_S = 60  # how long a condition may take before the test fails; not how long anything should take


PORTS_OF_WORKER = 1_000  # tests run in several processes at once, each with ports of its own


def own_ports():
    """Those of this process, from a random one on."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % (len(PORTS_OF_TESTS) // PORTS_OF_WORKER)
    first, at = PORTS_OF_TESTS[worker * PORTS_OF_WORKER], secrets.randbelow(PORTS_OF_WORKER)
    while True:
        yield first + at
        at = (at + 1) % PORTS_OF_WORKER


next_ports = own_ports()


def free_ports(count):
    """Ports nobody listens on now, all different, and not drawn again soon."""
    free = (port for port in itertools.islice(next_ports, PORTS_OF_WORKER) if is_free(port))
    ports = list(itertools.islice(free, count))
    assert len(ports) == count, "no free ports"
    return ports


def wait_until(condition, what, timeout_s=WAIT_S, step_s=0.02, log=None):
    """Returns the first true value of condition(); fails after timeout_s, and shows the end of what the process `log` wrote."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what}" + (f"\n{log.log()[-3000:]}" if log else ""))
        time.sleep(step_s)


def listens(port):
    with socket.socket() as s:
        s.settimeout(0.5)
        return s.connect_ex(("127.0.0.1", port)) == 0


class Process:
    """One of ours: started with a log file, ended by pid."""

    def __init__(self, argv, log, env=None, cwd=None):
        self.log_path = pathlib.Path(log)
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                                          env=env, cwd=cwd)

    @property
    def pid(self):
        return self.popen.pid

    def running(self):
        return self.popen.poll() is None

    def send(self, sig):
        if self.running():
            self.popen.send_signal(sig)

    def stop(self, sig=signal.SIGTERM, timeout_s=WAIT_S):
        self.send(sig)
        try:
            return self.popen.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"{self.popen.args[0]} did not stop within {timeout_s} s:\n{self.log()[-3000:]}")

    def kill(self):
        """SIGKILL: as a power cut for this process alone."""
        self.popen.kill()
        self.popen.wait()

    def log(self):
        return self.log_path.read_text(errors="replace")


class Server:
    """A Parley installation in a folder of its own: a broker and a backend that can be started, stopped and killed apart.

    profile: what it keeps its data in (profiles.py). plugin_opts / backend_opts override options; broker_conf is added to
    mosquitto.conf as it is.
    """

    def __init__(self, folder, profile, plugin_opts=None, backend_opts=None, broker_conf="", create_admin=True):
        self.folder = pathlib.Path(folder)
        self.storage = profile.storage(self.folder)
        self.mqtt_port, self.ws_port, self.http_port = free_ports(3)
        self.ports = {"tcp": self.mqtt_port, "ws": self.ws_port}  # of each way in
        self.authority = None  # of those with TLS
        if transports.over_tls():
            self.ports |= dict(zip(("tls", "wss"), free_ports(2)))
            self.authority = transports.authority()
        self.broker = self.backend = None
        self.passwords = {}
        self.env = None  # of broker and backend; None: as ours
        self.admin_token = None
        self._write_config(plugin_opts or {}, backend_opts or {}, broker_conf)
        if create_admin:
            self.make_admin()

    # --- configuration ---

    def _write_config(self, plugin_opts, backend_opts, broker_conf):
        for name in ("plugin", "broker", "log"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.secret = self.folder / "backend.secret"
        if not self.secret.exists():
            self.secret.touch(mode=0o600)
            self.secret.write_text(secrets.token_hex(32) + "\n")
        opts = {"data_dir": self.folder / "plugin", "backend_secret_file": self.secret, **plugin_opts}
        lines = [
            "per_listener_settings false", "allow_anonymous false", "persistence true", "autosave_interval 1800",
            f"persistence_location {self.folder}/broker/", "max_queued_messages 100000", "set_tcp_nodelay true",
            "log_dest stderr",  # stdout is buffered
            "log_type all" if os.environ.get("PARLEY_BROKER_LOG") == "all" else "connection_messages true",
            f"listener {self.mqtt_port} 127.0.0.1",
            f"listener {self.ws_port} 127.0.0.1", "protocol websockets", "socket_domain ipv4",
            *(transports.listeners(self.ports) if transports.over_tls() else []),
            f"plugin {PLUGIN}",
            *(f"plugin_opt_{k} {v}" for k, v in opts.items() if v is not None),
            broker_conf,
        ]
        if os.geteuid() == 0:
            lines.insert(0, "user root")  # the folder is this test's own
        self.conf = self.folder / "mosquitto.conf"
        self.conf.write_text("\n".join(lines) + "\n")
        tables = {
            "": dict(self.storage.keys),
            "broker": {"host": "127.0.0.1", "port": self.mqtt_port, "secret_file": str(self.secret)} | (
                {"port": self.ports["tls"], "tls": "yes", "ca_file": str(self.authority.crt)} if transports.over_tls() else {}),
            "http": {"address": "127.0.0.1", "port": self.http_port},
        }
        for dotted, value in backend_opts.items():
            table, _, key = dotted.rpartition(".")
            tables.setdefault(table, {})[key] = value
        text = ""
        for table, values in tables.items():
            text += f"[{table}]\n" if table else ""
            text += "".join(f"{k} = {json.dumps(v)}\n" for k, v in values.items())
        self.toml = self.folder / "parleyd.toml"
        self.toml.write_text(text)

    def make_admin(self, name="admin"):
        out = subprocess.run([PARLEYD, "--config", self.toml, "--create-admin", name], check=True, capture_output=True,
                             text=True, timeout=60)
        self.admin_token = out.stdout.strip().splitlines()[-1]
        token_file = self.folder / "admin.token"
        token_file.touch(mode=0o600)
        token_file.write_text(self.admin_token + "\n")
        self.passwords[name] = self.admin_token
        self.ctl_config(name)

    def ctl_config(self, user, secret=None):
        """A parleyctl.toml for a user; its path."""
        secret = secret or self.passwords[user]
        path = self.folder / f"parleyctl.{user}.toml"
        path.touch(mode=0o600)
        key = "token" if secret.startswith("plt_") else "password"
        way = transports.way()
        tls = f'tls = true\nca_file = "{self.authority.crt}"\nwebsocket = {json.dumps(way == "wss")}\n' if transports.over_tls() else ""
        path.write_text(f'host = "127.0.0.1"\nport = {self.ports[way]}\nuser = "{user}"\n{key} = "{secret}"\n{tls}')
        return path

    # --- processes ---

    def spawn_broker(self):
        """Starts it and does not look back."""
        self.broker = Process(["mosquitto", "-c", self.conf], self.folder / "log" / "mosquitto.log", env=self.env)
        return self

    def start_broker(self):
        self.spawn_broker()
        wait_until(lambda: all(map(listens, self.ports.values())) or not self.broker.running(), "mosquitto listens", log=self.broker)
        assert self.broker.running(), "mosquitto did not start:\n" + self.broker.log()[-3000:]
        return self

    def start_backend(self, wait_ready=True):
        self.backend = Process([PARLEYD, "--config", self.toml], self.folder / "log" / "parleyd.log", env=self.env)
        if wait_ready:
            self.wait_ready()
        return self

    def start_standby(self):
        """A second parleyd on the same store and broker, which waits; the process, and its HTTP port."""
        (port,) = free_ports(1)
        toml = self.folder / "parleyd2.toml"
        toml.write_text(self.toml.read_text().replace(f"port = {self.http_port}", f"port = {port}"))
        standby = Process([PARLEYD, "--config", toml], self.folder / "log" / "parleyd2.log", env=self.env)
        wait_until(lambda: listens(port) or not standby.running(), "the standby lives", log=standby)
        return standby, port

    def wait_ready(self):
        wait_until(lambda: self.ready() or not self.backend.running(), "parleyd is ready", log=self.backend)
        assert self.backend.running(), "parleyd did not start:\n" + self.backend.log()[-3000:]

    def ready(self):
        return self.http("/readyz")[0] == 200

    def start(self):
        return self.start_broker().start_backend()

    def stop(self):
        for process in (self.backend, self.broker):
            if process and process.running():
                process.stop()

    def kill(self):
        for process in (self.backend, self.broker):
            if process:
                process.kill()

    def remove(self):
        """Kills it for good."""
        self.kill()
        self.storage.drop()

    def http(self, path):
        """(status, body); (0, reason) when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except OSError as e:
            return 0, str(e)

    def metric(self, name, **labels):
        """The value of one line of parleyd's /metrics; None when there is none such."""
        text = ",".join(f'{key}="{value}"' for key, value in labels.items())
        wanted = f"{name}{{{text}}} " if text else f"{name} "
        return next((float(line[len(wanted):]) for line in self.http("/metrics")[1].splitlines() if line.startswith(wanted)), None)

    def change_backend(self, **keys):
        """Other values of keys that parleyd.toml has already, from the next start on; without their table."""
        lines = self.toml.read_text().splitlines()
        for key, value in keys.items():
            at = next(i for i, line in enumerate(lines) if line.startswith(f"{key} = "))
            lines[at] = f"{key} = {json.dumps(value)}"
        self.toml.write_text("\n".join(lines) + "\n")

    # --- administration ---

    def ctl(self, *args, user="admin", check=True, input=None, timeout_s=60):
        """Runs parleyctl --json; returns (exit code, list of objects, stderr)."""
        path = self.folder / f"parleyctl.{user}.toml"
        if not path.exists():
            self.ctl_config(user)
        out = subprocess.run([PARLEYCTL, "--config", path, "--json", *map(str, args)], capture_output=True, text=True,
                             input=input, timeout=timeout_s)
        if check:
            assert out.returncode == 0, f"parleyctl {args}: {out.returncode}\n{out.stdout}\n{out.stderr}"
        objects = [json.loads(line) for line in out.stdout.splitlines() if line.startswith("{")]
        return out.returncode, objects, out.stderr

    def add_user(self, name, password=None):
        self.passwords[name] = password or f"{name}-{secrets.token_hex(6)}"
        self.ctl("user", "create", name, "--password-stdin", input=self.passwords[name] + "\n")

    def add_room(self, room, **members):
        """members: name=role; a name with other characters goes through member add."""
        self.ctl("room", "create", room)
        for name, role in members.items():
            self.ctl("member", "add", room, name, "--role", role)

    def all_stored(self):
        """Has the backend stored everything the broker accepted so far?"""
        code, objects, _ = self.ctl("status", check=False)
        gauges = objects[0].get("broker", {}).get("gauges", {}) if code == 0 and objects else {}
        return gauges.get("feed_lag_bytes") == 0

    def history(self, room, limit=1000):
        """A room's history, asked when all is stored: storing follows the acknowledgement by some milliseconds."""
        wait_until(self.all_stored, "all is stored")
        return self.ctl("history", room, "--limit", limit)[1]

    def client(self, user, device=None, **kwargs):
        return Client(self, user, device or f"{user}-{secrets.token_hex(4)}", **kwargs)

    def request(self, who, method, /, **params):
        """One request by a connection of its own; the reply."""
        with self.client(who) as c:
            return c.request(method, **params)


@contextlib.contextmanager
def running(server, *members, outsiders=()):
    """Starts a server for as long as the block lasts, with a room lobby of these members, and users who are in no room."""
    try:
        server.start()
        for name in (*members, *outsiders):
            server.add_user(name)
        server.add_room("lobby", **{name: "member" for name in members})
        yield server
    finally:
        server.remove()


def address_over_websocket(believed=None):
    """What sessions show as a WebSocket client's address: from 2.0.15 on Mosquitto tells X-Forwarded-For, which the plugin believes only
    when told to, and is `believed` then."""
    version = re.search(r"version (\d+)\.(\d+)\.(\d+)", subprocess.run(["mosquitto", "-h"], capture_output=True, text=True).stdout)
    if tuple(map(int, version.groups())) < (2, 0, 15):
        return "127.0.0.1"
    return believed or "websocket"


class Refused(Exception):
    def __init__(self, code):
        super().__init__(f"refused: {code}")
        self.code = code


def lost(call):
    """Paho 1.6 takes an error of TLS for none of its own: its thread would end, and nobody be told."""
    def wrapped(*args):
        try:
            return call(*args)
        except ssl.SSLError as e:
            raise ConnectionResetError(str(e)) from e
    return wrapped


class Client:
    """A Paho client that records what it gets. v: 4 (MQTT 3.1.1) or 5. Connects at once; Refused when the broker says no.

    via: by which of server.ports, else as --transport says; certificate: a Pair (authority.py), to log in with.
    """

    def __init__(self, server, user, device, v=5, password=None, clean=True, expiry_s=0, ws=False, will=None,
                 inbox=True, connect=True, username=..., manual_ack=False, via=None, certificate=None, source=""):
        self.server, self.user, self.device, self.v = server, user, device, v
        self.source = source  # the address it connects from: 127.0.0.2 … are other hosts to the broker
        self.messages = queue.Queue()
        self.inbox = []
        self.seen = []
        self._acks, self._subacks, self._replies = {}, {}, {}
        self._connack, self._cv = None, threading.Condition()
        kwargs = {} if v == 5 else {"clean_session": clean}
        self.via = via or transports.way(ws)
        self.mqtt = paho.Client(client_id=device, protocol=paho.MQTTv5 if v == 5 else paho.MQTTv311,
                                transport="websockets" if self.via in ("ws", "wss") else "tcp", reconnect_on_failure=False, **kwargs)
        self.clean, self.expiry_s, self.want_inbox = clean, expiry_s, inbox
        if self.via not in ("tcp", "ws"):
            self.mqtt.tls_set_context(server.authority.trusted(certificate))
            self.mqtt._sock_recv, self.mqtt._sock_send = lost(self.mqtt._sock_recv), lost(self.mqtt._sock_send)
        name = user if username is ... else username
        if name is not None:
            self.mqtt.username_pw_set(name, password if password is not None else server.passwords.get(user))
        if will:
            self.mqtt.will_set(**will)
        self.mqtt.on_connect = self._on_connect
        self.mqtt.on_disconnect = self._on_disconnect
        self.mqtt.on_message = self._on_message
        self.mqtt.on_subscribe = self._on_subscribe
        self.mqtt.on_publish = lambda client, userdata, mid: None
        self.connected = False
        # Paho 1.6 does not tell a publish's reason code: look at the packet itself.
        handler = self.mqtt._handle_pubackcomp
        self.mqtt._handle_pubackcomp = lambda cmd: self._note_ack(cmd, handler)
        pubrec = self.mqtt._handle_pubrec
        self.mqtt._handle_pubrec = lambda: self._note_pubrec(pubrec)
        self.acknowledge = not manual_ack
        puback = self.mqtt._send_puback
        self.mqtt._send_puback = lambda mid: puback(mid) if self.acknowledge else 0
        if connect:
            self.connect()

    # --- connection ---

    def connect(self):
        self.mqtt.loop_stop()  # of the connection before, whose thread has ended
        self._connack = None
        kwargs = {}
        if self.v == 5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = self.expiry_s
            kwargs = {"clean_start": self.clean, "properties": properties}
        self.mqtt.connect("127.0.0.1", self.server.ports[self.via], keepalive=30, bind_address=self.source, **kwargs)
        self.mqtt.loop_start()
        self._wait(lambda: self._connack is not None, "CONNACK")
        if self._connack != 0:
            code = self._connack
            self.mqtt.loop_stop()
            raise Refused(code)
        if self.want_inbox and self.user:
            self.subscribe(f"users/{self.user}/inbox", f"users/{self.user}/replies", check=False)
        return self

    def resume(self):
        """Connects; and once more when the session was denied something while it resumed (the broker ends it then)."""
        self.connect()
        rid = secrets.token_hex(8)
        self.publish(f"users/{self.user}/requests/room.list", {"id": rid})
        self._wait(lambda: rid in self._replies or not self.connected, "reply or disconnect")
        if not self.connected:
            self.connect()

    def close(self):
        self.mqtt.disconnect()
        self.mqtt.loop_stop()

    def drop(self):
        """The connection breaks without DISCONNECT: the will goes out."""
        self.mqtt._sock_close()
        self.mqtt.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    # --- callbacks: Paho's thread ---

    def _notify(self, change):
        with self._cv:
            change()
            self._cv.notify_all()

    def _on_connect(self, client, userdata, flags, rc, properties=None):
        value = rc.value if hasattr(rc, "value") else rc
        self.session_present = flags.get("session present", 0)

        def change():
            self._connack, self.connected = value, value == 0

        self._notify(change)

    def _on_disconnect(self, client, userdata, rc, properties=None):
        def change():
            self.connected = False
            if self._connack is None:
                self._connack = -1  # closed without CONNACK

        self._notify(change)

    def _on_message(self, client, userdata, message):
        def change():
            if message.topic == f"users/{self.user}/inbox":
                self.inbox.append(json.loads(message.payload))
            elif message.topic.startswith(f"users/{self.user}/replies"):
                reply = json.loads(message.payload)
                self._replies[reply.get("id")] = reply
            else:
                self.seen.append(message)
                self.messages.put(message)

        self._notify(change)

    def _on_subscribe(self, client, userdata, mid, codes, properties=None):
        self._notify(lambda: self._subacks.__setitem__(mid, [c.value if hasattr(c, "value") else c for c in codes]))

    def _note_ack(self, cmd, handler):
        packet = bytes(self.mqtt._in_packet["packet"])
        mid, code = int.from_bytes(packet[:2], "big"), packet[2] if len(packet) > 2 else 0
        result = handler(cmd)
        self._acknowledged(mid, code)
        return result

    def _note_pubrec(self, handler):
        packet = bytes(self.mqtt._in_packet["packet"])
        mid, code = int.from_bytes(packet[:2], "big"), packet[2] if len(packet) > 2 else 0
        if code >= 0x80:
            self._acknowledged(mid, code)
        return handler()

    def _acknowledged(self, mid, code):
        self._notify(lambda: self._acks.setdefault(mid, code))

    def _wait(self, condition, what, timeout_s=WAIT_S):
        with self._cv:
            if not self._cv.wait_for(condition, timeout_s):
                raise AssertionError(f"{self.device}: no {what} within {timeout_s} s")

    # --- doing things ---

    def subscribe(self, *filters, qos=1, check=True):
        """The reason codes; with check every filter must be granted."""
        result, mid = self.mqtt.subscribe([(f, qos) for f in filters]) if self.v != 5 else self.mqtt.subscribe(
            [(f, paho.SubscribeOptions(qos=qos)) for f in filters])
        self._wait(lambda: mid in self._subacks or not self.connected, f"SUBACK for {filters}")
        codes = self._subacks.get(mid, [0x80] * len(filters))
        if check:
            assert all(c < 0x80 for c in codes), f"{self.device}: {filters} gave {codes}"
        return codes

    def publish(self, topic, payload, qos=1, retain=False, properties=None):
        """Publishes and waits for the answer; the reason code (0 for QoS 0, and always on 3.1.1 unless the connection went)."""
        if isinstance(payload, (dict, list)):
            payload = json.dumps(payload)
        info = self.mqtt.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        if qos == 0:
            return 0
        self._wait(lambda: info.mid in self._acks or not self.connected, f"PUBACK for {topic}")
        return self._acks.pop(info.mid, -1)

    def send(self, room, content, qos=1, **kwargs):
        return self.publish(f"rooms/{room}/send", content, qos=qos, **kwargs)

    def request(self, method, /, timeout_s=WAIT_S, **params):
        """The reply of a request, to users/{me}/replies; Refused when the broker did not take it."""
        rid = secrets.token_hex(8)
        code = self.publish(f"users/{self.user}/requests/{method}", {"id": rid, **params})
        if code >= 0x80:
            raise Refused(code)
        self._wait(lambda: rid in self._replies, f"reply to {method}", timeout_s)
        return self._replies.pop(rid)

    def ok(self, method, **params):
        reply = self.request(method, **params)
        assert reply["ok"], reply
        return reply["result"]

    def envelopes(self, room=None):
        """What came on rooms/…/messages so far, in order of arrival."""
        topics = [(m.topic, m) for m in list(self.seen) if m.topic.endswith("/messages")]
        return [json.loads(m.payload) for t, m in topics if room in (None, t.split("/")[1])]

    def wait_envelopes(self, count, room=None, timeout_s=WAIT_S):
        self._wait(lambda: len(self.envelopes(room)) >= count, f"{count} envelopes (has {len(self.envelopes(room))})", timeout_s)
        return self.envelopes(room)

    def wait_text(self, text, room=None, timeout_s=WAIT_S):
        """The envelope whose content.text is this."""
        find = lambda: next((e for e in self.envelopes(room) if e["content"].get("text") == text), None)
        self._wait(find, f"message {text!r}", timeout_s)
        return find()

    def wait_notice(self, timeout_s=WAIT_S, **fields):
        """The first inbox notice that has these fields."""
        find = lambda: next((n for n in self.inbox if all(n.get(k) == v for k, v in fields.items())), None)
        self._wait(find, f"notice {fields} (has {self.inbox})", timeout_s)
        return find()

    def wait_disconnected(self, timeout_s=WAIT_S):
        self._wait(lambda: not self.connected, "disconnect", timeout_s)


def mosquitto(program, server, user, *args, password=None):
    """The command line of mosquitto_pub or mosquitto_sub, logged in as a user. (They know no WebSockets.)"""
    way = "tls" if transports.over_tls() else "tcp"
    return [program, "-h", "127.0.0.1", "-p", str(server.ports[way]), *(["--cafile", server.authority.crt] if way == "tls" else []),
            "-u", user, "-P", password or server.passwords[user], *args]


def mosquitto_pub(server, user, topic, message, *args, password=None):
    return subprocess.run(mosquitto("mosquitto_pub", server, user, "-t", topic, "-m", message, *args, password=password),
                          capture_output=True, text=True, timeout=WAIT_S)


def have_node():
    return shutil.which("node") and (pathlib.Path(__file__).parent / "node_modules" / "mqtt").exists()
