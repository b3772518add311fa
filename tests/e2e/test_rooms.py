"""Kinds of rooms beside groups: direct chats and channels."""
import json
import threading

from harness import wait_until


def test_both_sides_beginning_at_once_get_one_direct_chat(chat):
    with chat.client("alice") as alice, chat.client("bob", v=4) as bob:
        rooms = {}
        threads = [threading.Thread(target=lambda c, peer: rooms.__setitem__(c.user, c.ok("room.direct", user=peer)), args=args)
                   for args in ((alice, "bob"), (bob, "alice"))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert rooms["alice"]["room"] == rooms["bob"]["room"]
        assert (rooms["alice"]["peer"], rooms["bob"]["peer"]) == ("bob", "alice")
        room = rooms["alice"]["room"]
        notices = [n for c in (alice, bob) for n in c.inbox if n.get("room") == room]
        assert [(n["type"], n["kind"]) for n in notices] in ([], [("added", "direct")])  # whose request came second is told by its reply
        for client in (alice, bob):
            client.subscribe(f"rooms/{room}/messages")
        assert alice.send(room, "psst") < 0x80 and bob.send(room, "yes?") < 0x80
        for client in (alice, bob):
            assert client.wait_text("psst")["role"] == "member"
            client.wait_text("yes?")
        assert next(r for r in alice.ok("room.list")["rooms"] if r["room"] == room)["peer"] == "bob"


def test_a_direct_chat_is_shut_to_everybody_else(chat):
    room = chat.ctl("room", "direct", "bob", user="alice")[1][0]["room"]
    assert chat.ctl("room", "direct", "alice", user="bob")[1][0]["room"] == room
    with chat.client("eve") as eve, chat.client("alice") as alice:
        assert eve.subscribe(f"rooms/{room}/messages", check=False)[0] >= 0x80
        assert eve.send(room, "let me in") >= 0x80
        assert eve.request("room.join", room=room)["error"]["code"] == "not_a_member"
        for method in ("member.add", "member.ban"):
            assert alice.request(method, room=room, user="eve")["error"]["code"] == "not_allowed"
        assert alice.request("room.leave", room=room)["error"]["code"] == "not_allowed"
    assert chat.ctl("member", "add", room, "eve", check=False)[0] == 1


def test_in_a_channel_only_moderators_send_and_receipts_stay_with_their_sender(chat):
    chat.ctl("room", "create", "news", "--kind", "channel")
    chat.ctl("member", "add", "news", "mod", "--role", "moderator")
    for name in ("alice", "bob"):
        chat.ctl("member", "add", "news", name)
    with chat.client("mod") as mod, chat.client("alice") as alice, chat.client("bob", v=4) as bob, chat.client("bob") as other_bob:
        for client in (mod, alice, bob, other_bob):
            client.subscribe("rooms/news/#")
        assert alice.send("news", "me too") >= 0x80
        assert alice.wait_notice(type="refused", room="news")["code"] == "not_allowed"
        bob.send("news", {"text": "me too", "ref": "no"})  # 3.1.1 has no answer but this
        assert bob.wait_notice(type="refused", room="news")["code"] == "not_allowed"
        assert mod.send("news", "it is so") < 0x80
        seq = alice.wait_text("it is so")["seq"]
        topic = "rooms/news/receipts/bob"
        bob.publish(topic, {"read": seq})
        wait_until(lambda: [m for m in other_bob.seen if m.topic == topic], "bob's other device sees it")
        assert mod.send("news", "and so on") < 0x80  # comes after the receipt, had there been one
        alice.wait_text("and so on")
        mod.wait_text("and so on")
        assert not [m for c in (alice, mod) for m in c.seen if "/receipts/" in m.topic]
        assert [json.loads(m.payload) for m in other_bob.seen if m.topic == topic] == [{"read": seq}]
    assert [e["content"].get("text") for e in chat.history("news") if e["type"] == "text"] == ["it is so", "and so on"]
