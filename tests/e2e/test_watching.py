"""parleyctl top and parleyctl doctor: what an operator looks at, and what it finds."""
import json
import os
import shutil
import subprocess

import pytest
from harness import PARLEYCTL, PARLEYD, Server, free_ports, running, wait_until
from standins import openssl

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.xdist_group("watching")]


# --- doctor ---


def doctor(server, *args, conf=None, toml=None):
    """Its exit code, and its findings as {text: level}."""
    out = subprocess.run([PARLEYCTL, "--json", "doctor", "--mosquitto-conf", conf or server.conf, "--parleyd-conf", toml or server.toml, *map(str, args)],
                         capture_output=True, text=True, timeout=120)
    findings = [json.loads(line) for line in out.stdout.splitlines() if line.startswith('{"advice"')]
    assert findings, out.stdout + out.stderr
    for finding in findings:
        assert (finding["level"] == "ok") == (finding["advice"] == ""), f"what to do? {finding}"
    worse = [finding for finding in findings if finding["level"] == "problem"]
    assert out.returncode == (1 if worse else 0)
    findings = [finding for finding in findings if finding["check"] != "disk"]  # that of whoever runs this may be full
    return out.returncode, {finding["text"]: finding["level"] for finding in findings}


def problems(found):
    return [text for text, level in found[1].items() if level == "problem"]


@pytest.fixture(scope="module")
def server(tmp_path_factory, profile):
    with running(Server(tmp_path_factory.mktemp("watched"), profile, broker_conf="persistent_client_expiration 7d"), "alice") as server:
        yield server


def changed(path, name, *changes):
    """A copy of a configuration with other lines."""
    text = path.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    copy = path.with_name(name)
    copy.write_text(text)
    return copy


def test_a_healthy_server_has_no_problems(server):
    found = doctor(server)
    assert problems(found) == []
    said = " ".join(text for text, level in found[1].items() if level == "ok")
    for words in ("plugin's options are sound", "configuration is valid", "database answers", "closed to others", "same secret", "The broker listens on",
                  "attached to the broker's plugin", "all of version", "clocks of broker and parleyd agree", "The journal holds", "These work: "):
        assert words in said, words


def test_people_see_a_table_and_what_to_do(server):
    conf = changed(server.conf, "shown.conf", ("max_queued_messages 100000", "max_queued_messages 0"))
    out = subprocess.run([PARLEYCTL, "doctor", "--quiet", "--mosquitto-conf", conf, "--parleyd-conf", server.toml], capture_output=True, text=True, timeout=120)
    assert out.returncode == 1
    lines = out.stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("problem  mosquitto.conf  max_queued_messages is 0"))
    assert lines[at + 1].strip() == "-> Set a large number: max_queued_messages 100000"
    assert not any(line.startswith("ok") for line in lines)
    assert " problems, " in lines[-1]


@pytest.mark.parametrize("old, new, words", [
    ("per_listener_settings false", "per_listener_settings true", "per_listener_settings is true"),
    ("max_queued_messages 100000", "", "max_queued_messages is 1000 (the default)"),
    ("socket_domain ipv4", "", "listens on every interface"),
    ("plugin_opt_data_dir", "plugin_opt_data_dri", "The plugin's options: "),
    ("persistent_client_expiration 7d", "persistent_client_expiration 1m", "longer than the plugin's client_id_hold"),
])
def test_a_trap_in_mosquitto_conf_is_found(server, old, new, words):
    found = doctor(server, conf=changed(server.conf, "trap.conf", (old, new)))
    assert found[0] == 1
    assert any(words in text for text in problems(found)), found


def test_a_wrong_key_of_parleyd_is_found(server):
    found = doctor(server, toml=changed(server.toml, "wrong.toml", ("[http]", "[http]\nprot = 1")))
    assert found[0] == 1 and any("unknown key http.prot" in text for text in problems(found)), found


def test_secrets_that_are_open_or_differ_are_found(server):
    other = server.folder / "other.secret"
    other.write_text("another secret of the same length\n")
    other.chmod(0o644)
    found = doctor(server, toml=changed(server.toml, "other.toml", (str(server.secret), str(other))))
    assert any("other.secret (broker.secret_file) is open to everybody" in text for text in problems(found)), found
    other.chmod(0o600)
    found = doctor(server, toml=server.folder / "other.toml")
    assert any("differ: parleyd can't log in" in text for text in problems(found)), found
    assert "another secret" not in json.dumps(found[1])


def certificate(folder, name, days, key=None):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", str(days), "-subj", "/CN=localhost",
            "-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.pem"))
    return folder / f"{name}.pem", folder / f"{name}.key"


