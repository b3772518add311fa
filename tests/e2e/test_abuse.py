"""What one client does to the others: guessing passwords, connecting without end, filling a room, reading nothing.

Loopback has many addresses: clients that are to be hosts of their own connect from 127.0.0.2, 127.0.0.3 …; 127.0.0.1 counts as a proxy.
"""
import re
import subprocess

import pytest
from harness import Refused, address_over_websocket, wait_until

pytestmark = pytest.mark.profile("embedded")  # all of it is the broker's
NOT_NOW = -1  # closed without a CONNACK: try again later


def people(server, *names):
    for name in names:
        server.add_user(name)
    server.add_room("lobby", **{name: "member" for name in names})
    return server


def attempt(server, user, device=None, **kwargs):
    """0: let in; otherwise the reason code, or NOT_NOW."""
    try:
        server.client(user, device, inbox=False, **kwargs).close()
        return 0
    except Refused as e:
        return e.code


def counters(server):
    return server.ctl("status")[1][0]["broker"]["counters"]


def test_guessing_a_password_gets_slow_and_locks_nobody_else_out(make_server):
    server = people(make_server(plugin_opts={"login_failures": 3, "login_lock": "1h", "login_lock_max": "1h"}).start(), "alice", "bob")
    assert attempt(server, "alice", "alice-home", source="127.0.0.3") == 0
    guess = lambda i, **kwargs: attempt(server, "alice", password=f"guess {i}", source="127.0.0.2", **kwargs)
    assert [guess(i) for i in range(10)] == [0x87] * 4 + [NOT_NOW] * 6  # the fourth locks
    assert (counters(server)["logins_failed"], counters(server)["logins_slowed"]) == (4, 6)
    # The right password is not looked at either, from there. From elsewhere, and by a token, alice logs in.
    assert attempt(server, "alice", source="127.0.0.2") == NOT_NOW
    assert attempt(server, "alice", source="127.0.0.4") == 0
    assert attempt(server, "alice", "alice-home", source="127.0.0.3") == 0
    assert attempt(server, "bob", source="127.0.0.2") == 0
    token = server.ctl("token", "create", "alice")[1][0]["token"]
    assert attempt(server, "alice", password=token, source="127.0.0.2") == 0


def test_an_address_that_connects_without_end_is_held_off_and_others_are_not(make_server):
    server = people(make_server(plugin_opts={"connect_rate": 0.01, "connect_burst": 5}).start(), "alice", "bob")
    assert [attempt(server, "alice", source="127.0.0.2") for _ in range(7)] == [0] * 5 + [NOT_NOW] * 2
    assert attempt(server, "bob", source="127.0.0.3") == 0
    assert [attempt(server, "alice") for _ in range(7)] == [0] * 7  # behind the proxy
    assert counters(server)["connects_rate_limited"] == 2


@pytest.mark.parametrize("believed", [False, True])
def test_an_address_that_a_websocket_client_made_up_is_none(make_server, believed):
    """Otherwise whoever connects has a new address each time, and can have others' held off."""
    server = people(make_server(plugin_opts={"websocket_forwarded_for": str(believed).lower(), "connect_rate": 0.01, "connect_burst": 2}).start(), "alice")

    def came(header):
        client = server.client("alice", "web", ws=True, connect=False)
        client.mqtt.ws_set_options(path="/mqtt", headers={"X-Forwarded-For": header})
        client.connect()
        (address,) = (s["address"] for s in server.ctl("session", "list")[1] if s["device"] == "web")
        client.close()
        return address

    # With a proxy before the broker the last hop is what that proxy saw.
    assert came("127.0.0.1, 203.0.113.9") == address_over_websocket("203.0.113.9" if believed else None)
    if not believed:
        for _ in range(3):
            came("127.0.0.3")
    assert attempt(server, "alice", source="127.0.0.3") == 0  # what it may do is not used up


def test_a_client_id_that_comes_and_goes_without_end_is_banned_for_a_while(make_server):
    server = people(make_server(plugin_opts={"flap_connects": 5, "flap_window": "1h", "flap_ban": "1h"}).start(), "alice")
    assert [attempt(server, "alice", "phone") for _ in range(7)] == [0] * 5 + [0x87] * 2
    assert attempt(server, "alice", "laptop") == 0
    (ban,) = server.ctl("ban", "list")[1]
    assert ban["id"] == "client:phone" and "by" not in ban and "5 times" in ban["reason"]
    server.ctl("ban", "remove", "--client", "phone")
    assert attempt(server, "alice", "phone") == 0


