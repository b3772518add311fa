"""Issue line 12: tools/up, and then what it prints, pasted."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading

import pytest
from harness import ROOT, free_ports, wait_until
from profiles import Postgres, Redis

pytestmark = pytest.mark.profile("embedded")  # tools/up chooses its own

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
    import socket
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


# --- the production profile ---

@pytest.fixture
def open_folder():
    """A folder that others may enter: PostgreSQL runs as a user of its own."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-up-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


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
