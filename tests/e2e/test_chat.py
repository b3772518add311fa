"""Issue line 1 and 2: people chat with ordinary clients, and everybody sees the same."""
import base64
import json
import subprocess

import pytest
from harness import LOBBY_RETAINED, have_node, mosquitto, mosquitto_pub, wait_until
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from wsclient import WsClient


def test_ordinary_clients_over_tcp_and_websocket_see_the_same_envelopes(chat):
    assert have_node(), "MQTT.js is not installed: tools/test does it (npm ci in tests/e2e)"
    bob = WsClient(chat, "bob", "bob-web")
    paho = chat.client("reader", v=4)
    try:
        bob.wait_event("connected")
        bob.command(subscribe="rooms/lobby/messages")
        assert bob.wait_event("suback")["codes"] == [1]
        paho.subscribe("rooms/lobby/messages")
        before = chat.history("lobby")[-1]["seq"]

        assert mosquitto_pub(chat, "alice", "rooms/lobby/send", "from tcp", "-q", "1", "-i", "alice-tcp").returncode == 0
        first = bob.wait_text("from tcp")
        bob.command(publish="rooms/lobby/send", payload=json.dumps({"text": "from ws", "ref": "w1"}), qos=1)
        assert bob.wait_event("puback")["code"] < 0x80
        second = bob.wait_text("from ws")
        paho.send("lobby", "reader may not", qos=1)
        assert mosquitto_pub(chat, "mod", "rooms/lobby/send", "third", "-q", "2").returncode == 0
        third = bob.wait_text("third")

        assert [first["seq"], second["seq"], third["seq"]] == [before + 1, before + 2, before + 3]
        assert (first["from"], first["device"], first["role"]) == ("alice", "alice-tcp", "member")
        assert (second["from"], second["device"], second["ref"]) == ("bob", "bob-web", "w1")
        assert third["role"] == "moderator"
        paho.wait_text("third")
        assert paho.envelopes("lobby")[-3:] == [first, second, third]
        wait_until(lambda: chat.history("lobby")[-3:] == [first, second, third], "history shows the same")
    finally:
        bob.close()
        paho.close()


def test_numbers_begin_at_one_and_have_no_holes(chat):
    chat.add_room("dense", alice="member")
    with chat.client("alice") as alice:
        for i in range(20):
            assert alice.send("dense", f"m{i}") < 0x80
    entries = wait_until(lambda: (h := chat.history("dense")) and h[-1]["content"].get("text") == "m19" and h, "all is stored")
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    assert [e["type"] for e in entries[:2]] == ["room", "member"]
    assert [e["content"]["text"] for e in entries[2:]] == [f"m{i}" for i in range(20)]


@pytest.mark.parametrize("v", [4, 5])
def test_text_json_and_bytes_arrive_as_the_contract_says(chat, v):
    with chat.client("bob") as bob, chat.client("alice", v=v) as alice:
        bob.subscribe("rooms/lobby/messages")
        alice.send("lobby", f"plain {v} äöü")
        assert bob.wait_text(f"plain {v} äöü")["type"] == "text"
        sent = {"text": f"object {v}", "ref": f"o{v}", "nested": {"a": [1, 2, {"b": None}]}}
        alice.send("lobby", sent)
        envelope = bob.wait_text(f"object {v}")
        assert envelope["content"] == sent
        assert envelope["ref"] == f"o{v}"
        properties = None
        if v == 5:
            properties = Properties(PacketTypes.PUBLISH)
            properties.ContentType = "image/png"
            properties.UserProperty = ("ref", "picture")
        payload = b"\x89PNG\xff\xfe\x00" + bytes([v])
        count = len(bob.envelopes())
        assert alice.send("lobby", payload, properties=properties) < 0x80
        data = bob.wait_envelopes(count + 1)[-1]
        assert data["type"] == "data"
        assert base64.b64decode(data["content"]["data"]) == payload
        assert data["content"]["content_type"] == ("image/png" if v == 5 else "application/octet-stream")
        assert data.get("ref") == ("picture" if v == 5 else None)


