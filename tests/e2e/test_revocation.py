"""Issue line 5: removal and ban take effect at once, wherever messages might still come from."""
import subprocess

import pytest
from harness import Refused, mosquitto


def setup_room(chat, room, *users):
    for user in users:
        if user not in chat.passwords:
            chat.add_user(user)
    chat.add_room(room, alice="member", **{u: "member" for u in users})


def revoke(chat, how, room, user):
    chat.ctl("member", how, room, user)


@pytest.mark.parametrize("how", ["remove", "ban"])
@pytest.mark.parametrize("v", [4, 5])
def test_a_removed_member_gets_nothing_live_through_any_filter(chat, how, v):
    user, room = f"live-{how}-{v}", f"r-live-{how}-{v}"
    setup_room(chat, room, user)
    with chat.client("alice") as alice, chat.client("bob") as bob:
        chat.ctl("member", "add", room, "bob")
        bob.subscribe(f"rooms/{room}/messages")
        out = chat.client(user, v=v, clean=False, expiry_s=600)
        out.subscribe(f"rooms/{room}/messages", f"rooms/{room}/#", f"rooms/{room}/+")
        alice.send(room, "before")
        out.wait_text("before")
        revoke(chat, how, room, user)
        alice.send(room, "after")
        bob.wait_text("after")
        out.wait_disconnected()
        out.resume()  # its subscriptions are still there
        alice.send(room, "after the reconnect")
        bob.wait_text("after the reconnect")
        code = "banned" if how == "ban" else "not_a_member"
        assert out.request("history", room=room)["error"]["code"] == code
        assert out.request("sync", rooms={room: {"since": 0}})["result"]["rooms"][room]["error"]["code"] == code
        assert out.send(room, "I am out") == (0x87 if v == 5 else 0)
        assert out.wait_notice(type="refused")["code"] == code
        assert {e["content"].get("text") for e in out.envelopes()} <= {"before", None}
        assert not any("after" in e["content"].get("text", "") for e in out.envelopes())
        out.close()


@pytest.mark.parametrize("v", [4, 5])
def test_a_sleeping_session_gets_nothing_queued_and_other_rooms_go_on(chat, v):
    user, gone, kept = f"sleeper-{v}", f"r-gone-{v}", f"r-kept-{v}"
    setup_room(chat, gone, user)
    chat.add_room(kept, alice="member", **{user: "member"})
    sleeper = chat.client(user, f"{user}-dev", v=v, clean=False, expiry_s=600)
    sleeper.subscribe(f"rooms/{gone}/messages", f"rooms/{kept}/messages")
    sleeper.close()
    with chat.client("alice") as alice:
        for i in range(30):
            assert alice.send(gone, f"secret {i}") < 0x80
        revoke(chat, "remove", gone, user)
        sleeper = chat.client(user, f"{user}-dev", v=v, clean=False, expiry_s=600)
        sleeper.wait_disconnected()  # denied what was queued: ended once more, so that it does not stay mute
        sleeper.connect()
        assert alice.send(kept, "you are still here") < 0x80
        sleeper.wait_text("you are still here", kept)
        for i in range(40):
            assert alice.send(kept, f"more {i}") < 0x80
        sleeper.wait_text("more 39", kept)
        assert sleeper.envelopes(gone) == []
    sleeper.close()


def test_a_reader_that_does_not_acknowledge_gets_nothing_more(chat):
    setup_room(chat, "r-slow", "slow")
    slow = chat.client("slow", "slow-dev", v=4, clean=False, manual_ack=True)
    slow.subscribe("rooms/r-slow/messages")
    with chat.client("alice") as alice:
        for i in range(200):
            assert alice.send("r-slow", f"s{i}") < 0x80
        slow.wait_envelopes(20)
        revoke(chat, "remove", "r-slow", "slow")
        held = len(slow.envelopes())
        slow.wait_disconnected()
        assert alice.send("r-slow", "after") < 0x80
        slow.acknowledge = True
        slow.connect()
        slow.wait_disconnected()  # as a sleeping session is
        slow.connect()
        slow.request("room.list")  # answered: whatever was queued before came first
        texts = [e["content"].get("text") for e in slow.envelopes()[held:]]
        assert texts == []
    slow.close()


@pytest.mark.parametrize("how", ["remove", "ban"])
def test_a_removed_member_reads_no_retained_state(chat, how):
    user, room = f"ret-{how}", f"r-ret-{how}"
    setup_room(chat, room, user)
    args = mosquitto("mosquitto_sub", chat, user, "-t", f"rooms/{room}/state", "-C", "1", "-W", "5")
    assert room in subprocess.run(args, capture_output=True, text=True).stdout
    revoke(chat, how, room, user)
    assert subprocess.run([*args[:-1], "1"], capture_output=True, text=True).stdout == ""


def test_a_ban_stays_until_it_is_lifted(chat):
    setup_room(chat, "r-ban", "banny")
    chat.ctl("member", "ban", "r-ban", "banny")
    code, _, err = chat.ctl("member", "add", "r-ban", "banny", check=False)
    assert code == 1 and "banned" in err
    assert [m["user"] for m in chat.ctl("member", "list", "r-ban", "--banned")[1]] == ["banny"]
    chat.ctl("member", "unban", "r-ban", "banny")
    chat.ctl("member", "add", "r-ban", "banny")
    with chat.client("banny") as banny:
        assert banny.send("r-ban", "back again") < 0x80
    actions = [e["content"]["action"] for e in chat.history("r-ban") if e["type"] == "member" and e["content"]["user"] == "banny"]
    assert actions == ["added", "banned", "unbanned", "added"]


def test_a_disabled_account_is_out_at_once_and_its_token_too(chat):
    chat.add_user("gone")
    chat.ctl("member", "add", "lobby", "gone")
    token = chat.ctl("token", "create", "gone")[1][0]["token"]
    by_password, by_token = chat.client("gone"), chat.client("gone", password=token)
    chat.ctl("user", "disable", "gone")
    by_password.wait_disconnected()
    by_token.wait_disconnected()
    for secret in (None, token):
        with pytest.raises(Refused):
            chat.client("gone", password=secret)


def test_a_revoked_token_ends_its_sessions_and_no_others(chat):
    chat.add_user("toky")
    created = chat.ctl("token", "create", "toky")[1][0]
    by_token, by_password = chat.client("toky", password=created["token"]), chat.client("toky")
    chat.ctl("token", "revoke", created["id"])
    by_token.wait_disconnected()
    with pytest.raises(Refused):
        chat.client("toky", password=created["token"])
    assert by_password.ok("room.list")["rooms"] == []
    by_password.close()


def test_a_new_password_ends_what_the_old_one_opened(chat):
    chat.add_user("pass")
    old = chat.client("pass")
    chat.ctl("user", "passwd", "pass", "--password-stdin", input="an entirely new one\n")
    old.wait_disconnected()
    with pytest.raises(Refused):
        chat.client("pass")
    chat.passwords["pass"] = "an entirely new one"
    chat.client("pass").close()


def test_a_will_is_judged_by_the_rights_of_the_moment_it_is_sent(chat):
    setup_room(chat, "r-will", "willy")
    with chat.client("alice") as alice:
        alice.subscribe("rooms/r-will/#")
        willy = chat.client("willy", will={"topic": "rooms/r-will/typing/willy", "payload": '{"typing":true}', "qos": 0})
        chat.ctl("member", "remove", "r-will", "willy")
        willy.wait_disconnected()
        alice.send("r-will", "end")
        alice.wait_text("end")
        assert not [m for m in alice.seen if "typing" in m.topic]
