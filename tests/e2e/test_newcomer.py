"""Issue line 12: tools/up, and then what it prints, pasted."""
import os
import re
import subprocess

import pytest
from harness import ROOT, free_ports, wait_until

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
