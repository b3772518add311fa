"""Edits, deletions, reactions, replies, threads: as two client libraries send and see them."""
import json
import secrets

import pytest
from harness import have_node, wait_until
from wsclient import WsClient


@pytest.fixture
def room(chat):
    """A room of its own for each test: alice and bob are members, mod is moderator, reader reads."""
    name = f"fold-{secrets.token_hex(4)}"
    chat.add_room(name, alice="member", bob="member", mod="moderator", reader="reader")
    return name


def say(client, room, content):
    """Sends, and gives the seq its envelope came back with."""
    content = {**(content if isinstance(content, dict) else {"text": content}), "ref": secrets.token_hex(6)}
    assert client.send(room, content) < 0x80
    mine = lambda: next((e["seq"] for e in client.envelopes(room) if e.get("ref") == content["ref"]), None)
    return wait_until(mine, f"{content} comes back")


def folded(chat, room, **params):
    """History by seq."""
    wait_until(chat.all_stored, "all is stored")
    return {m["seq"]: m for m in chat.request("admin", "history", room=room, **{"limit": 500, **params})["result"]["messages"]}


def members(chat, room):
    clients = [chat.client(name) for name in ("alice", "bob", "mod")]
    for client in clients:
        client.subscribe(f"rooms/{room}/messages")
    return clients


def test_history_tells_what_stands_of_what_was_said(chat, room):
    alice, bob, mod = members(chat, room)
    with alice, bob, mod:
        first = say(alice, room, "frist")
        second = say(alice, room, "second")
        say(bob, room, {"text": "re", "thread": first, "reply_to": second})
        edit = say(alice, room, {"type": "edit", "target": first, "text": "first"})
        for who, key in ((bob, "👍"), (mod, "👍"), (bob, "x")):
            say(who, room, {"type": "reaction", "target": first, "key": key})
        say(bob, room, {"type": "reaction", "target": first, "key": "x", "remove": True})
        last = say(bob, room, {"text": "re re", "thread": first})
    told = folded(chat, room)
    assert told[first]["content"] == {"text": "first"}
    assert told[first]["edited"]["seq"] == edit and told[first]["edited"]["at"] == told[edit]["at"]
    assert told[first]["reactions"] == [{"key": "👍", "count": 2, "users": ["bob", "mod"]}]
    assert told[first]["thread"] == {"replies": 2, "last_seq": last}
    assert not {"edited", "deleted", "reactions", "thread"} & set(told[second])
    assert sorted(told) == list(range(1, last + 1))
    thread = chat.request("reader", "thread", room=room, thread=first)["result"]
    assert [m["content"]["text"] for m in thread["messages"]] == ["first", "re", "re re"] and not thread["more"]
    assert thread["messages"][0] == told[first]


def test_a_deleted_message_is_gone_for_every_reader(chat, room):
    word = f"secret{secrets.token_hex(8)}"
    alice, bob, mod = members(chat, room)
    with alice, bob, mod:
        first = say(alice, room, word)
        edit = say(alice, room, {"type": "edit", "target": first, "text": f"{word} again"})
        reaction = say(bob, room, {"type": "reaction", "target": first, "key": word})
        assert word in json.dumps(folded(chat, room))  # the cache has it, too
        delete = say(mod, room, {"type": "delete", "target": first})
        late = say(alice, room, {"type": "edit", "target": first, "text": f"{word} late"})
        told = folded(chat, room)
        for seq in (first, edit, reaction, late):
            assert told[seq]["content"] == {} and told[seq]["seq"] == seq
            assert told[seq]["deleted"] == {"seq": delete, "at": told[delete]["at"], "by": "mod"}
        rows = bob.ok("sync", rooms={room: {"since": 0}}, limit=500)
        assert word not in json.dumps([told, rows]) + json.dumps(folded(chat, room, after=0))
        assert [m["seq"] for m in rows["rooms"][room]["messages"]] == list(range(1, late + 1))


def test_what_one_may_not_say_changes_nothing(chat, room):
    alice, bob, mod = members(chat, room)
    with alice, bob, mod:
        first = say(alice, room, "mine")
        say(bob, room, {"type": "edit", "target": first, "text": "forged"})
        say(mod, room, {"type": "edit", "target": first, "text": "forged"})
        say(bob, room, {"type": "delete", "target": first})
        reply = say(bob, room, {"text": "in a thread", "thread": first})
        say(bob, room, {"text": "in none", "thread": reply})
        say(alice, room, {"type": "edit", "target": 1, "text": "not a message"})
    told = folded(chat, room)
    assert told[first]["content"]["text"] == "mine" and not {"edited", "deleted"} & set(told[first])
    assert told[first]["thread"]["replies"] == 1 and "thread" not in told[reply]
    assert "edited" not in told[1]