def test_certificates_are_looked_at(server):
    good, key = certificate(server.folder, "good", 90)
    soon, soon_key = certificate(server.folder, "soon", 3)
    (port,) = free_ports(1)
    tls = lambda pem, private: (f"listener {server.mqtt_port} ", f"listener {port} 127.0.0.1\ncertfile {pem}\nkeyfile {private}\nlistener {server.mqtt_port} ")
    found = doctor(server, conf=changed(server.conf, "tls.conf", tls(good, key)))
    assert not any("good.pem" in text for text in problems(found)), found
    assert [text for text in problems(found) if "Nobody answers on the listener" in text], found  # the broker that runs has no such listener
    found = doctor(server, conf=changed(server.conf, "tls.conf", tls(soon, soon_key)))
    assert any("soon.pem" in text and " ends at " in text for text in problems(found)), found
    found = doctor(server, conf=changed(server.conf, "tls.conf", tls(good, soon_key)))
    assert any("soon.key is not the key of" in text for text in problems(found)), found


def test_a_data_folder_of_somebody_else_is_found(server):
    if os.geteuid() != 0:
        pytest.skip("needs root, to give a folder away")
    folder = server.folder / "strange"
    folder.mkdir()
    folder.chmod(0o777)
    conf = changed(server.conf, "strange.conf", (f"plugin_opt_data_dir {server.folder}/plugin", f"plugin_opt_data_dir {folder}"))
    assert any("can be written by everybody" in text for text in problems(doctor(server, conf=conf)))
    folder.chmod(0o700)
    shutil.chown(folder, "nobody")
    conf = changed(conf, "strange2.conf", ("user root", "user mosquitto"))
    assert any("can't be written by the user who needs to" in text for text in problems(doctor(server, conf=conf)))


def test_files_that_are_not_there_are_found(server):
    code, found = doctor(server, conf="/nowhere/mosquitto.conf", toml="/nowhere/parleyd.toml")
    assert code == 1 and len(problems((code, found))) == 2, found


def test_what_does_not_run_is_found(make_server):
    server = make_server()
    found = doctor(server)
    assert sum("Nobody answers on the listener" in text for text in problems(found)) == len(server.ports), found
    assert any("parleyd does not answer on" in text for text in problems(found)), found
    server.start()
    assert problems(doctor(server)) == []
    server.broker.stop()
    wait_until(lambda: not server.ready(), "parleyd notices")
    found = doctor(server)
    assert found[0] == 1 and any("parleyd is not ready: " in text for text in problems(found)), found


# --- top ---


def test_top_tells_what_goes_on(server):
    with server.client("alice") as alice:
        alice.subscribe("rooms/lobby/messages")
        assert alice.send("lobby", {"text": "for top"}) < 0x80
        alice.wait_text("for top")
        assert alice.publish("rooms/lobby/messages", "forged") >= 0x80
        wait_until(server.all_stored, "all is stored")
        (look,) = server.ctl("top", "--once", "--interval", "0.5")[1]
    stats = look["stats"]
    assert stats["broker"]["attached"] and stats["broker"]["counters"]["messages"] >= 1
    assert {"room": "lobby"}.items() <= stats["busy_rooms"][0].items()
    assert stats["queues"]["feed"]["capacity"] > 0 and stats["broker"]["queues"]["events"]["capacity"] > 0
    assert stats["dependencies"]["store"]["state"] == "closed"
    assert look["rates"]["requests"] > 0  # its own


def test_top_shows_people_a_screen(server):
    path = server.ctl_config("admin")
    out = subprocess.run([PARLEYCTL, "--config", path, "top", "--once", "--interval", "0.2"], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stderr
    for words in ("Parley ", "sessions ", "messages ", "deliveries ", "refused ", "not stored yet", "BUSIEST ROOMS", "store works"):
        assert words in out.stdout, out.stdout
    assert "\x1b" not in out.stdout  # no terminal


def test_top_goes_on_until_it_is_stopped(server):
    path = server.ctl_config("admin")
    with subprocess.Popen([PARLEYCTL, "--config", path, "--json", "top", "--interval", "0.2"], stdout=subprocess.PIPE, text=True) as top:
        looks = [json.loads(top.stdout.readline()) for _ in range(3)]
        top.terminate()
        assert top.wait(60) == 0
    assert looks[0]["stats"]["at"] < looks[1]["stats"]["at"] < looks[2]["stats"]["at"]


def test_top_is_for_administrators(server):
    code, _, said = server.ctl("top", "--once", user="alice", check=False)
    assert code == 1 and "not_allowed" in said
