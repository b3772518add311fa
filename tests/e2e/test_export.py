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
