"""Messages that expire, by count and by time, and rooms in which nothing does."""
import json
import secrets

import pytest
from harness import wait_until


@pytest.fixture
def expiring(make_server):
    """Looks for what is due every second; alice owns lab, bob and mod are in it."""
    def make(**backend_opts):
        server = make_server(backend_opts={"retention.check_s": 1, **backend_opts}).start()
        for user in ("alice", "bob", "mod"):
            server.add_user(user)
        server.add_room("lab", alice="owner", bob="member", mod="moderator")
        return server
    return make


def first_seq(server, room="lab"):
    return server.ctl("room", "show", room)[1][0]["first_seq"]


def talk(client, count, word="word", room="lab"):
    for i in range(count):
        assert client.send(room, f"{word} {i}") < 0x80


def page(client, **params):
    return client.ok("history", room="lab", limit=500, **params)


def check_dense(page):
    """What is there is all there is: from the first number that is still there, without holes."""
    assert [m["seq"] for m in page["messages"]] == list(range(page["first_seq"], page["through"] + 1)), page["first_seq"]


def test_only_the_newest_stay_and_readers_are_told(expiring):
    server = expiring()
    word = f"w{secrets.token_hex(5)}"
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/lab/messages", "rooms/lab/state")
        talk(alice, 40, word)
        seen = bob.wait_text(f"{word} 9")["seq"]
        read = bob.ok("read", room="lab", read=bob.wait_text(f"{word} 29")["seq"])["read"]
        assert alice.send("lab", {"type": "reaction", "target": seen, "key": "+1"}) < 0x80
        wait_until(server.all_stored, "all is stored")
        assert alice.ok("room.update", room="lab", retain_messages=15)["retain_messages"] == 15
        wait_until(server.all_stored, "the change is stored")
        last = page(alice)["through"]
        wait_until(lambda: first_seq(server) == last - 14, "the rest has expired")

        whole = page(bob)
        check_dense(whole)
        assert len(whole["messages"]) == 15 and whole["messages"][-1]["content"]["retain_messages"] == 15
        assert page(bob, before=seen)["messages"] == [] and page(bob, before=seen)["first_seq"] == last - 14
        # Somebody who was away since number `seen`: what is missing below first_seq has expired, nothing above it is missing.
        synced = bob.ok("sync", rooms={"lab": {"epoch": whole["epoch"], "since": seen}})["rooms"]["lab"]
        assert synced["first_seq"] == last - 14 and not synced["reset"]
        check_dense(synced)
        assert bob.ok("room.get", room="lab")["first_seq"] == last - 14
        overview = next(r for r in bob.ok("rooms")["rooms"] if r["room"] == "lab")
        texts = [m for m in whole["messages"] if m["type"] == "text" and m["seq"] > read]
        assert overview["read"] == read and overview["unread"] == len(texts) > 0 and overview["first_seq"] == last - 14
        wait_until(lambda: len(bob.ok("search", query=word, room="lab", limit=100)["messages"]) ==
                   len([m for m in whole["messages"] if m["type"] == "text"]), "the search knows what is left")
        states = lambda: [json.loads(m.payload) for m in list(bob.seen) if m.topic == "rooms/lab/state"]
        wait_until(lambda: any(state.get("first_seq") == last - 14 for state in states()), f"the state tells it: {states()[-1:]}")
        assert alice.send("lab", {"text": "re", "thread": seen}) < 0x80  # of a root that is gone
        assert alice.send("lab", {"type": "edit", "target": seen, "text": "too late"}) < 0x80
        wait_until(lambda: page(bob)["through"] == last + 2 and len(page(bob)["messages"]) == 15, "the room goes on")
        check_dense(page(bob))
        thread = bob.ok("thread", room="lab", thread=seen)
        assert [m["content"]["text"] for m in thread["messages"]] == ["re"]


def test_what_is_older_goes_by_itself(expiring):
    server = expiring()
    with server.client("alice") as alice:
        talk(alice, 10)
        assert server.ctl("room", "update", "lab", "--keep", "2s")[1][0]["retain_s"] == 2
        wait_until(server.all_stored, "all is stored")
        wait_until(lambda: page(alice)["messages"] == [], "all of it has expired")
        empty = page(alice)
        assert empty["first_seq"] == empty["through"] + 1 and not empty["more"]
        assert server.ctl("status")[1][0]["retention"]["expired"] >= 10
        assert server.metric("parley_retention_expired_total") >= 10
        overview = next(r for r in alice.ok("rooms")["rooms"] if r["room"] == "lab")
        assert overview["unread"] == 0 and overview["last"] is None
        server.ctl("room", "update", "lab", "--keep", "0")
        talk(alice, 3, "later")
        wait_until(server.all_stored, "all is stored")
        left = page(alice)
        assert left["first_seq"] > empty["through"] - 1
        check_dense(left)
        assert [m["content"]["text"] for m in left["messages"] if m["type"] == "text"] == ["later 0", "later 1", "later 2"]


