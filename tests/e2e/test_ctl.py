"""parleyctl: every command does what it says, and its exit codes can be trusted."""
import json
import subprocess

import pytest
from harness import PARLEYCTL, free_ports, wait_until


def test_a_room_from_creation_to_deletion(chat):
    ctl = chat.ctl
    for user in ("dan", "dora"):
        chat.add_user(user)
    ctl("room", "create", "club", "--title", "The club")
    ctl("member", "add", "club", "dan", "--role", "moderator")
    ctl("member", "add", "club", "dora")
    ctl("member", "role", "club", "dora", "reader")
    ctl("room", "update", "club", "--title", "The new club")
    assert {m["user"]: m["role"] for m in ctl("member", "list", "club")[1]} == {"admin": "owner", "dan": "moderator", "dora": "reader"}
    room = ctl("room", "show", "club")[1][0]
    assert (room["room"], room["title"], room["kind"], room["members"]) == ("club", "The new club", "group", 3)
    assert "club" in [r["room"] for r in ctl("room", "list")[1]]
    ctl("member", "remove", "club", "dora")
    actions = [(e["type"], e["content"]["action"]) for e in chat.history("club")]
    assert actions == [("room", "created"), ("member", "added"), ("member", "added"), ("member", "role"), ("room", "renamed"), ("member", "removed")]
    assert ctl("room", "delete", "club", check=False)[0] == 2  # asks first, and here is nobody to ask
    ctl("room", "delete", "club", "--yes")
    assert ctl("room", "show", "club", check=False)[0] == 1
    ctl("room", "create", "club")
    assert [(e["seq"], e["content"]["action"]) for e in chat.history("club")] == [(1, "created")]


def test_history_pages_by_itself_and_is_oldest_first(chat):
    chat.add_room("long", alice="member")
    with chat.client("alice") as alice:
        for i in range(1250):
            alice.mqtt.publish("rooms/long/send", f"n{i}", qos=1)
        assert alice.send("long", "last") < 0x80
        from harness import wait_until
        wait_until(lambda: alice.ok("history", room="long", limit=1)["messages"][-1]["content"].get("text") == "last", "stored")
    texts = lambda *args: [e["content"].get("text") for e in chat.ctl("history", "long", *args)[1]]
    assert texts() == [f"n{i}" for i in range(1201, 1250)] + ["last"]
    assert texts("--limit", 3) == ["n1248", "n1249", "last"]
    assert texts("--limit", 1100) == [f"n{i}" for i in range(151, 1250)] + ["last"]
    assert len(texts("--limit", 1000000)) == 1253


def test_send_and_tail(chat):
    chat.ctl_config("alice")
    chat.ctl_config("bob")
    tail = subprocess.Popen([PARLEYCTL, "--config", chat.folder / "parleyctl.bob.toml", "--json", "tail", "lobby", "--count", "1"],
                            stdout=subprocess.PIPE, text=True)
    try:
        from harness import wait_until
        wait_until(lambda: any(s["user"] == "bob" for s in chat.ctl("session", "list")[1]), "tail is connected")
        line = None
        # Sent until seen: tail says when it is connected, not when it has subscribed.
        def seen():
            nonlocal line
            chat.ctl("send", "lobby", "for the tail", user="alice")
            import select
            if select.select([tail.stdout], [], [], 0.5)[0]:
                line = tail.stdout.readline()
            return line
        wait_until(seen, "tail shows a message")
        assert json.loads(line)["content"]["text"] == "for the tail"
        assert tail.wait(20) == 0
    finally:
        tail.kill()


@pytest.mark.parametrize("args,code", [
    (["room", "show", "nowhere"], "not_found"), (["room", "create", "bad name"], "invalid_name"), (["room", "create", "lobby"], "already_exists"),
    (["room", "create", "LOBBY"], "already_exists"), (["member", "add", "lobby", "nobody"], "not_found"),
    (["member", "add", "lobby", "alice"], "already_exists"), (["token", "revoke", "01JD8Z6V5T3Y0N7QF4R2W9XKCB"], "not_found"),
    (["user", "disable", "nobody"], "not_found"), (["send", "lobby", ""], "empty"),
])
def test_refusals_exit_1_and_show_the_code(chat, args, code):
    status, _, err = chat.ctl(*args, check=False)
    assert status == 1 and code in err, err


def test_non_administrators_are_refused(chat):
    for args in (["user", "create", "x", "--password-stdin"], ["user", "list"], ["user", "disable", "bob"], ["token", "create", "alice"],
                 ["room", "show", "den"], ["history", "den"], ["member", "list", "den"], ["member", "add", "lobby", "eve"], ["session", "list"]):
        user = "bob" if args[0] != "session" else "bob"
        status, objects, err = chat.ctl(*args, user=user, check=False, input="some password\n")
        if args[0] == "session":  # one's own are fine
            assert status == 0 and {s["user"] for s in objects} <= {"bob"}
        else:
            assert status == 1 and ("not_allowed" in err or "not_a_member" in err), (args, err)


def test_wrong_usage_exits_2(chat):
    for args in ([], ["bogus"], ["room"], ["room", "create"], ["history"], ["history", "lobby", "--limit", "x"], ["--config", "/nonexistent", "status"]):
        out = subprocess.run([PARLEYCTL, *args], capture_output=True, text=True)
        assert out.returncode == 2, (args, out)


def test_no_broker_exits_3(chat, tmp_path):
    config = tmp_path / "ctl.toml"
    config.touch(mode=0o600)
    config.write_text(f'host = "127.0.0.1"\nport = {free_ports(1)[0]}\nuser = "admin"\ntoken = "{chat.admin_token}"\n')
    out = subprocess.run([PARLEYCTL, "--config", config, "status"], capture_output=True, text=True, timeout=60)
    assert out.returncode == 3 and "127.0.0.1" in out.stderr


def test_help_teaches():
    for args in ([], ["room"], ["member"], ["user"], ["token"], ["import", "irc"], ["history"], ["send"], ["session"]):
        out = subprocess.run([PARLEYCTL, *args, "--help"], capture_output=True, text=True)
        assert out.returncode == 0 and len(out.stdout) > 100


def test_sessions_are_listed_and_kicked(chat):
    with chat.client("bob", "bob-kickme") as bob:
        mine = [s for s in chat.ctl("session", "list")[1] if s["device"] == "bob-kickme"]
        assert mine[0]["user"] == "bob" and mine[0]["auth"] == "password" and mine[0]["protocol"] == 5
        assert chat.ctl("session", "kick", "bob", "--device", "bob-kickme")[1][0]["kicked"] == 1
        bob.wait_disconnected()


def test_a_session_that_sleeps_is_not_listed(chat):
    def listed():
        return "bob-sleeps" in [s["device"] for s in chat.ctl("session", "list")[1]]

    with chat.client("bob", "bob-sleeps", clean=False, expiry_s=600):
        assert listed()
    wait_until(lambda: not listed(), "its session is off the list")
    chat.client("bob", "bob-sleeps").close()


def test_status_tells_the_state_of_both_halves(chat):
    status = chat.ctl("status")[1][0]
    assert status["users"] >= 5 and status["rooms"] >= 2