DEEP = json.dumps({"text": "x", "a": json.loads("[" * 20 + "]" * 20)})
BAD = [
    ("", "empty"), ("{}", "empty"), ("   ", "empty"), ('{"text":""}', "empty"),
    ('{"text":"x"', "malformed"), ('{"text":"x"} trailing', "malformed"), ('{"text":7}', "malformed"),
    ('{"text":"nul \\u0000"}', "malformed"), (b'{"text":"\xff"}', "malformed"), ('{"ref":1,"text":"x"}', "malformed"),
    ('{"type":"edit","text":"x"}', "malformed"),
    (DEEP, "too_deep"), (json.dumps({"text": "x" * 70000}), "too_large"), ("y" * 70000, "too_large"),
    ('{"type":"member","text":"x"}', "reserved_type"), ('{"type":"room"}', "reserved_type"), ('{"type":"bogus"}', "reserved_type"),
]


@pytest.mark.parametrize("v", [4, 5])
@pytest.mark.parametrize("payload,code", BAD, ids=[f"{c}-{i}" for i, (p, c) in enumerate(BAD)])
def test_bad_content_is_refused_with_its_code(chat, v, payload, code):
    with chat.client("alice", v=v) as alice:
        alice.subscribe("rooms/lobby/messages")
        assert alice.send("lobby", "before") < 0x80
        before = alice.wait_text("before")["seq"]
        rc = alice.send("lobby", payload)
        assert rc == (0x87 if v == 5 else 0)
        notice = alice.wait_notice(type="refused", code=code)
        assert notice["room"] == "lobby" and len(notice["reason"]) > 10
        assert alice.send("lobby", "after") < 0x80
        assert alice.wait_text("after")["seq"] == before + 1  # a refused message takes no number


def test_senders_of_all_qos_are_in_one_order_for_every_subscriber(chat):
    chat.add_room("mixed", alice="member", bob="member", mod="member", reader="reader")
    readers = [chat.client("reader", v=v) for v in (4, 5)]
    senders = [chat.client(name, v=v) for name, v in (("alice", 4), ("bob", 5), ("mod", 5))]
    try:
        for qos, r in enumerate(readers):
            r.subscribe("rooms/mixed/messages", qos=qos + 1)
        for i in range(60):
            for qos, s in enumerate(senders):
                s.mqtt.publish("rooms/mixed/send", json.dumps({"text": f"{qos}.{i}"}), qos=qos)
        got = [r.wait_envelopes(180, "mixed") for r in readers]
        for envelopes in got:
            seqs = [e["seq"] for e in envelopes]
            assert seqs == list(range(seqs[0], seqs[0] + 180))
        assert got[0] == got[1]
        for qos in range(3):  # each sender's own order is kept
            mine = [e["content"]["text"] for e in got[0] if e["content"]["text"].startswith(f"{qos}.")]
            assert mine == [f"{qos}.{i}" for i in range(60)]
        with chat.client("reader") as late:
            last = got[0][-1]["seq"]
            history = wait_until(lambda: (h := late.ok("history", room="mixed", limit=500)["messages"])[-1]["seq"] == last and h, "all is stored")
        assert history[-180:] == got[0]
    finally:
        for c in readers + senders:
            c.close()


def test_spoofed_fields_stay_inside_content(chat):
    forged = {"text": "forged", "from": "bob", "seq": 1, "at": 1, "id": "x", "role": "owner", "device": "d", "epoch": "e",
              "room": "den", "imported": True, "content": {"text": "inner"}}
    with chat.client("bob") as bob, chat.client("alice", "alice-forge") as alice:
        bob.subscribe("rooms/lobby/messages")
        assert alice.send("lobby", forged) < 0x80
        e = bob.wait_text("forged")
        assert (e["from"], e["device"], e["role"], e["room"]) == ("alice", "alice-forge", "member", "lobby")
        assert e["seq"] > 1 and e["at"] > 1_600_000_000_000 and len(e["id"]) == 26
        assert "imported" not in e and e["content"] == forged


def test_sent_messages_reach_nobody_on_the_send_topic_and_are_not_retained(chat):
    with chat.client("admin", "admin-watch") as admin, chat.client("alice") as alice:
        admin.subscribe("#")
        assert alice.send("lobby", "keep me?", retain=True) < 0x80
        admin.wait_text("keep me?")
        assert not [m for m in admin.seen if m.topic.endswith("/send")]
    out = subprocess.run(mosquitto("mosquitto_sub", chat, "alice", "-t", "rooms/lobby/#", "--retained-only", "-W", "2", "-F", "%t"), capture_output=True, text=True)
    assert set(out.stdout.split()) <= LOBBY_RETAINED
