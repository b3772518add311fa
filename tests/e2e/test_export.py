"""A room as a file: written while people talk, and brought into another server."""
import json
import stat


def test_a_room_moves_to_another_server_as_a_file(make_server, tmp_path):
    old, new = make_server().start(), make_server().start()
    for user in ("ann", "ben"):
        old.add_user(user)
    old.ctl("room", "create", "lab", "--title", "The lab")
    old.ctl("member", "add", "lab", "ann", "--role", "moderator")
    old.ctl("member", "add", "lab", "ben")
    with old.client("ann") as ann, old.client("ben") as ben:
        for i in range(600):
            assert (ann if i % 2 else ben).send("lab", {"text": f"word {i}", "ref": f"w{i}"}) < 0x80
        root = next(e["seq"] for e in old.history("lab") if e.get("ref") == "w0")
        assert ann.send("lab", {"text": "about that", "thread": root}) < 0x80
        assert ben.send("lab", {"type": "reaction", "target": root, "key": "👍"}) < 0x80
        assert ann.send("lab", "größer als ☃") < 0x80
    was = old.history("lab", 5000)
    file = tmp_path / "lab.ndjson"
    _, (done,), _ = old.ctl("export", "room", "lab", "-o", file)
    assert (done["messages"], done["members"]) == (len(was), 3)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0]["parley"] == "room" and lines[0]["room"]["title"] == "The lab"
    assert [line["message"]["id"] for line in lines if "message" in line] == [e["id"] for e in was]
    assert lines[-1] == {"end": {"members": 3, "messages": len(was)}}
    code, _, said = old.ctl("export", "room", "lab", "-o", file, check=False)
    assert code == 2 and "exists" in said

    _, (done,), _ = new.ctl("import", "room", file, "--room", "lab-of-old")
    assert (done["imported"], done["members"]) == (len(was), 2)  # who imports is a member already
    _, (again,), _ = new.ctl("import", "room", file, "--room", "lab-of-old")
    assert (again["imported"], again["already_there"]) == (0, len(was))
    now = [e for e in new.history("lab-of-old", 5000) if e.get("imported")]
    assert [e["from"] for e in now] == [e["from"] for e in was]
    texts = lambda entries: [e["content"]["text"] for e in entries if e["type"] == "text"]
    assert texts(now) == texts(was)
    first = next(e["seq"] for e in now if e["content"].get("text") == "word 0")
    assert next(e for e in now if e["type"] == "text" and "thread" in e["content"])["content"]["thread"] == first
    assert next(e for e in now if e["type"] == "reaction")["content"]["target"] == first
    members = {m["user"]: m["role"] for m in new.ctl("member", "list", "lab-of-old")[1]}
    assert members == {"admin": "owner", "ann": "moderator", "ben": "member"}


def test_a_file_that_is_cut_short_changes_nothing(make_server, tmp_path):
    server = make_server().start()
    server.ctl("room", "create", "lab")
    file = tmp_path / "lab.ndjson"
    server.ctl("export", "room", "lab", "-o", file)
    file.write_text(file.read_text().rpartition('{"end"')[0])
    code, _, said = server.ctl("import", "room", file, "--room", "other", check=False)
    assert code == 2 and "cut short" in said
    assert server.request("admin", "room.get", room="other")["error"]["code"] == "not_found"


def test_only_members_and_administrators_export(make_server, tmp_path):
    server = make_server().start()
    server.add_user("eve")
    server.ctl("room", "create", "lab")
    code, _, said = server.ctl("export", "room", "lab", "-o", tmp_path / "stolen.ndjson", user="eve", check=False)
    assert code == 1 and "not_a_member" in said
    assert not (tmp_path / "stolen.ndjson").exists()


def test_a_user_and_an_administrator_export_what_there_is_of_them(make_server, tmp_path):
    server = make_server().start()
    for user in ("ann", "ben"):
        server.add_user(user)
    server.add_room("lab", ann="moderator", ben="member")
    server.add_room("den", ann="member")
    with server.client("ann", "ann-phone") as ann, server.client("ben") as ben:
        for i in range(600):
            assert (ann if i % 2 else ben).send("lab", {"text": f"word {i}"}) < 0x80
        assert ann.send("den", "farewell") < 0x80
        direct = ann.ok("room.direct", user="ben")["room"]
        assert ann.send(direct, "between us") < 0x80
        ann.ok("token.create", label="pad")
        ann.ok("member.mute", room="lab", user="ben", for_s=1)
        server.history("lab", 5)
        ann.ok("room.leave", room="den")
    file, own = tmp_path / "ann.ndjson", tmp_path / "own.ndjson"
    _, (done,), _ = server.ctl("export", "user", "ann", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and not file.with_suffix(".ndjson.part").exists()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert lines[0]["parley"] == "user" and lines[0]["user"]["user"] == "ann"
    assert lines[-1]["end"] == {k: done[k] for k in ("devices", "tokens", "registrations", "rooms", "messages", "acts")}
    messages = [line["message"] for line in lines if "message" in line]
    assert {m["from"] for m in messages} == {"ann"}
    texts = [m["content"].get("text") for m in messages]
    assert texts.count("farewell") == texts.count("between us") == 1 and sum(str(t).startswith("word") for t in texts) == 300
    assert {line["room"]["room"] for line in lines if "room" in line} == {"lab", direct}
    assert [line["device"]["device"] for line in lines if "device" in line] == ["ann-phone"]
    assert "plt_" not in file.read_text() and [line["token"]["label"] for line in lines if "token" in line] == ["pad"]
    assert "member.mute" in [line["act"]["action"] for line in lines if "act" in line]
    # Herself: the rooms she is in.
    _, (mine,), _ = server.ctl("export", "user", "ann", own, user="ann")
    assert mine["acts"] == 0 and mine["rooms"] == 2 and "farewell" not in own.read_text() and "between us" in own.read_text()
    code, _, said = server.ctl("export", "user", "ann", tmp_path / "stolen.ndjson", user="ben", check=False)
    assert code == 1 and "not_allowed" in said and list(tmp_path.glob("stolen*")) == []
