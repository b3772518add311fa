"""Bans: users, client ids, addresses and networks, made by administrators, enforced by the broker alone."""
import subprocess

import pytest
from harness import PARLEYCTL, Refused, Server, running, wait_until

# The broker keeps and enforces them, whatever the store.
pytestmark = [pytest.mark.profile("embedded"), pytest.mark.xdist_group("test_bans")]


@pytest.fixture(scope="module")
def server(tmp_path_factory, profile):
    with running(Server(tmp_path_factory.mktemp("bans"), profile), "alice", "bob", "carol", outsiders=("eve",)) as server:
        yield server


def refused(server, user, device=None, **kwargs):
    """How the broker refuses a login: the reason code; 0 when it does not."""
    try:
        server.client(user, device, **kwargs).close()
        return 0
    except Refused as e:
        return e.code


@pytest.mark.parametrize("v", [4, 5])
def test_a_banned_user_is_put_out_and_their_sleeping_session_gets_nothing(server, v):
    awake = server.client("bob", "bob-awake", v=v)
    asleep = server.client("bob", "bob-asleep", v=v, clean=False, expiry_s=600)
    for client in (awake, asleep):
        client.subscribe("rooms/lobby/messages")
    asleep.close()
    with server.client("alice") as alice:
        alice.send("lobby", f"before {v}")
        awake.wait_text(f"before {v}")
        how_long = ["--for", "1h"] if v == 5 else []
        assert server.ctl("ban", "add", "--user", "bob", "--reason", "spam", *how_long)[1][0]["kicked"] == 1
        awake.wait_disconnected()
        assert refused(server, "bob", v=v) == (0x87 if v == 5 else 5)
        alice.send("lobby", f"during {v}")
        server.ctl("ban", "remove", "--user", "bob")
        asleep.connect()
        alice.send("lobby", f"after {v}")
        asleep.wait_text(f"after {v}")
        assert [e["content"]["text"] for e in asleep.envelopes()] == [f"before {v}", f"after {v}"]
        wait_until(server.all_stored, "all is stored")  # what was missed is there to be asked for
        texts = [m["content"].get("text") for m in asleep.ok("history", room="lobby")["messages"]]
        assert texts[-3:] == [f"before {v}", f"during {v}", f"after {v}"]
        asleep.close()


def test_client_ids_addresses_and_networks_are_banned(server):
    with server.client("carol", "carol-desk", source="127.0.0.7") as desk:
        server.ctl("ban", "add", "--client", "carol-phone", "--for", "1h")
        server.ctl("ban", "add", "--network", "127.0.0.9")
        assert refused(server, "carol", "carol-phone") == 0x87
        assert refused(server, "carol", "carol-laptop") == 0
        assert refused(server, "carol", source="127.0.0.9") == 0x87
        assert refused(server, "carol", source="127.0.0.8") == 0
        assert desk.connected
        banned = server.ctl("ban", "add", "--network", "127.0.0.7/31")[1][0]
        assert (banned["ban"]["target"], banned["kicked"]) == ("127.0.0.6/31", 1)
        desk.wait_disconnected()
    ids = [ban["id"] for ban in server.ctl("ban", "list")[1]]
    assert ids == ["client:carol-phone", "network:127.0.0.6/31", "network:127.0.0.9"]
    for kind, target in (i.split(":", 1) for i in ids):
        server.ctl("ban", "remove", f"--{kind}", target)
    assert server.ctl("ban", "list")[1] == []
    assert refused(server, "carol", "carol-phone", source="127.0.0.9") == 0


def test_nobody_bans_themself_and_nobody_else_bans(server):
    for whom in (["--user", "admin"], ["--user", "ADMIN"], ["--network", "127.0.0.0/8"], ["--network", "127.0.0.1"]):
        code, _, error = server.ctl("ban", "add", *whom, check=False)
        assert code == 1 and "not_allowed" in error and "themself" in error
    for wrong, said in ((["--user", "$parleyd"], "invalid_argument"), (["--network", "0.0.0.0/0"], "invalid_argument"),
                        (["--user", "nobody-here"], "not_found")):
        code, _, error = server.ctl("ban", "add", *wrong, check=False)
        assert code == 1 and said in error
    assert server.ctl("ban", "add", check=False)[0] == 2
    assert server.ctl("ban", "add", "--user", "bob", "--for", "soon", check=False)[0] == 2
    for args in (["add", "--user", "bob"], ["remove", "--user", "bob"], ["list"]):
        code, _, error = server.ctl("ban", *args, check=False, user="eve")
        assert code == 1 and "not_allowed" in error
    assert server.ctl("ban", "remove", "--user", "bob", check=False)[0] == 1


def test_people_read_a_table_and_the_audit_log_knows(server):
    server.ctl("ban", "add", "--client", "noisy", "--reason", "a loop", "--for", "2h")
    table = subprocess.run([PARLEYCTL, "--config", server.ctl_config("admin"), "ban", "list"], capture_output=True, text=True, timeout=60)
    assert table.stdout.splitlines()[0].split() == ["KIND", "TARGET", "SINCE", "UNTIL", "BY", "REASON"]
    assert table.stdout.splitlines()[1].split()[:2] == ["client", "noisy"] and "a loop" in table.stdout
    server.ctl("ban", "remove", "--client", "noisy")
    acts = [(a["action"], a["actor"], a["details"].get("client")) for a in server.ctl("audit")[1]]
    assert ("ban.add", "admin", "noisy") in acts and ("ban.remove", "admin", "noisy") in acts


def test_bans_hold_without_the_backend_and_after_a_restart(make_server):
    server = make_server().start()
    for name in ("alice", "bob"):
        server.add_user(name)
    server.ctl("ban", "add", "--user", "alice")
    server.ctl("ban", "add", "--user", "bob", "--for", "3s")
    server.backend.stop()
    assert refused(server, "alice") == 0x87
    server.broker.kill()
    server.start_broker()
    assert refused(server, "alice") == 0x87
    wait_until(lambda: refused(server, "bob") == 0, "the ban ends by itself", step_s=0.2)
    server.start_backend()
    assert [ban["id"] for ban in server.ctl("ban", "list")[1]] == ["user:alice"]
    broker = server.ctl("status")[1][0]["broker"]
    assert broker["gauges"]["bans_user"] == 1 and broker["counters"]["connects_banned"] > 0
