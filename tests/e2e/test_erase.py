"""A user is erased: nowhere is their name, or a word of theirs; numbers stay, and the name is nobody's for ever."""
import base64
import contextlib
import json
import secrets
import signal
import socket
import sqlite3
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from counters import recount
from harness import Refused, wait_until

NAME = "zwetschge"  # in nobody else's text, file or folder
WORDS = ("quittenbrot", "mirabelle", "schlehe", "holunder", "kornelkirsche", "spilling")  # said by them alone
TRACES = (NAME, *WORDS)


def retained(server):
    """All that the broker holds retained of rooms and devices, topics and payloads."""
    with server.client("admin") as admin:
        admin.subscribe("rooms/#", "users/+/devices/+/status")
        admin.ok("server.status")  # its reply comes behind what is retained
        return "\n".join(f"{m.topic} {m.payload.decode()}" for m in admin.seen if m.retain)


def tables(server):
    """Every row of the database as text, and of SQLite the very bytes."""
    storage = server.storage
    if "postgresql" in storage.keys["store"]:
        dump = server.folder / "dump.sql"
        storage.postgres.program("pg_dump", "--data-only", "--inserts", f"--file={dump}", storage.name)
        return (dump.read_bytes(),)
    path = storage.folder / "parley.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        rows = "\n".join(db.iterdump()).encode()
        db.execute("VACUUM INTO ?", (str(storage.folder.with_name("vacuumed.db")),))
    bytes_of = storage.folder.with_name("vacuumed.db").read_bytes()
    storage.folder.with_name("vacuumed.db").unlink()
    return rows, bytes_of


def resp(stream):
    """One answer of a Redis: bytes, a number, or a list."""
    kind, rest = (line := stream.readline().strip())[:1], line[1:]
    if kind == b"$":
        return b"" if rest == b"-1" else stream.read(int(rest) + 2)[:-2]
    if kind == b"*":
        return [resp(stream) for _ in range(max(0, int(rest)))]
    assert kind in b"+:", line
    return rest


def cache(server):
    """All keys and values of the Redis database, of whatever type."""
    storage = server.storage
    if not hasattr(storage, "redis"):
        return b""
    read = {b"string": ("GET",), b"hash": ("HGETALL",), b"list": ("LRANGE", "0", "-1"), b"zset": ("ZRANGE", "0", "-1", "WITHSCORES"),
            b"set": ("SMEMBERS",)}
    with socket.create_connection(("127.0.0.1", storage.redis.port()), timeout=10) as s, s.makefile("rwb") as stream:
        def ask(*words):
            words = [w if isinstance(w, bytes) else w.encode() for w in words]
            stream.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
            stream.flush()
            return resp(stream)

        ask("AUTH", storage.redis.password("cache"))
        ask("SELECT", storage.keys["cache"].rsplit("/", 1)[1])
        keys = ask("KEYS", "*")
        values = [ask(how[0], key, *how[1:]) for key in keys if (how := read.get(ask("TYPE", key)))]
    return repr([keys, values]).encode()


def plugin_files(server):
    return {path: path.read_bytes() for path in (server.folder / "plugin").rglob("*") if path.is_file()}


def traces_in(what, data):
    data = data.encode() if isinstance(data, str) else data or b""
    return [f"{trace} in {what}" for trace in TRACES if trace.encode() in data.lower()]


def traces(server, tmp_path, rooms, cached=True):
    found = [trace for part in tables(server) for trace in traces_in("a table", part)]
    found += traces_in("the cache", cache(server) if cached else b"") + traces_in("what is retained", retained(server))
    for path, data in plugin_files(server).items():
        found += traces_in(path.relative_to(server.folder), data)
    for room in rooms:
        file = tmp_path / f"{room}-{secrets.token_hex(4)}.ndjson"
        server.ctl("export", "room", room, "-o", file)
        found += traces_in(f"the export of {room}", file.read_bytes())
    return found + traces_in("parleyd's log", server.backend.log())


