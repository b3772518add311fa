"""Issue line 6 and promise P4: a retry with the same ref is the same message, also after everything was killed."""
import json

import pytest
from harness import wait_until


def stored_under(server, room, ref, texts):
    """A message sent after all of them is stored, and of this ref there is just this."""
    with server.client("alice") as alice:
        alice.send(room, f"after {ref}")
    entries = wait_until(lambda: (h := server.history(room)) and h[-1]["content"].get("text") == f"after {ref}" and h, "all is stored")
    assert [e["content"]["text"] for e in entries if e.get("ref") == ref] == texts


@pytest.mark.parametrize("v", [4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_repeat_is_one_message_and_the_sender_learns_its_seq(chat, v, qos):
    text, ref = f"once {v}.{qos}", f"once-{v}-{qos}"
    with chat.client("alice", v=v) as alice:
        alice.subscribe("rooms/lobby/messages")
        alice.send("lobby", {"text": text, "ref": ref}, qos=qos)
        seq = alice.wait_text(text)["seq"]
    with chat.client("alice", v=v) as alice:
        alice.send("lobby", {"text": "something else", "ref": ref}, qos=qos)
        assert alice.wait_notice(type="duplicate", ref=ref) == {"type": "duplicate", "room": "lobby", "ref": ref, "seq": seq}
    stored_under(chat, "lobby", ref, [text])


def test_another_user_and_another_room_may_use_the_same_ref(chat):
    chat.add_room("refs", alice="member", bob="member")
    with chat.client("alice") as alice, chat.client("bob") as bob:
        assert alice.send("lobby", {"text": "a", "ref": "same"}) < 0x80
        assert alice.send("refs", {"text": "b", "ref": "same"}) < 0x80
        assert bob.send("refs", {"text": "c", "ref": "same"}) < 0x80
    stored_under(chat, "refs", "same", ["b", "c"])


def test_a_refused_message_uses_no_ref_up(chat):
    with chat.client("alice") as alice:
        assert alice.send("lobby", {"text": "x" * 70000, "ref": "fresh"}) == 0x87
        assert alice.send("lobby", {"text": "now smaller", "ref": "fresh"}) < 0x80
        alice.request("room.list")
        assert not [n for n in alice.inbox if n["type"] == "duplicate"]
    stored_under(chat, "lobby", "fresh", ["now smaller"])


def test_a_retry_after_sigkill_of_broker_and_backend_is_one_message(make_server):
    server = make_server().start()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    with server.client("alice") as alice:
        alice.subscribe("rooms/lobby/messages")
        for i in range(50):
            assert alice.send("lobby", {"text": f"m{i}", "ref": f"r{i}"}) < 0x80
        seqs = {e["ref"]: e["seq"] for e in alice.wait_envelopes(50)}
        server.kill()
    server.start()
    with server.client("alice") as alice:
        for i in range(50):
            assert alice.send("lobby", {"text": f"again {i}", "ref": f"r{i}"}) < 0x80
        for i in range(50):
            assert alice.wait_notice(type="duplicate", ref=f"r{i}")["seq"] == seqs[f"r{i}"]
        assert alice.send("lobby", {"text": "new", "ref": "new"}) < 0x80
    entries = wait_until(lambda: (h := server.history("lobby")) and h[-1].get("ref") == "new" and h, "all is stored")
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    assert [e["content"]["text"] for e in entries if e["type"] == "text"] == [f"m{i}" for i in range(50)] + ["new"]
    assert json.dumps(entries).count('"ref": "r7"') == 2  # in the envelope and in the content as sent
