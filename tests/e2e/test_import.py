"""Issue line 10: the real log of a busy channel becomes a room's history, in order, as its speakers."""
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
