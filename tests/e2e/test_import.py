"""Issue line 10: the real log of a busy channel becomes a room's history, in order, as its speakers."""
import json
import pathlib
import re
import signal
import subprocess
import time

import pytest
from harness import PARLEYCTL, ROOT, wait_until

LOGS = ROOT.parent / "shared" / "data" / "irc"
LINE = re.compile(rb"^\[\d\d:\d\d\] (?:<([^>]+)>(?: (.*))?| \* (\S+) ?(.*))$")

needs_logs = pytest.mark.skipif(not LOGS.is_dir(), reason="the real IRC logs are not beside this checkout")


def spoken(path):
    """(nick, text) of every line that says something, in order: independent of parleyctl's own parser."""
    for line in path.read_bytes().split(b"\n"):
        m = LINE.match(line.rstrip(b"\r"))
        if m:
            nick, text = (m[1], m[2] or b"") if m[1] else (m[3], m[4])
            yield nick.decode("utf-8", "replace"), text.decode("utf-8", "replace")


def speaker(entry):
    return entry["content"].get("nick", entry["from"])


@needs_logs
def test_an_imported_log_equals_the_file(make_server):
    server = make_server().start()
    server.ctl("room", "create", "ubuntu")
    path = min(LOGS.glob("*.txt"), key=lambda p: p.stat().st_size)
    server.ctl("import", "irc", "--room", "ubuntu", path, timeout_s=300)
    entries = [e for e in server.history("ubuntu", 100000) if e.get("imported")]
    expected = [(n, t) for n, t in spoken(path)]
    assert len(entries) == len(expected)
    assert [speaker(e).lower() for e in entries] == [n.lower() for n, _ in expected]
    texts = [e["content"]["text"] for e in entries]
    differing = [(a, b) for a, (_, b) in zip(texts, expected) if a != b and a.strip() != b.strip() and b.isprintable()]
    assert differing == []
    seqs = [e["seq"] for e in entries]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    sent = [e["sent_at"] for e in entries]
    assert sent == sorted(sent)
    day = time.strftime("%Y-%m-%d", time.gmtime(sent[0] / 1000))
    assert path.name.startswith(day)


