"""What may be found in the journal's folder after a crash, or after worse. Damaged between kill and start, seen from outside."""
import pytest
from harness import Process, wait_until
from installation import Installation
from journal_files import segments

COUNT = 40


@pytest.fixture
def server(make_server):
    """Messages m0 … m39 accepted, none of them stored yet, and the broker killed."""
    server = make_server(Installation).start()
    server.populate(["alice"], ["lobby"])
    server.backend.stop()
    with server.client("alice") as alice:
        for i in range(COUNT):
            assert alice.send("lobby", {"text": f"m{i}", "ref": f"r{i}"}) < 0x80
    server.broker.kill()
    return server


def newest(server):
    return segments(server.folder / "plugin" / "journal")[-1]


def texts(server):
    return [e["content"]["text"] for e in server.history("lobby") if e["type"] == "text"]


def assert_all_kept_and_going_on(server):
    """Everything accepted is there once, a retry is recognised, and the next message gets the next number."""
    server.start()
    with server.client("alice") as alice:
        assert alice.send("lobby", {"text": "again", "ref": f"r{COUNT - 1}"}) < 0x80
        alice.wait_notice(type="duplicate", ref=f"r{COUNT - 1}")
        assert alice.send("lobby", {"text": "next", "ref": "next"}) < 0x80
    expected = [f"m{i}" for i in range(COUNT)] + ["next"]
    wait_until(lambda: texts(server)[-1:] == ["next"], "stored")
    entries = server.history("lobby")
    assert texts(server) == expected
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    assert len({e["epoch"] for e in entries}) == 1


def assert_refuses_to_start(server):
    """Gives what it said."""
    before = len(server.broker.log())
    server.broker = Process(["mosquitto", "-c", server.conf], server.broker.log_path)
    wait_until(lambda: not server.broker.running(), "the broker gives up")
    assert server.broker.popen.returncode != 0
    return server.broker.log()[before:]


@pytest.mark.parametrize("part, length", [(0.5, False), (1, True), (0.5, True), (-9, True)],
                         ids=["length not written", "a byte", "half", "all but its end"])
def test_a_torn_record_at_the_end_is_cut(server, part, length):
    segment = newest(server)
    record = segment.read(*segment.records[-1])
    torn = record[:int(part * len(record)) if part == 0.5 else part]
    segment.write(segment.end, torn if length else bytes(4) + torn[4:])
    assert_all_kept_and_going_on(server)
    assert "torn end was cut" in server.broker.log()


def test_a_flipped_bit_in_the_middle_is_refused_and_mended_when_it_is_put_back(server):
    segment = newest(server)
    at, size = segment.records[len(segment.records) // 2]
    segment.flip(at + size // 2)
    said = assert_refuses_to_start(server)
    assert str(segment.path) in said and f"is damaged at byte {at}" in said and "Nothing was changed" in said
    segment.flip(at + size // 2)
    assert_all_kept_and_going_on(server)


@pytest.mark.parametrize("where", ["length", "checksum"])
def test_a_flipped_bit_in_a_records_head_is_refused(server, where):
    segment = newest(server)
    at, _ = segment.records[3]
    segment.flip(at + (0 if where == "length" else 4))
    assert f"is damaged at byte {at}" in assert_refuses_to_start(server)
    segment.flip(at + (0 if where == "length" else 4))
    assert_all_kept_and_going_on(server)


def test_a_segment_that_became_shorter_is_refused(server):
    segment = newest(server)
    whole = segment.path.read_bytes()
    segment.path.write_bytes(whole[:segment.end - 100])
    said = assert_refuses_to_start(server)
    assert str(segment.path) in said
    segment.path.write_bytes(whole)
    assert_all_kept_and_going_on(server)


def test_a_missing_identity_is_refused(server):
    identity = server.folder / "plugin" / "journal" / "journal.id"
    kept = identity.read_bytes()
    identity.unlink()
    assert "journal.id is missing" in assert_refuses_to_start(server)
    identity.write_bytes(kept)
    assert_all_kept_and_going_on(server)


def test_a_crash_in_the_middle_of_creating_a_segment_leaves_nothing_that_matters(server):
    """Left-overs of every step: a temporary file, with and without its size; a spare that was never begun, short of its header."""
    folder = server.folder / "plugin" / "journal"
    spare = next(path for path in sorted(folder.glob("*.seg"), reverse=True) if path != newest(server).path)
    whole = spare.read_bytes()
    names = sorted(int(path.stem) for path in folder.glob("*.seg"))
    following = names[-1] + len(whole) - 64
    (folder / f"{following:020}.seg.tmp").write_bytes(whole[:4096])
    (folder / f"{following + 1:020}.seg.tmp").touch()
    (folder / "checkpoint.tmp").write_bytes(b"half a check")
    spare.write_bytes(bytes(len(whole)))  # named, but the header never reached it
    assert_all_kept_and_going_on(server)
    assert not list(folder.glob(f"{following + 1:020}*"))