def no_trace(server, tmp_path, *rooms, cached=True):
    """The journal lets go of what is older than ref_window, 4 s here; the old file of client ids goes 40 s after the new one was written."""
    found = []

    def clean():
        found[:] = traces(server, tmp_path, rooms, cached)
        return not found

    try:
        wait_until(clean, "no trace is left", 100, step_s=2)
    except AssertionError:
        assert found == []


def erasure(server, pseudonym):
    return next((e for e in server.ctl("user", "erasures")[1] if e["pseudonym"] == pseudonym), None)


def wait_erased(server, pseudonym):
    return wait_until(lambda: (e := erasure(server, pseudonym)) and "done_at" in e and e, "the user is erased", 120,
                      step_s=0.2, log=server.backend)


def private_key():
    return ec.generate_private_key(ec.SECP256R1())


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def point(key):
    return base64url(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def populated(make_server, tmp_path, **kwargs):
    """A server where the user has left every kind of trace."""
    vapid = tmp_path / "vapid.pem"
    vapid.touch(mode=0o600)
    vapid.write_bytes(private_key().private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    notify = {"notify.delay_s": 1, "webpush.key_file": str(vapid), "webpush.subject": "mailto:ops@example.org", "webpush.allow_private": "yes"}
    server = make_server(plugin_opts={"ref_window": 4, "journal_segment_bytes": 1 << 20, **kwargs.pop("plugin_opts", {})},
                         backend_opts={"presence.leave_grace_ms": 500, "presence.settle_ms": 100, **notify}, **kwargs).start()
    for user in ("ann", "ben", "cid", NAME):
        server.add_user(user)
    server.add_room("lab", ann="owner", ben="member", **{NAME: "moderator"})
    server.add_room("den", ann="member", **{NAME: "member"})
    server.ctl("room", "create", "inn")
    server.ctl("member", "ban", "inn", NAME)
    with server.client(NAME, f"{NAME}-phone") as erin, server.client("ann") as ann, server.client("ben") as ben:
        erin.publish(f"users/{NAME}/devices/{NAME}-phone/status", {"status": "away"}, retain=True)
        for i in range(30):
            assert erin.send("lab", {"text": f"{WORDS[0]} {i}", "ref": f"{NAME}-{i}"}) < 0x80
            assert ben.send("lab", {"text": f"number {i} for @{NAME.upper()}"}) < 0x80
        server.history("lab", 1)  # when all is stored
        rows = ben.ok("sync", rooms={"lab": {"since": 0}}, limit=500)["rooms"]["lab"]["messages"]
        theirs = next(m["seq"] for m in rows if m["from"] == NAME and m["type"] == "text")
        bens = [m["seq"] for m in rows if m["from"] == "ben" and m["type"] == "text"]
        for content in ({"type": "edit", "target": theirs, "text": WORDS[1]}, {"type": "reaction", "target": bens[0], "key": WORDS[2]},
                        {"text": WORDS[3], "thread": bens[1]}, {"type": "delete", "target": bens[2], "why": WORDS[4]},
                        {"type": f"x.{NAME}", "q": WORDS[1]}):
            assert erin.send("lab", content) < 0x80
        assert ben.send("lab", {"type": "reaction", "target": theirs, "key": "+"}) < 0x80
        assert ben.send("lab", {"text": "answer", "thread": bens[1]}) < 0x80
        assert ben.send("lab", f'{{"text": "again @{NAME[0]}\\u0077{NAME[2:]}, hello"}}') < 0x80
        direct = erin.ok("room.direct", user="ben")["room"]
        assert erin.send(direct, {"text": WORDS[5]}) < 0x80
        assert erin.send("den", WORDS[0]) < 0x80
        erin.ok("member.invite", room="lab", user="cid")
        erin.ok("link.create", room="lab")
        erin.ok("token.create", label=WORDS[0])
        erin.ok("user.update", title=WORDS[1])
        erin.ok("member.mute", room="lab", user="ben", for_s=60)
        ann.ok("member.unmute", room="lab", user="ben")
        ann.ok("read", room="lab", read=5)
        quiet = [time.strftime("%H:%M", time.gmtime(time.time() + hours * 3600)) for hours in (11, 13)]  # not now
        erin.ok("notify.set", quiet={"from": quiet[0], "to": quiet[1], "zone": "UTC"})
        erin.ok("notify.room", room="lab", level="mentions")
        erin.ok("notify.block", user="ben")
        ben.ok("notify.block", user=NAME)
        erin.ok("push.register", provider="webpush", address=f"https://127.0.0.1:9/{NAME}", keys={"p256dh": point(private_key()),
                                                                                              "auth": base64url(b"0123456789abcdef")})
    with server.client("ann") as ann:  # nobody listens at that address: it is tried again and again
        assert ann.send("lab", {"text": f"are you there, @{NAME}?"}) < 0x80
    wait_until(lambda: server.ctl("notify", "log", "--user", NAME)[1], "a notification was tried", 60, step_s=0.2, log=server.backend)
    server.history("lab")
    return server, direct


def test_nothing_of_an_erased_user_stays(make_server, tmp_path):
    server, direct = populated(make_server, tmp_path)
    before = server.history("lab", 500)
    assert traces(server, tmp_path, ["lab"])  # or it would find nothing whatever happens
    reader = server.client("ben", "ben-laptop")
    reader.subscribe("rooms/lab/messages")
    _, (done,), _ = server.ctl("user", "erase", NAME, "--yes", timeout_s=120)
    pseudonym = done["pseudonym"]
    assert pseudonym.startswith("~") and "user" not in done

    told = [e["content"] for e in reader.wait_envelopes(2, "lab") if e["type"] == "member"]
    assert [(c["action"], c["user"]) for c in told] == [("left", pseudonym), ("erased", pseudonym)]
    reader.close()
    no_trace(server, tmp_path, "lab", "den", direct)

    after = server.history("lab", 500)
    assert [e["seq"] for e in after] == list(range(1, len(after) + 1))
    for was, now in zip(before, after):
        assert (was["seq"], was["id"], was["at"]) == (now["seq"], now["id"], now["at"])
        if was["from"] != NAME and f"@{NAME}" not in json.dumps(was).lower() and "reactions" not in was:
            assert was["content"] == now["content"] or was["content"].get("user") == NAME or "deleted" in now
    assert any(f"for @{pseudonym}" in e["content"].get("text", "") for e in after)
    # Whoever reads the raw entries folds what history has.
    with server.client("ben") as ben:
        raw = ben.ok("sync", rooms={"lab": {"since": 0}}, limit=500)["rooms"]["lab"]["messages"]
        mine = next(r for r in ben.ok("rooms")["rooms"] if r["room"] == "lab")
        assert (mine["unread"], mine["mentions"]) == recount(raw, "ben", mine["read"])
        assert ben.ok("search", query=WORDS[0])["messages"] == []
        assert len(ben.ok("search", query="number 7")["messages"]) == 1
        assert {m["seq"] for m in raw if "deleted" in m} == {m["seq"] for m in after if "deleted" in m}
        assert next(r for r in ben.ok("rooms")["rooms"] if r["room"] == direct).get("peer", "") in ("", None, pseudonym)


def test_the_name_is_nobodys_for_ever(make_server, tmp_path):
    key = tmp_path / "jwt.key"
    key.touch(mode=0o600)
    key.write_text(secrets.token_hex(32))
    server, _ = populated(make_server, tmp_path, plugin_opts={"jwt_key_file": key, "jwt_algorithm": "HS256", "jwt_auto_user": "true"})
    token = server.request(NAME, "token.create")["result"]["token"]
    proof = jwt.encode({"sub": NAME, "exp": int(time.time()) + 3600}, key.read_text(), algorithm="HS256")
    server.client(NAME, password=proof).close()
    server.ctl("user", "erase", NAME, "--yes", timeout_s=120)

    def shut_out():
        for secret in (server.passwords[NAME], token, proof):
            for name in (NAME, NAME.upper()):
                with pytest.raises(Refused):
                    server.client(name, password=secret)

    shut_out()
    for name in (NAME, NAME.capitalize()):
        code, _, said = server.ctl("user", "create", name, "--no-password", check=False)
        assert code != 0 and "already_exists" in said
    server.stop()
    server.start_broker()
    shut_out()  # the broker knows it by itself
    server.start_backend()
    shut_out()
    assert NAME not in [u["user"] for u in server.ctl("user", "list")[1]]


def test_what_is_still_in_the_journal_arrives_erased(make_server, tmp_path):
    server, direct = populated(make_server, tmp_path)
    with server.client(NAME, f"{NAME}-2") as erin, server.client("ben") as ben:
        server.backend.send(signal.SIGSTOP)
        for i in range(200):
            assert erin.send("lab", {"text": f"{WORDS[0]} late {i}"}) < 0x80
            assert ben.send("lab", {"text": f"late {i} @{NAME}"}) < 0x80
        # The request is taken before what is in the journal: it waits with parleyd.
        with server.client("admin") as admin:
            rid = secrets.token_hex(8)
            admin.publish("users/admin/requests/user.erase", {"id": rid, "user": NAME, "confirm": NAME})
            server.backend.send(signal.SIGCONT)
            admin._wait(lambda: rid in admin._replies, "reply")
            reply = admin._replies[rid]
            assert reply["ok"], reply
        erin.wait_disconnected()
    wait_erased(server, reply["result"]["pseudonym"])
    after = server.history("lab", 1000)
    assert [e["seq"] for e in after] == list(range(1, len(after) + 1)) and len(after) > 460
    no_trace(server, tmp_path, "lab", "den", direct)


def test_an_erase_survives_sigkill(make_server, tmp_path):
    server, direct = populated(make_server, tmp_path)
    with server.client(NAME, f"{NAME}-3") as erin:
        for i in range(1500):
            erin.mqtt.publish("rooms/lab/send", json.dumps({"text": f"{WORDS[0]} more {i}"}), qos=1)
        assert erin.send("lab", WORDS[0]) < 0x80
    server.history("lab", 10)
    with server.client("admin") as admin:
        pseudonym = admin.ok("user.erase", user=NAME, confirm=NAME)["pseudonym"]
    kills = 0
    while kills < 4 and "done_at" not in (erasure(server, pseudonym) or {}):
        server.backend.kill()
        kills += 1
        server.start_backend()
    assert kills > 0
    wait_erased(server, pseudonym)
    no_trace(server, tmp_path, "lab", "den", direct, cached=False)  # a killed parleyd's copies expire
    told = [e["content"]["action"] for e in server.history("lab", 5000) if e["type"] == "member" and e["from"] == pseudonym]
    assert told.count("left") == 1 and "erased" in told


def test_only_administrators_erase_and_not_themselves(make_server):
    server = make_server().start()
    server.add_user("ann")
    assert server.request("ann", "user.erase", user="admin", confirm="admin")["error"]["code"] == "not_allowed"
    assert server.request("admin", "user.erase", user="admin", confirm="admin")["error"]["code"] == "not_allowed"
    assert server.request("admin", "user.erase", user="ann", confirm="anna")["error"]["code"] == "invalid_argument"
    assert server.request("admin", "user.erase", user="nobody", confirm="nobody")["error"]["code"] == "not_found"
    assert server.request("ann", "user.erasures")["error"]["code"] == "not_allowed"
    code, _, said = server.ctl("user", "erase", "ann", check=False)
    assert code == 2 and "--yes" in said