@pytest.mark.parametrize("v", [4, 5])
def test_what_cannot_be_is_refused_at_once(chat, room, v):
    with chat.client("alice", v=v) as alice:
        alice.subscribe(f"rooms/{room}/messages")
        last = say(alice, room, "last")
        for content, code in (({"type": "edit", "target": last + 1, "text": "x"}, "above_last_seq"),
                              ({"text": "x", "thread": last + 1}, "above_last_seq"),
                              ({"text": "x", "reply_to": 10**9}, "above_last_seq"),
                              ({"type": "reaction", "target": last}, "malformed"),
                              ({"type": "reaction", "target": last, "key": "k" * 65}, "malformed"),
                              ({"text": "x", "reply_to": "1"}, "malformed"),
                              ({"type": "edit", "target": last}, "empty")):
            ref = secrets.token_hex(6)
            assert alice.send(room, {**content, "ref": ref}) == (0x87 if v == 5 else 0)
            assert alice.wait_notice(type="refused", ref=ref)["code"] == code
        assert say(alice, room, {"type": "reaction", "target": last, "key": "k" * 64}) == last + 1


def test_two_libraries_fold_the_same_room_alike(chat, room):
    assert have_node(), "MQTT.js is not installed: tools/test does it (npm ci in tests/e2e)"
    web = WsClient(chat, "bob", "bob-fold-web")
    try:
        web.wait_event("connected")
        web.command(subscribe=f"rooms/{room}/messages")
        web.wait_event("suback")
        with chat.client("alice") as alice:
            alice.subscribe(f"rooms/{room}/messages")
            first = say(alice, room, "from paho")
            web.wait_text("from paho")
            for content in ({"text": "from mqtt.js", "thread": first}, {"type": "reaction", "target": first, "key": "❤️"},
                            {"type": "edit", "target": first + 1, "text": "edited by mqtt.js"}):
                web.command(publish=f"rooms/{room}/send", payload=json.dumps(content), qos=1)
            alice.wait_envelopes(4, room)
            say(alice, room, {"type": "delete", "target": first})
            wait_until(lambda: len(web.envelopes()) == 5, "MQTT.js has it all")
            assert web.envelopes() == alice.envelopes(room)
        told = folded(chat, room)
        assert told[first]["content"] == {} and told[first]["thread"]["replies"] == 1 and "reactions" not in told[first]
        assert told[first + 1]["content"] == {"text": "edited by mqtt.js", "thread": first}
    finally:
        web.close()


def test_what_was_said_survives_the_backend(chat, room):
    alice, bob, mod = members(chat, room)
    with alice, bob, mod:
        first = say(alice, room, "before")
        wait_until(chat.all_stored, "all is stored")
        chat.backend.kill()
        second = say(alice, room, "while it is away")
        say(alice, room, {"type": "delete", "target": first})
        say(bob, room, {"type": "reaction", "target": second, "key": "+1"})
        chat.start_backend()
    told = folded(chat, room)
    assert told[first]["content"] == {} and told[second]["reactions"][0]["users"] == ["bob"]


def test_parleyctl_edits_deletes_reacts_and_prints(chat, room):
    seq = chat.ctl("send", room, "frist")[1][0]["seq"]
    reply = chat.ctl("send", room, "re", "--thread", seq, "--reply-to", seq)[1][0]["seq"]
    chat.ctl("message", "edit", room, seq, "first")
    chat.ctl("message", "react", room, seq, "👍")
    chat.ctl("message", "react", room, seq, "x")
    chat.ctl("message", "react", room, seq, "x", "--remove")
    told = folded(chat, room)
    assert told[seq]["content"]["text"] == "first" and [r["key"] for r in told[seq]["reactions"]] == ["👍"]
    assert [m["seq"] for m in chat.ctl("thread", room, seq)[1]] == [seq, reply]
    chat.ctl("message", "delete", room, seq)
    assert folded(chat, room)[seq]["content"] == {}
    code, told, _ = chat.ctl("message", "delete", room, 10**6, check=False)
    assert code == 1 and told[0]["error"]["code"] == "above_last_seq"
