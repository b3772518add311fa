"""Issue line 7 and promises P1, P3, P8: the chat outlives its backend, and rights outlive a restart without it."""
import signal

import pytest
from harness import Refused, wait_until


def make_chat(make_server, **kwargs):
    server = make_server(**kwargs).start()
    for user in ("alice", "bob", "carol"):
        server.add_user(user)
    server.add_room("lobby", alice="member", bob="member", carol="member")
    return server


def texts(entries):
    return [e["content"]["text"] for e in entries if e["type"] == "text"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_members_chat_on_without_the_backend_and_history_catches_up(make_server, how):
    server = make_chat(make_server)
    with server.client("alice") as alice, server.client("bob", v=4) as bob:
        bob.subscribe("rooms/lobby/messages")
        alice.send("lobby", "with")
        server.backend.stop(how) if how == signal.SIGTERM else server.backend.kill()
        for i in range(100):
            assert alice.send("lobby", f"without {i}") < 0x80
        bob.wait_text("without 99")
        live = bob.envelopes()
        assert [e["seq"] for e in live] == list(range(live[0]["seq"], live[0]["seq"] + 101))
        wait_until(lambda: alice.publish("users/alice/requests/history", {"id": "h", "room": "lobby"}) == 0x87, "requests are refused")
        assert alice.wait_notice(type="refused", code="unavailable", method="history")["id"] == "h"
        server.start_backend()
        through = live[-1]["seq"]
        wait_until(lambda: alice.ok("history", room="lobby")["through"] == through, "history has caught up")
        assert server.history("lobby")[-101:] == live


def test_a_restarted_broker_enforces_the_newest_rights_without_the_backend(make_server):
    server = make_chat(make_server)
    with server.client("alice") as alice:
        assert alice.send("lobby", "first") < 0x80
    server.ctl("member", "remove", "lobby", "carol")
    server.ctl("user", "disable", "bob")
    last = server.history("lobby")[-1]["seq"]
    server.kill()
    server.start_broker()  # no backend
    with server.client("alice") as alice, server.client("carol") as carol:
        alice.subscribe("rooms/lobby/messages")
        assert carol.subscribe("rooms/lobby/messages", check=False) == [0x87]
        assert carol.send("lobby", "am I in?") == 0x87
        with pytest.raises(Refused):
            server.client("bob")
        assert alice.send("lobby", "second") < 0x80
        assert alice.wait_text("second")["seq"] == last + 1
    server.start_backend()
    assert texts(server.history("lobby")) == ["first", "second"]


def test_a_broker_that_is_killed_and_started_keeps_the_backend(make_server):
    server = make_chat(make_server)
    with server.client("alice") as alice:
        assert alice.send("lobby", "before") < 0x80
    server.broker.kill()
    server.start_broker()
    wait_until(server.ready, "parleyd attached again")
    with server.client("alice") as alice:
        assert alice.send("lobby", "after") < 0x80
    entries = wait_until(lambda: (h := server.history("lobby")) and texts(h)[-1:] == ["after"] and h, "the message is stored")
    assert texts(entries) == ["before", "after"]
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))


def test_everything_killed_under_load_loses_nothing_acknowledged(make_server):
    server = make_chat(make_server)
    acknowledged = []
    for turn in range(3):
        with server.client("alice", v=5) as alice:
            for i in range(300):
                if alice.send("lobby", {"text": f"{turn}.{i}", "ref": f"{turn}.{i}"}) in (0, 0x10):
                    acknowledged.append(f"{turn}.{i}")
                if i == 150 + 40 * turn:
                    (server.kill if turn == 1 else server.backend.kill)()
                    if turn == 1:
                        break
        if turn == 1:
            server.start_broker()
        server.start_backend()
    with server.client("alice") as alice:
        through = lambda: alice.ok("history", room="lobby", limit=1)["through"]
        end = alice.ok("room.get", room="lobby")["last_seq"]
        wait_until(lambda: through() >= end, "all is stored")
        assert alice.send("lobby", "end") < 0x80
    entries = wait_until(lambda: (h := server.history("lobby", 5000)) and texts(h)[-1] == "end" and h, "the end is stored")
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    kept = texts(entries)
    assert set(acknowledged) <= set(kept) and len(kept) == len(set(kept))


def test_a_second_backend_waits_and_takes_over(make_server):
    server = make_chat(make_server)
    first = server.backend
    second, server.http_port = server.start_standby()
    try:
        assert server.http("/healthz")[0] == 200
        assert server.http("/readyz")[0] == 503
        with server.client("alice") as alice:
            assert alice.send("lobby", "one") < 0x80
            first.kill()
            wait_until(server.ready, "the standby took over")
            assert alice.send("lobby", "two") < 0x80
            wait_until(lambda: texts(server.history("lobby")) == ["one", "two"], "both are stored, once")
            alice.ok("history", room="lobby")
    finally:
        second.kill()


def test_a_lost_journal_changes_epochs_and_never_reuses_a_number(make_server):
    import shutil
    server = make_chat(make_server)
    with server.client("alice") as alice:
        for i in range(5):
            assert alice.send("lobby", f"old {i}") < 0x80
    old = wait_until(lambda: (h := server.history("lobby")) and texts(h)[-1:] == ["old 4"] and h, "stored")
    server.stop()
    shutil.rmtree(server.folder / "plugin" / "journal")
    server.start_broker()
    with server.client("alice") as alice:
        assert alice.send("lobby", "too early") == 0x87  # no number may be given before the store said where it stands
        assert alice.wait_notice(code="unavailable")
    server.start_backend()
    with server.client("alice") as alice:
        assert alice.send("lobby", "new") < 0x80
        entries = wait_until(lambda: (h := server.history("lobby")) and texts(h)[-1:] == ["new"] and h, "stored")
        assert entries[-1]["seq"] == old[-1]["seq"] + 1
        assert entries[-1]["epoch"] != old[-1]["epoch"]
        sync = alice.ok("sync", rooms={"lobby": {"epoch": old[-1]["epoch"], "since": 3}})["rooms"]["lobby"]
        assert sync["reset"] is True and sync["messages"][0]["seq"] == 1


def test_an_old_copy_of_the_database_put_back_is_filled_from_the_journal(make_server):
    server = make_chat(make_server)
    with server.client("alice") as alice:
        assert alice.send("lobby", "before the copy") < 0x80
    wait_until(lambda: texts(server.history("lobby"))[-1:] == ["before the copy"], "stored")
    server.backend.stop()
    server.storage.copy()
    server.start_backend()
    with server.client("alice") as alice:
        assert alice.send("lobby", "after the copy") < 0x80
    wait_until(lambda: texts(server.history("lobby"))[-1:] == ["after the copy"], "stored")
    server.backend.stop()
    server.storage.put_back()
    server.start_backend()
    entries = wait_until(lambda: (h := server.history("lobby")) and texts(h)[-1:] == ["after the copy"] and h, "stored again")
    assert texts(entries) == ["before the copy", "after the copy"]
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
