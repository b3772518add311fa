"""README's chapter on backups, done: a copy made while people talk, put into a new database, parleyd pointed there."""
import json

from harness import wait_until


def texts(server):
    return [e["content"]["text"] for e in server.history("lobby") if e["type"] == "text"]


def say(client, prefix, count, size=0):
    for i in range(count):
        assert client.send("lobby", {"text": f"{prefix}{i}" + " " * size, "ref": f"{prefix}{i}"}) < 0x80


def restored(server, copy):
    """parleyd on a new database made from the copy."""
    server.backend.stop()
    server.change_backend(**server.storage.restore(copy))
    server.start_backend()


def test_what_came_after_the_backup_is_filled_in_from_the_journal(make_server, tmp_path):
    server = make_server().start()
    server.add_user("alice")
    server.add_room("lobby", alice="owner")
    with server.client("alice") as alice:
        say(alice, "before", 20)
        wait_until(server.all_stored, "all is stored")
        server.storage.backup(tmp_path / "copy")
        say(alice, "after", 20)
        epoch = server.history("lobby")[0]["epoch"]
        restored(server, tmp_path / "copy")
        assert [t.strip() for t in texts(server)] == [f"{when}{i}" for when in ("before", "after") for i in range(20)]
        entries = server.history("lobby")
        assert {e["epoch"] for e in entries} == {epoch}
        assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
        say(alice, "end", 1)
        wait_until(lambda: texts(server)[-1].strip() == "end0", "chat goes on into the new database")


def test_history_that_went_back_has_a_new_epoch_and_clients_are_told(make_server, tmp_path):
    server = make_server(plugin_opts={"journal_segment_bytes": "1M"}).start()
    server.add_user("alice")
    server.add_room("lobby", alice="owner")
    journal = server.folder / "plugin" / "journal"
    with server.client("alice") as alice:
        alice.subscribe("rooms/lobby/messages", "rooms/lobby/state")
        say(alice, "before", 5)
        wait_until(server.all_stored, "all is stored")
        server.storage.backup(tmp_path / "copy")
        epoch = server.history("lobby")[0]["epoch"]
        say(alice, "gone", 150, size=40_000)  # 6 MB: the journal lets go of its beginning
        wait_until(lambda: not (journal / f"{0:020}.seg").exists(), "the first segment is let go of")
        wait_until(server.all_stored, "all is stored")
        last = alice.wait_text("gone149" + " " * 40_000)["seq"]
        restored(server, tmp_path / "copy")
        states = lambda: [json.loads(m.payload) for m in list(alice.seen) if m.topic == "rooms/lobby/state"]
        wait_until(lambda: states() and states()[-1]["epoch"] != epoch, "the state tells the new epoch")
        sync = alice.ok("sync", rooms={"lobby": {"epoch": epoch, "since": last}})["rooms"]["lobby"]
        assert sync["reset"] is True and sync["epoch"] == states()[-1]["epoch"] and sync["messages"][0]["seq"] == 1
        say(alice, "end", 1)
        entry = alice.wait_text("end0")
        assert entry["seq"] > last and entry["epoch"] == sync["epoch"]  # no number is used twice
        kept = [t.strip() for t in texts(server)]
        assert kept[:5] == [f"before{i}" for i in range(5)] and kept[-1] == "end0"
        assert kept[5:-1] == [f"gone{i}" for i in range(150)][-(len(kept) - 6):] and len(kept) < 156  # the journal had the end of it still
    assert "are lost to this database" in server.backend.log()
