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


def test_an_invited_user_comes_in_by_their_own_will(chat):
    chat.add_room("salon", alice="moderator")
    with chat.client("alice") as alice, chat.client("eve", v=4) as eve:
        alice.ok("member.invite", room="salon", user="eve")
        invited = eve.wait_notice(type="invited", room="salon")
        assert (invited["by"], invited["role"]) == ("alice", "member")
        assert eve.subscribe("rooms/salon/messages", check=False)[0] >= 0x80
        assert [i["room"] for i in eve.ok("invite.list")["invitations"]] == ["salon"]
        assert eve.ok("invite.accept", room="salon")["role"] == "member"
        eve.subscribe("rooms/salon/messages")
        eve.send("salon", "thank you")
        eve.wait_text("thank you")
        eve.ok("room.leave", room="salon")
        assert eve.request("invite.accept", room="salon")["error"]["code"] == "not_found"
        alice.ok("member.invite", room="salon", user="eve")
        eve.ok("invite.decline", room="salon")
        assert alice.wait_notice(type="declined")["user"] == "eve"
        alice.ok("member.invite", room="salon", user="eve")
        alice.ok("member.ban", room="salon", user="eve")
        eve.wait_disconnected()
        alice.ok("member.unban", room="salon", user="eve")
        eve.connect()
        assert eve.request("invite.accept", room="salon")["error"]["code"] == "not_found"
    assert chat.ctl("invite", "create", "salon", "eve")[1][0]["user"] == "eve"
    assert [i["user"] for i in chat.ctl("invite", "list", "salon")[1]] == ["eve"]
    chat.ctl("invite", "revoke", "salon", "eve")
    assert chat.ctl("invite", "list", user="eve")[1] == []


