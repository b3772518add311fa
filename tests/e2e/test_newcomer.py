"""Issue line 12: tools/up, and then what it prints, pasted."""
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading

import pytest
from harness import ROOT, free_ports, have_node, listens, wait_until
from profiles import Postgres, Redis

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.transport("tcp")]  # tools/up chooses its own

needs_release = pytest.mark.skipif(not (ROOT / "build" / "release" / "bin" / "parleyd").exists(),
                                   reason="build/release is not there: tools/test and tools/up make it")


def up(data, *args, ports=None, check=True):
    mqtt, ws, http = ports or free_ports(3)
    out = subprocess.run([ROOT / "tools" / "up", "--detach", "--data", data, "--mqtt-port", str(mqtt), "--ws-port", str(ws),
                          "--http-port", str(http), *args], capture_output=True, text=True, timeout=1500)
    assert not check or out.returncode == 0, out.stdout + out.stderr
    return out, (mqtt, ws, http)


def down(data):
    return subprocess.run([ROOT / "tools" / "down", "--data", data], capture_output=True, text=True, timeout=60)


def pid(data, name):
    return int((data / "run" / f"{name}.pid").read_text())


@needs_release
def test_what_tools_up_prints_works_when_pasted(tmp_path):
    data = tmp_path / "var"
    out, ports = up(data)
    try:
        commands = [line.strip() for line in out.stdout.splitlines() if re.match(r"\s+(mosquitto_|\S*parleyctl|node|npx)", line)]
        sub = next(c for c in commands if c.startswith("mosquitto_sub"))
        pub = next(c for c in commands if c.startswith("mosquitto_pub"))
        reader = subprocess.Popen(sub + " -C 1 -W 20", shell=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        wait_until(lambda: subprocess.run(pub, shell=True, cwd=ROOT, capture_output=True).returncode == 0 and reader.poll() is not None,
                   "the message arrives", step_s=0.3)
        assert '"content"' in reader.stdout.read()
        history = next(c for c in commands if "parleyctl" in c and "history" in c)
        shown = subprocess.run(history, shell=True, cwd=ROOT, capture_output=True, text=True)
        assert shown.returncode == 0 and "alice" in shown.stdout + shown.stderr
        doctor = subprocess.run([ROOT / "build" / "release" / "bin" / "parleyctl", "doctor", "--mosquitto-conf", data / "mosquitto.conf",
                                 "--parleyd-conf", data / "parleyd.toml"], capture_output=True, text=True)
        wrong = [line for line in doctor.stdout.splitlines() if line.startswith("problem ") and not line.startswith("problem  disk ")]  # it may be full
        assert wrong == [] and " looked at: " in doctor.stdout, doctor.stdout + doctor.stderr
        # Killed and brought up again over the same folder: nothing is lost.
        before = shown.stdout
        os.kill(pid(data, "mosquitto"), 9)
        os.kill(pid(data, "parleyd"), 9)
        up(data, ports=ports)
        again = subprocess.run(history, shell=True, cwd=ROOT, capture_output=True, text=True)
        assert again.stdout.splitlines()[: len(before.splitlines())] == before.splitlines()
        kept = pid(data, "mosquitto")
        os.kill(pid(data, "parleyd"), 9)
        up(data, ports=ports)
        assert pid(data, "mosquitto") == kept  # only what was not running is started
    finally:
        assert down(data).returncode == 0
    assert not (data / "run" / "mosquitto.pid").exists()


@needs_release
def test_a_port_in_use_names_its_flag(tmp_path):
    for index, flag in enumerate(("--mqtt-port", "--ws-port", "--http-port")):
        ports = free_ports(3)
        with socket.socket() as s:
            s.bind(("127.0.0.1", ports[index]))
            s.listen()
            out, _ = up(tmp_path / f"var{index}", ports=ports, check=False)
        assert out.returncode != 0 and flag in out.stderr, out.stderr


@needs_release
def test_plugin_and_backend_options_are_passed_on(tmp_path):
    data = tmp_path / "var"
    up(data, "--no-demo", "--plugin-opt", "user_rate=7", "--plugin-opt", "other_topics=deny", "--backend-opt", "log.level=debug")
    try:
        conf = (data / "mosquitto.conf").read_text()
        assert "plugin_opt_user_rate 7" in conf and conf.count("plugin_opt_other_topics") == 1
        assert (data / "parleyctl.toml").stat().st_mode & 0o077 == 0
    finally:
        down(data)
    out, _ = up(tmp_path / "var2", "--plugin-opt", "bogus=1", check=False)
    assert out.returncode != 0 and "plugin_opt_bogus is unknown" in out.stderr + out.stdout
    down(tmp_path / "var2")


@pytest.fixture
def open_folder():
    """A folder that others may enter: PostgreSQL and Mosquitto run as users of their own."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-up-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


# --- TLS ---

def printed(out, *words):
    """The printed command that has all these words in it."""
    return next(line.strip() for line in out.stdout.splitlines() if line.startswith("  ") and all(word in line for word in words))


def served_serial(port, ca):
    """Of the certificate the server on a port shows, which must be good for localhost."""
    context = ssl.create_default_context(cafile=ca)
    with socket.create_connection(("127.0.0.1", port)) as s, context.wrap_socket(s, server_hostname="localhost") as tls:
        return int(tls.getpeercert()["serialNumber"], 16)


def ends_tomorrow(folder):
    """Makes the server's certificate in a folder of tools/up one that is about to end, as it would be after most of a year."""
    extensions = folder / "extensions"
    extensions.write_text("extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost\n")
    subprocess.run(f"openssl req -new -key server.key -subj /CN=localhost | openssl x509 -req -CA ca.crt -CAkey ca.key -set_serial 7 -days 1 "
                   f"-extfile {extensions} -out server.crt", shell=True, check=True, capture_output=True, cwd=folder)


@needs_release
def test_tls_makes_certificates_and_what_it_prints_for_each_listener_works(open_folder):
    data, tls = open_folder / "var", open_folder / "var" / "tls"
    more = free_ports(3)
    flags = [word for flag, port in zip(("--tls-port", "--wss-port", "--cert-port"), more) for word in (flag, str(port))]
    out, ports = up(data, "--tls", *flags)
    try:
        reader = subprocess.Popen(printed(out, "mosquitto_sub", "--cafile") + " -C 2 -W 60", shell=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        talk = [printed(out, "mosquitto_pub", "--cert")] + ([printed(out, "NODE_EXTRA_CA_CERTS")] if have_node() else ["true"])

        def say():
            return [subprocess.run(command, shell=True, cwd=ROOT, capture_output=True).returncode for command in talk] == [0, 0]

        wait_until(lambda: say() and reader.poll() is not None, "the messages arrive", step_s=0.3)
        heard = reader.stdout.read()
        assert "Hello, over TLS" in heard and ("Hello, over WSS" in heard or not have_node())
        assert {path.name for path in tls.iterdir() if path.stat().st_mode & 0o077 == 0} == {"ca.key", "server.key", "alice.key"}
        authority, serial, mosquitto = (tls / "ca.crt").read_bytes(), served_serial(more[0], tls / "ca.crt"), pid(data, "mosquitto")

        up(data, "--tls", ports=ports)  # all runs, with the ports of its start; nothing is about to end
        assert served_serial(more[0], tls / "ca.crt") == serial

        ends_tomorrow(tls)
        up(data, ports=ports)  # renewed, and the broker that runs shows the new one
        wait_until(lambda: served_serial(more[0], tls / "ca.crt") not in (7, serial), "a new certificate")
        assert (tls / "ca.crt").read_bytes() == authority and pid(data, "mosquitto") == mosquitto

        down(data)
        up(data, ports=ports)  # without --tls
        assert not listens(more[0]) and not listens(more[1])
        out, _ = up(data, "--tls", *flags, ports=ports, check=False)
        assert out.returncode != 0 and "without --tls" in out.stderr
    finally:
        down(data)


# --- the production profile ---

def history(data):
    ctl = ROOT / "build" / "release" / "bin" / "parleyctl"
    return subprocess.run([ctl, "--config", data / "parleyctl.toml", "history", "lobby"], capture_output=True, text=True, check=True).stdout


@needs_release
def test_production_brings_its_own_servers_and_goes_on_after_all_were_killed(open_folder):
    data, names = open_folder / "var", ("mosquitto", "parleyd", "postgresql", "redis")
    _, ports = up(data, "--production")
    try:
        before = history(data)
        assert "added alice" in before
        postgres, redis = Postgres(data), Redis(data)
        assert [postgres.sql(f"SHOW {name}") for name in ("fsync", "listen_addresses")] == [["on"], ["127.0.0.1"]]
        for name in names:
            os.kill(pid(data, name), 9)
        up(data, ports=ports)  # DIR remembers what it was
        assert history(data) == before
        kept = [pid(data, name) for name in names]
        redis.kill()
        up(data, ports=ports)
        assert [pid(data, name) for name in names][:3] == kept[:3]  # only what was not running is started
        out, _ = up(data, "--store", "postgresql://parley@127.0.0.1/other", ports=ports, check=False)
        assert out.returncode != 0 and "running already" in out.stderr
        for path in data.rglob("*.password"):
            assert path.stat().st_mode & 0o077 == 0
    finally:
        assert down(data).returncode == 0
    assert not [name for name in names if (data / "run" / f"{name}.pid").exists()]
    out, _ = up(data, "--store", "postgresql://parley@127.0.0.1/other", ports=ports, check=False)
    assert out.returncode != 0 and "--moved" in out.stderr


class Watch(threading.Thread):
    """Looks at everybody's command lines until told to stop; those with a word in it, as they are."""

    def __init__(self, word):
        super().__init__(daemon=True)
        self.word, self.seen, self._end = word.encode(), set(), threading.Event()

    def run(self):
        while not self._end.wait(0.02):
            for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if self.word in (line := path.read_bytes()):
                        self.seen.add(line)
                except OSError:
                    pass

    def finish(self):
        self._end.set()
        self.join()
        return self.seen


@needs_release
def test_passwords_in_urls_end_in_files_that_only_their_owner_reads(open_folder):
    data, servers = open_folder / "var", open_folder / "servers"
    postgres, redis = Postgres(servers).start(), Redis(servers).start()
    try:
        postgres.ensure_database()
        passwords = {"store": postgres.password("store"), "cache": redis.password("cache")}
        mqtt, ws, http = free_ports(3)
        watch = Watch(passwords["store"])
        watch.start()
        command = [str(word) for word in (ROOT / "tools" / "up", "--detach", "--data", data, "--mqtt-port", mqtt, "--ws-port", ws, "--http-port",
                                          http, "--store", postgres.url().replace("@", f":{passwords['store']}@"), f"--cache={redis.root_url()}")]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        out = process.communicate(timeout=1500)[0]
        assert process.returncode == 0, out
        # What was typed, for the moment until it starts itself anew; what it runs until then has its command line before its own.
        typed = "\0".join(command).encode() + b"\0"
        assert [line for line in watch.finish() if not line.endswith(typed)] == []
        assert "added alice" in history(data)
        for name, password in passwords.items():
            kept = data / "secrets" / f"{name}.password"
            assert kept.read_text().strip() == password and kept.stat().st_mode & 0o077 == 0
            assert password not in out
            assert not [path for path in data.rglob("*") if path.is_file() and path != kept and password.encode() in path.read_bytes()]
        down(data)
        up(data, ports=(mqtt, ws, http))  # nothing needs to be given again
        assert "added alice" in history(data)
    finally:
        down(data)
        for server in (postgres, redis):
            server.stop()