def test_a_user_has_so_many_sessions(make_server):
    server = people(make_server(plugin_opts={"sessions_per_user": 2}).start(), "alice", "bob")
    with server.client("alice", "one"), server.client("alice", "two") as two:
        assert attempt(server, "alice", "three") == 0x87
        assert attempt(server, "bob") == 0
        two.close()
        wait_until(lambda: attempt(server, "alice", "three") == 0, "there is a place again")
    assert counters(server)["sessions_refused"] >= 1


def test_a_room_takes_so_many_messages_and_its_moderators_go_on(make_server):
    server = people(make_server(plugin_opts={"room_rate": 0.01, "room_burst": 10}).start(), "alice", "bob", "mod")
    server.ctl("member", "role", "lobby", "mod", "moderator")
    server.add_room("den", alice="member")
    with server.client("alice") as alice, server.client("bob") as bob, server.client("mod") as mod:
        codes = [who.send("lobby", f"m{i}") for i in range(10) for who in (alice, bob)]
        assert [code < 0x80 for code in codes] == [True] * 10 + [False] * 10
        assert "in this room" in alice.wait_notice(code="rate_limited", room="lobby")["reason"]
        assert mod.send("lobby", "calm down") < 0x80
        assert alice.send("den", "elsewhere") < 0x80


def test_who_floods_on_regardless_is_put_out_and_the_others_go_on(make_server):
    server = people(make_server(plugin_opts={"user_rate": 0.01, "user_burst": 20, "flood_refusals": 30, "flood_ban": "1h"}).start(), "alice", "bob")
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/lobby/messages")
        for i in range(100):
            alice.send("lobby", f"flood {i}", qos=0)
        alice.wait_disconnected()
        assert attempt(server, "alice") == 0x87
        (ban,) = server.ctl("ban", "list")[1]
        assert ban["id"] == "user:alice" and "by" not in ban
        assert bob.send("lobby", "peace") < 0x80
        bob.wait_text("peace")


def memory_of_its_own(pid):
    """Bytes the process has that are no file's: the journal is mapped, and its pages are not counted."""
    return int(re.search(r"RssAnon:\s+(\d+) kB", open(f"/proc/{pid}/status").read())[1]) * 1024


@pytest.mark.parametrize("qos, messages, size", [(1, 4000, 2500), (0, 2500, 4000)])
def test_who_does_not_read_costs_others_nothing_and_the_broker_so_much(make_server, qos, messages, size):
    """Ten megabytes of messages pass beside a client that has stopped reading."""
    queued, queued_bytes = 1000, 2_000_000
    server = people(make_server(broker_conf=f"max_queued_messages {queued}\nmax_queued_bytes {queued_bytes}").start(),
                    "alice", "bob", "slow")
    with server.client("bob") as bob:
        bob.subscribe("rooms/lobby/messages")
        slow = server.client("slow", "slow-1", clean=False, expiry_s=600)
        slow.subscribe("rooms/lobby/messages", qos=qos)
        slow.mqtt.loop_stop()  # from here on nobody reads its socket
        before = memory_of_its_own(server.broker.pid)
        received, most = 0, 0
        for part in range(10):
            lines = "".join(f"{part * messages // 10 + i:05}".ljust(size, ".") + "\n" for i in range(messages // 10))
            subprocess.run(["mosquitto_pub", "-h", "127.0.0.1", "-p", str(server.mqtt_port), "-u", "alice", "-P", server.passwords["alice"],
                            "-i", f"alice-{part}", "-t", "rooms/lobby/send", "-q", "1", "-l"], input=lines, text=True, check=True, timeout=60)
            received += messages // 10
            assert len(bob.wait_envelopes(received)) == received
            most = max(most, memory_of_its_own(server.broker.pid) - before)
        first = bob.envelopes()[0]["seq"]
        assert [e["seq"] for e in bob.envelopes()] == list(range(first, first + messages))
        assert most < 2 * queued_bytes + 4_000_000, f"{most} bytes"  # what waits for it, and for the backend; not all there was
        slow.connect()
        wait_until(server.all_stored, "all is stored")
        healed, since = [], first - 1
        while since < first + messages - 1:
            page = slow.ok("sync", rooms={"lobby": {"since": since}}, limit=500)["rooms"]["lobby"]["messages"]
            healed += [m["seq"] for m in page]
            since = healed[-1]
        assert healed == list(range(first, first + messages))
        assert len(slow.envelopes()) < messages  # some were dropped for it
        slow.close()