def test_a_link_lets_in_as_many_as_it_says_all_at_once(chat):
    chat.add_room("cafe")
    link = chat.ctl("link", "create", "cafe", "--uses", 2, "--expires", "1h")[1][0]
    clients = [chat.client(user) for user in ("alice", "bob", "mod", "reader")]
    try:
        replies = {}
        threads = [threading.Thread(target=lambda c: replies.__setitem__(c.user, c.request("link.join", code=link["code"])), args=(c,)) for c in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        for client in clients:
            client.close()
    inside = {user for user, reply in replies.items() if reply["ok"]}
    assert len(inside) == 2 and {r["error"]["code"] for r in replies.values() if not r["ok"]} == {"not_found"}
    assert {m["user"] for m in chat.ctl("member", "list", "cafe")[1]} == inside | {"admin"}
    assert chat.ctl("link", "list", "cafe")[1] == []
    other = chat.ctl("link", "create", "cafe")[1][0]
    assert [l["link_id"] for l in chat.ctl("link", "list", "cafe")[1]] == [other["link_id"]]
    chat.ctl("link", "revoke", "cafe", other["link_id"])
    assert chat.ctl("link", "join", other["code"], user="eve", check=False)[0] == 1


def test_public_rooms_are_found_and_joined(chat):
    chat.ctl("room", "create", "observatory", "--title", "Sterne über München", "--public")
    chat.ctl("room", "create", "observatory-staff", "--title", "Sterne intern")
    for text in ("OBSERV", "sterne ÜBER"):
        assert [r["room"] for r in chat.ctl("room", "search", text, user="eve")[1]] == ["observatory"]
    with chat.client("eve") as eve:
        assert eve.ok("room.join", room="observatory")["role"] == "member"
    assert chat.ctl("room", "search", "observ", user="eve")[1][0]["role"] == "member"


def test_the_muted_read_and_do_not_send_until_it_ends(chat):
    chat.add_room("hall", alice="moderator", bob="member")
    with chat.client("alice") as alice, chat.client("bob") as bob, chat.client("bob", v=4) as old:
        for client in (bob, old):
            client.subscribe("rooms/hall/messages", "rooms/hall/receipts/+")
        assert bob.send("hall", {"text": "first", "ref": "f"}) < 0x80
        seq = bob.wait_text("first")["seq"]
        alice.ok("member.mute", room="hall", user="bob", for_s=3600)
        assert bob.wait_notice(type="muted", room="hall")["until"] > 0
        assert bob.send("hall", "let me say") >= 0x80
        assert 3590 <= bob.wait_notice(type="refused", code="muted")["wait_s"] <= 3600
        old.send("hall", {"text": "let me say", "ref": "x"})
        assert old.wait_notice(type="refused", ref="x")["code"] == "muted"
        assert bob.send("hall", {"text": "first", "ref": "f"}) < 0x80  # a repeat: already taken
        assert bob.wait_notice(type="duplicate", ref="f")["seq"] == seq
        bob.wait_notice(type="refused", ref="x")
        refusals = len(bob.inbox)
        bob.publish("rooms/hall/typing/bob", {"typing": True}, qos=0)
        wait_until(lambda: [n["code"] for n in bob.inbox[refusals:] if n["type"] == "refused"] == ["muted"], "typing is refused")
        assert bob.publish("rooms/hall/receipts/bob", {"read": seq}) < 0x80
        alice.send("hall", "he hears me")
        bob.wait_text("he hears me")
        bob.ok("room.leave", room="hall")
        alice.ok("member.add", room="hall", user="bob")
        assert bob.send("hall", "back again") >= 0x80
        alice.ok("member.unmute", room="hall", user="bob")
        assert bob.send("hall", "thank you") < 0x80
    actions = [e["content"]["action"] for e in chat.history("hall") if e["type"] == "member"]
    assert actions[-4:] == ["muted", "left", "added", "unmuted"]


def test_a_mute_ends_by_itself_while_the_backend_is_away(make_server):
    server = make_server().start()
    server.add_user("bob")
    server.add_room("hall", bob="member")
    server.ctl("member", "mute", "hall", "bob", "--for", "6s")
    server.backend.kill()
    with server.client("bob") as bob:
        assert bob.send("hall", "now?") >= 0x80
        assert bob.wait_notice(type="refused", room="hall")["code"] == "muted"
        wait_until(lambda: bob.send("hall", "and now?") < 0x80, "the mute is over", step_s=0.3)


def test_in_slow_mode_members_wait_and_moderators_do_not(chat):
    chat.add_room("slow", alice="moderator", bob="member")
    chat.ctl("room", "update", "slow", "--slow", "1h")
    with chat.client("bob") as bob, chat.client("alice") as alice:
        assert bob.send("slow", {"text": "one", "ref": "1"}) < 0x80
        assert bob.send("slow", {"text": "two", "ref": "2"}) >= 0x80
        refused = bob.wait_notice(type="refused", code="slow_mode")
        assert refused["ref"] == "2" and 3500 <= refused["wait_s"] <= 3600
        assert bob.send("slow", {"text": "one", "ref": "1"}) < 0x80
        assert all(alice.send("slow", text) < 0x80 for text in ("a", "b", "c"))
        chat.ctl("room", "update", "slow", "--slow", "0")
        assert bob.send("slow", {"text": "two", "ref": "2"}) < 0x80


def test_an_administrator_deletes_a_message_of_a_room_not_their_own(chat):
    with chat.client("alice") as alice:
        alice.ok("room.create", room="private")
        alice.subscribe("rooms/private/messages")
        alice.send("private", "bad words")
        seq = alice.wait_text("bad words")["seq"]
        wait_until(chat.all_stored, "all is stored")
        deleted = chat.ctl("message", "remove", "private", seq)[1][0]["seq"]
        assert chat.ctl("message", "remove", "private", seq)[1][0]["seq"] == deleted
        entry = next(e for e in alice.wait_envelopes(2, "private") if e["type"] == "delete")
        assert (entry["seq"], entry["from"], entry["role"], entry["content"]["target"]) == (deleted, "admin", "owner", seq)
        assert alice.request("message.delete", room="private", seq=deleted + 5)["error"]["code"] == "above_last_seq"


def test_who_did_what_from_where_is_in_the_audit_log(chat):
    chat.add_room("court", alice="moderator", bob="member")
    with chat.client("alice", "alice-desk") as alice:
        alice.ok("member.ban", room="court", user="bob")
    with chat.client("bob", "bob-old", v=4) as bob:
        assert bob.request("member.unban", room="court", user="bob", **{"$from": {"device": "lie", "address": "1.2.3.4"}})["error"]["code"] == "banned"
        assert bob.request("audit.list")["error"]["code"] == "not_allowed"
    acts = chat.ctl("audit", "--room", "court", "--user", "bob")[1]
    assert [(a["actor"], a["action"], a["outcome"], a["device"], a["address"]) for a in acts[:2]] == [
        ("bob", "member.unban", "banned", "bob-old", "127.0.0.1"), ("alice", "member.ban", "ok", "alice-desk", "127.0.0.1")]
    assert chat.ctl("audit", "--actor", "alice", "--since", "1h", "--limit", 1)[1][0]["action"] == "member.ban"
    assert chat.ctl("audit", user="bob", check=False)[0] == 1
    chat.ctl("room", "update", "court", "--title", "The court")
    assert chat.ctl("audit", "--room", "court", "--limit", 1)[1][0]["details"] == {"title": "The court"}
