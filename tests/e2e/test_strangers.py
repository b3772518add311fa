"""Issue line 3: strangers are kept out, and members stay in their lane."""
import json
import subprocess

import pytest
from harness import LOBBY_RETAINED, Client, Refused, mosquitto, wait_until

FILTERS = ["rooms/lobby/messages", "rooms/#", "#", "rooms/+/messages", "$share/x/rooms/lobby/messages", "+/+/messages", "rooms/lobby/#",
           "rooms/lobby/state", "rooms/lobby/presence/+", "users/alice/inbox", "users/alice/replies", "users/alice/replies/#", "users/+/inbox",
           "users/alice/requests/#", "users/#", "+/#", "+/lobby/messages", "$parley/feed", "$parley/#", "$CONTROL/#",
           "$CONTROL/parley/v1", "users/alice/devices/+/status", "$share/x/#"]


@pytest.mark.parametrize("user,password,v", [("mallory", "x", 4), ("mallory", "x", 5), ("alice", "wrong", 4), ("alice", "wrong", 5),
                                             ("alice", "", 5), (None, None, 4), (None, None, 5), ("$parleyd", "guess", 5), ("ALICE", None, 5)])
def test_a_stranger_cannot_connect(chat, user, password, v):
    if user == "ALICE":
        password = chat.passwords["alice"]
    with pytest.raises(Refused) as refused:
        Client(chat, "alice" if user is None else user, "stranger", v=v, username=user, password=password)
    assert refused.value.code == (0x87 if v == 5 else 5)


@pytest.mark.parametrize("v", [4, 5])
def test_an_outsider_can_subscribe_to_nothing_of_others(chat, v):
    with chat.client("eve", v=v) as eve:
        codes = eve.subscribe(*FILTERS, check=False)
        assert dict(zip(FILTERS, codes)) == dict.fromkeys(FILTERS, 0x87 if v == 5 else 0x80)


def test_a_member_cannot_use_wide_filters(chat):
    wide = ["#", "+/#", "rooms/#", "rooms/+/messages", "+/lobby/messages", "users/#", "users/bob/inbox", "$share/g/#", "rooms/lobby/send"]
    with chat.client("alice") as alice:
        assert alice.subscribe(*wide, check=False) == [0x87] * len(wide)
        assert alice.subscribe("rooms/lobby/#", "$share/g/rooms/lobby/messages", "users/alice/#", check=False) == [1, 1, 1]


OUTSIDER_PUBLISH = ["rooms/lobby/send", "rooms/nowhere/send", "rooms/lobby/messages", "rooms/lobby/typing/eve", "users/alice/requests/history",
                    "users/alice/inbox", "users/alice/replies", "users/alice/devices/a/status", "$CONTROL/parley/v1", "$parley/feed"]


@pytest.mark.parametrize("topic", OUTSIDER_PUBLISH)
def test_an_outsider_cannot_publish(chat, topic):
    with chat.client("eve") as eve:
        assert eve.publish(topic, '{"text":"eve was here","ref":"e1"}') == 0x87
        notice = eve.wait_notice(type="refused")
        if topic.startswith("rooms/"):
            assert notice["code"] in ("not_a_member", "not_allowed")
        assert notice.get("ref") == ("e1" if topic.endswith("/send") else None)
    with chat.client("eve", v=4) as eve:
        eve.publish(topic, '{"text":"eve was here"}')
    assert not any(e["content"].get("text") == "eve was here" for e in chat.history("lobby"))


def test_a_room_that_is_not_there_looks_like_one_you_are_not_in(chat):
    with chat.client("eve") as eve:
        notices = []
        for room in ("den", "nowhere"):
            eve.send(room, "x")
            n = dict(eve.wait_notice(type="refused", room=room))
            n.pop("room")
            notices.append(n)
        assert notices[0] == notices[1]
        answers = [eve.request(m, room=r)["error"] for r in ("den", "nowhere") for m in ("history", "room.get", "member.list")]
        assert answers[:3] == answers[3:] and {a["code"] for a in answers} == {"not_a_member"}


MEMBER_PUBLISH = ["rooms/lobby/messages", "rooms/lobby/presence/alice", "rooms/lobby/state", "rooms/lobby/typing/bob", "rooms/lobby/receipts/bob",
                  "users/bob/devices/bob-phone/status", "users/alice/devices/other-device/status", "users/alice/inbox", "users/alice/replies",
                  "users/bob/requests/history", "$CONTROL/parley/v1", "$CONTROL/other/v1", "$parley/feed", "rooms/lobby", "rooms/lobby/send/x",
                  "users/alice"]


@pytest.mark.parametrize("topic", MEMBER_PUBLISH)
def test_a_member_cannot_publish_what_is_not_theirs(chat, topic):
    with chat.client("alice", "alice-lane") as alice:
        for retain in (False, True):
            assert alice.publish(topic, '{"typing":true,"status":"online","read":1}', retain=retain) == 0x87
    out = subprocess.run(mosquitto("mosquitto_sub", chat, "admin", "-V", "5",
                                   "-t", "rooms/lobby/#", "-t", "users/+/devices/+/status", "--retained-only", "-W", "1", "-F", "%t"),
                         capture_output=True, text=True)
    assert set(out.stdout.split()) <= LOBBY_RETAINED


