"""parleyctl top: what an operator looks at."""
import json
import subprocess

import pytest
from harness import PARLEYCTL, Server, wait_until

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.xdist_group("watching")]


@pytest.fixture(scope="module")
def server(tmp_path_factory, profile):
    server = Server(tmp_path_factory.mktemp("watched"), profile, broker_conf="persistent_client_expiration 7d").start()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    try:
        yield server
    finally:
        server.remove()


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