def test_the_servers_word_holds_for_rooms_that_say_nothing_and_its_ceiling_for_all(expiring):
    server = expiring(**{"retention.default_messages": 10, "retention.max_messages": 20})
    with server.client("alice") as alice:
        assert alice.ok("room.get", room="lab")["retain_messages"] == 10
        refused = alice.request("room.update", room="lab", retain_messages=21)
        assert refused["error"]["code"] == "invalid_argument"
        talk(alice, 30)
        wait_until(server.all_stored, "all is stored")
        wait_until(lambda: len(page(alice)["messages"]) == 10, "ten stay")
        with server.client("mod") as mod:
            assert mod.request("room.update", room="lab", retain_messages=5)["error"]["code"] == "not_allowed"


def test_in_a_held_room_nothing_is_lost(expiring, tmp_path):
    server = expiring()
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/lab/messages")
        talk(alice, 5)
        server.ctl("room", "hold", "lab", "--reason", "case 17")
        assert alice.send("lab", "a secret") < 0x80
        seq = bob.wait_text("a secret")["seq"]
        assert alice.send("lab", {"type": "delete", "target": seq}) < 0x80
        alice.ok("room.update", room="lab", retain_messages=2)
        wait_until(server.all_stored, "all is stored")
        rounds = server.ctl("status")[1][0]["retention"]["round"]
        wait_until(lambda: server.ctl("status")[1][0]["retention"]["round"] > rounds, "the expirer was there")
        shown = page(bob)
        assert shown["first_seq"] == 1
        check_dense(shown)
        assert next(m for m in shown["messages"] if m["seq"] == seq)["content"] == {}
        assert "held" not in bob.ok("room.get", room="lab") and "held" not in alice.ok("room.get", room="lab")
        assert server.ctl("room", "show", "lab")[1][0]["held"] is True
        assert alice.request("room.delete", room="lab")["error"]["code"] == "not_allowed"
        for client in (alice, bob):
            assert client.request("room.held", room="lab")["error"]["code"] == "not_allowed"
            assert client.request("room.hold", room="lab", held=False)["error"]["code"] == "not_allowed"
        server.ctl("export", "room", "lab", "--held", "-o", tmp_path / "lab.ndjson")
        lines = [json.loads(line) for line in (tmp_path / "lab.ndjson").read_text().splitlines()]
        assert [line["held"]["content"]["text"] for line in lines if "held" in line] == ["a secret"]
        assert [line["message"]["content"] for line in lines if line.get("message", {}).get("seq") == seq] == [{}]
        acts = [(a["action"], a["outcome"]) for a in server.ctl("audit", "--room", "lab")[1]]
        assert ("room.hold", "ok") in acts and ("room.hold", "not_allowed") in acts
        assert not [notice for notice in bob.inbox if "hold" in json.dumps(notice)]

        server.ctl("room", "hold", "lab", "--lift")
        wait_until(lambda: len(page(bob)["messages"]) == 2, "what was due has expired")
        check_dense(page(bob))
        server.ctl("export", "room", "lab", "--held", "-o", tmp_path / "later.ndjson")
        assert "secret" not in (tmp_path / "later.ndjson").read_text()
        server.ctl("room", "delete", "lab", "--yes")


def test_a_parleyd_killed_while_messages_expire_goes_on_where_it_was(expiring):
    # A step takes 500 at once, and at this pace the next one comes a minute later.
    server = expiring(**{"retention.messages_per_s": 10})
    with server.client("alice") as alice:
        talk(alice, 1600)
        wait_until(server.all_stored, "all is stored")
        alice.ok("room.update", room="lab", retain_messages=50)
        wait_until(server.all_stored, "the change is stored")
        last = page(alice)["through"]
        wait_until(lambda: first_seq(server) > 1, "it has begun")
        server.backend.kill()
        assert alice.send("lab", "meanwhile") < 0x80
        server.start_backend()
        assert 1 < first_seq(server) < last - 400, "it was in the middle"
        server.backend.kill()
        server.change_backend(messages_per_s=100_000)
        server.start_backend()
        wait_until(lambda: first_seq(server) == last - 48, "it has gone on")
        whole = page(alice)
        check_dense(whole)
        assert whole["messages"][-1]["content"] == {"text": "meanwhile"}
        with server.client("bob") as bob:
            overview = next(r for r in bob.ok("rooms")["rooms"] if r["room"] == "lab")
            assert overview["unread"] == len([m for m in whole["messages"] if m["type"] == "text" and m["seq"] > overview["read"]])
        assert server.ctl("history", "lab", "--after", 5, "--limit", 3)[1][0]["seq"] == whole["first_seq"]


def test_a_room_whose_front_has_expired_is_exported_and_imported(expiring, tmp_path):
    server = expiring()
    with server.client("alice") as alice:
        talk(alice, 20)
        wait_until(server.all_stored, "all is stored")
        alice.ok("room.update", room="lab", retain_messages=8)
        wait_until(lambda: first_seq(server) > 10 and len(page(alice)["messages"]) == 8, "the front has expired")
    server.ctl("export", "room", "lab", "-o", tmp_path / "lab.ndjson")
    assert server.ctl("import", "room", tmp_path / "lab.ndjson", "--room", "copy")[1][-1]["imported"] == 8
    wait_until(server.all_stored, "all is stored")
    copied = [m["content"].get("text") for m in server.ctl("history", "copy", "--limit", 100)[1] if m.get("imported")]
    assert copied[:3] == ["word 13", "word 14", "word 15"]