def test_a_reader_may_read_but_not_send(chat):
    with chat.client("reader") as reader:
        reader.subscribe("rooms/lobby/messages")
        assert reader.send("lobby", "psst") == 0x87
        assert reader.wait_notice(type="refused")["code"] == "not_allowed"
        assert reader.publish("rooms/lobby/receipts/reader", {"received": 1}) < 0x80


def test_what_members_tell_each_other_is_checked_and_delivered(chat):
    last = chat.history("lobby")[-1]["seq"]
    with chat.client("bob") as bob, chat.client("alice", "alice-tell") as alice:
        bob.subscribe("rooms/lobby/typing/+", "rooms/lobby/receipts/+", qos=1)
        alice.publish("rooms/lobby/typing/alice", {"typing": True}, qos=0)
        alice.publish("rooms/lobby/typing/alice", {"typing": "yes"}, qos=0)
        assert alice.wait_notice(code="malformed")
        assert alice.publish("rooms/lobby/receipts/alice", {"received": last, "read": last - 1}) < 0x80
        assert alice.publish("rooms/lobby/receipts/alice", {"read": last + 1000}) == 0x87
        assert alice.wait_notice(code="above_last_seq")
        assert alice.publish("rooms/lobby/receipts/alice", {"read": 1}) == 0x87  # backwards: dropped
        assert alice.publish("rooms/lobby/typing/alice", {"typing": True}, retain=True) == 0x87
        assert alice.wait_notice(code="retain_not_allowed")
        assert alice.publish("users/alice/devices/alice-tell/status", {"status": "online"}, retain=True) < 0x80
        assert alice.publish("users/alice/devices/alice-tell/status", {"status": "dancing"}) == 0x87
        wait_until(lambda: len(bob.seen) >= 2, "typing and receipts")
        assert [(m.topic, json.loads(m.payload)) for m in bob.seen] == [
            ("rooms/lobby/typing/alice", {"typing": True}), ("rooms/lobby/receipts/alice", {"received": last, "read": last - 1})]


def test_an_outsider_reads_no_retained_state(chat):
    wait_until(lambda: "lobby" in subprocess.run(
        mosquitto("mosquitto_sub", chat, "alice", "-t", "rooms/lobby/state", "-C", "1", "-W", "2"), capture_output=True, text=True).stdout, "alice reads the retained state")
    out = subprocess.run(mosquitto("mosquitto_sub", chat, "eve", "-t", "rooms/lobby/state", "-C", "1", "-W", "2"), capture_output=True, text=True)
    assert out.stdout == "" and "denied" in out.stderr


@pytest.mark.parametrize("v", [4, 5])
def test_nobody_takes_anothers_client_id(chat, v):
    with chat.client("alice", "alice-phone", v=v, clean=False, expiry_s=600) as alice:
        with pytest.raises(Refused):
            chat.client("eve", "alice-phone", v=v)
        with pytest.raises(Refused):
            chat.client("eve", "ALICE-phone", v=v)
        assert alice.connected
    with pytest.raises(Refused):  # alice sleeps: her session's id stays hers
        chat.client("eve", "alice-phone", v=v, clean=False)
    chat.client("alice", "alice-phone", v=v, clean=True).close()


@pytest.mark.parametrize("device", ["has space", "slash/ed", "plus+", "ünicode", "x" * 65, "-dash"])
def test_illegal_client_ids_are_refused(chat, device):
    with pytest.raises(Refused) as refused:
        chat.client("alice", device)
    assert refused.value.code == 0x87


@pytest.mark.parametrize("topic", ["rooms/lobby/send", "rooms/lobby/messages", "$CONTROL/parley/v1", "users/alice/inbox", "users/alice/requests/room.leave"])
def test_a_will_brings_a_stranger_no_further(chat, topic):
    with chat.client("alice") as alice:
        alice.subscribe("rooms/lobby/messages")
        try:
            chat.client("eve", will={"topic": topic, "payload": '{"text":"last words"}', "qos": 1}).drop()
        except Refused:
            assert topic.startswith("$CONTROL/")  # Mosquitto 2.1 takes no such will
        with chat.client("bob") as bob:
            assert bob.send("lobby", f"after the will {topic}") < 0x80
        alice.wait_text(f"after the will {topic}")
        assert not any(e["content"].get("text") == "last words" for e in alice.envelopes())
        assert not [n for n in alice.inbox if "last words" in json.dumps(n)]


def test_a_members_will_on_send_reaches_nobody_but_status_works(chat):
    with chat.client("alice", "alice-watch") as watch:
        watch.subscribe("rooms/lobby/messages", "users/alice/devices/+/status")
        for topic, payload in (("rooms/lobby/send", '{"text":"my will"}'), ("users/alice/devices/alice-dies/status", '{"status":"offline"}')):
            dying = chat.client("alice", "alice-dies", will={"topic": topic, "payload": payload, "qos": 1, "retain": topic.endswith("status")})
            dying.drop()
        wait_until(lambda: any(m.topic.endswith("alice-dies/status") for m in watch.seen), "the status will")
        assert not any(e["content"].get("text") == "my will" for e in watch.envelopes())
    assert not any(e["content"].get("text") == "my will" for e in chat.history("lobby"))