@needs_logs
def test_an_import_that_is_killed_goes_on_where_it_stopped(make_server):
    server = make_server().start()
    server.ctl("room", "create", "ubuntu")
    path = max(LOGS.glob("*.txt"), key=lambda p: p.stat().st_size)
    expected = len(list(spoken(path)))
    for _ in range(3):
        process = subprocess.Popen([PARLEYCTL, "--config", server.folder / "parleyctl.admin.toml", "import", "irc", "--room", "ubuntu", path],
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = server.request("admin", "room.get", room="ubuntu")["result"]["last_seq"]
        wait_until(lambda: process.poll() is not None
                   or server.request("admin", "room.get", room="ubuntu")["result"]["last_seq"] > before + 100, "it has begun")
        process.send_signal(signal.SIGKILL)
        process.wait()
    server.ctl("import", "irc", "--room", "ubuntu", path, timeout_s=300)
    entries = [e for e in server.history("ubuntu", 100000) if e.get("imported")]
    assert len(entries) == expected
    assert len({e["ref"] for e in entries}) == expected


@needs_logs
def test_imported_entries_are_not_delivered_live(make_server):
    server = make_server().start()
    server.ctl("room", "create", "ubuntu")
    with server.client("admin", "admin-live") as admin:
        admin.subscribe("rooms/ubuntu/messages")
        server.ctl("import", "irc", "--room", "ubuntu", min(LOGS.glob("*.txt"), key=lambda p: p.stat().st_size), timeout_s=300)
        server.add_user("alice")
        server.ctl("member", "add", "ubuntu", "alice")
        with server.client("alice") as alice:
            assert alice.send("ubuntu", "live again") < 0x80
        admin.wait_text("live again")
        assert not any(e.get("imported") for e in admin.envelopes())


def test_names_and_bytes_no_account_could_have_are_mended(make_server, tmp_path):
    log = pathlib.Path(tmp_path) / "2006-06-05.txt"
    log.write_bytes(b"[10:00] <we|rd[nick]^> hello\n[10:01] <Plain> caf\xe9\n=== Plain [n=x@y] has joined #c\n[10:02]  * we|rd[nick]^ waves\n"
                    b"[10:03] <plain> same person\nnot a line\n")
    server = make_server().start()
    server.ctl("room", "create", "c")
    for _ in range(2):  # the second time there is nothing left to do
        server.ctl("import", "irc", "--room", "c", log)
    entries = [e for e in server.history("c") if e.get("imported")]
    assert [e["content"]["text"] for e in entries] == ["hello", "caf\ufffd", "waves", "same person"]
    assert entries[0]["from"] == entries[2]["from"] != entries[1]["from"] == entries[3]["from"]


def slack_export(folder):
    """A small one: two channels, one of them private; a thread, reactions, an edit, a bot, and lines nobody said."""
    def write(name, data):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(data))

    write("users.json", [{"id": "U1", "name": "ann", "profile": {"real_name": "Ann Lee"}}, {"id": "U2", "name": "ben"}, {"id": "U3", "name": "cleo"}])
    write("channels.json", [{"id": "C1", "name": "lab", "creator": "U1", "members": ["U1", "U2"], "purpose": {"value": "Work"}}])
    write("groups.json", [{"id": "G1", "name": "core", "members": ["U3"]}])
    write("dms.json", [{"id": "D1", "members": ["U1", "U2"]}])
    write("lab/2020-01-02.json", [
        {"type": "message", "subtype": "channel_join", "user": "U1", "text": "joined", "ts": "1577930400.000100"},
        {"type": "message", "user": "U1", "text": "<@U2> what about &lt;this&gt;?", "ts": "1577930401.000100",
         "reactions": [{"name": "+1", "users": ["U2", "U3"], "count": 2}]},
        {"type": "message", "user": "U2", "text": "fine", "ts": "1577930402.000100", "thread_ts": "1577930401.000100",
         "edited": {"user": "U2", "ts": "1577930409.000000"}}])
    write("lab/2020-01-03.json", [{"type": "message", "subtype": "bot_message", "username": "deploys", "text": "done", "ts": "1578016800.000000"}])
    write("core/2020-01-02.json", [{"type": "message", "user": "U3", "text": "secret plans", "ts": "1577930403.000100"}])
    return folder


def test_a_slack_export_becomes_rooms(make_server, tmp_path):
    folder = slack_export(tmp_path / "export")
    server = make_server().start()
    _, done, _ = server.ctl("import", "slack", folder)
    assert [(d["room"], d["imported"], d["reactions"], d["skipped"]) for d in done] == [("lab", 3, 2, 1), ("core", 1, 0, 0)]
    _, again, _ = server.ctl("import", "slack", folder)
    assert [(d["imported"], d["reactions"], d["already_there"]) for d in again] == [(0, 0, 5), (0, 0, 1)]

    first, reply, plus, plus_too, bot = [e for e in server.history("lab") if e.get("imported")]
    assert (first["from"], first["content"]["text"], first["sent_at"]) == ("ann", "@ben what about <this>?", 1577930401000)
    assert (reply["from"], reply["content"]["thread"], reply["content"]["edited_at"]) == ("ben", first["seq"], 1577930409000)
    assert [(e["type"], e["from"], e["content"]["target"], e["content"]["key"]) for e in (plus, plus_too)] == [
        ("reaction", "ben", first["seq"], ":+1:"), ("reaction", "cleo", first["seq"], ":+1:")]
    assert (bot["from"], bot["content"]["text"]) == ("deploys", "done")
    members = {m["user"]: m["role"] for m in server.ctl("member", "list", "lab")[1]}
    assert members == {"admin": "owner", "ann": "owner", "ben": "member"}
    assert server.request("admin", "room.get", room="core")["result"]["public"] is False


def test_a_folder_that_is_no_slack_export_is_refused(make_server, tmp_path):
    server = make_server().start()
    code, _, said = server.ctl("import", "slack", tmp_path, check=False)
    assert code == 2 and "users.json" in said
    code, _, said = server.ctl("import", "slack", slack_export(tmp_path / "export"), "--channel", "nowhere", check=False)
    assert code == 2 and "nowhere" in said
