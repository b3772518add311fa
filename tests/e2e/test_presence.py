"""Presence: who is there, seen from outside, whatever connections, wills and servers do."""
import json
import signal

import paho.mqtt.client as paho
import pytest
from harness import Server, have_node, wait_until
from wsclient import WsClient

# Short, so that tests are: what counts is the order of things, not how long they take.
TIMES = {"presence.settle_ms": 150, "presence.leave_grace_ms": 1200}
OFFLINE = {"retain": True, "qos": 1, "payload": '{"status":"offline"}'}


def people(server, *names):
    for name in names:
        server.add_user(name)


@pytest.fixture(scope="module")
def chat(tmp_path_factory, profile):
    """alice, bob, carol in the lobby; eve in no room. Rooms of up to 4 members show each one's presence."""
    server = Server(tmp_path_factory.mktemp("presence"), profile, backend_opts={**TIMES, "presence.room_max": 4}).start()
    try:
        people(server, "alice", "bob", "carol", "eve", "watcher")
        server.add_room("lobby", alice="member", bob="member", carol="member")
        yield server
    finally:
        server.remove()


def status_topic(client):
    return f"users/{client.user}/devices/{client.device}/status"


def say(client, status):
    assert client.publish(status_topic(client), {"status": status}, retain=True) < 0x80


class Watch:
    """A member who watches the presence of a room's members."""

    def __init__(self, server, room="lobby", user="carol", **kwargs):
        self.room = room
        self.client = server.client(user, **kwargs)
        self.client.subscribe(f"rooms/{room}/presence/+", f"rooms/{room}/state")

    def told(self, user):
        """What was told of a user so far: statuses, None for a cleared message."""
        topic = f"rooms/{self.room}/presence/{user}"
        return [json.loads(m.payload)["status"] if m.payload else None for m in list(self.client.seen) if m.topic == topic]

    def last(self, user):
        topic = f"rooms/{self.room}/presence/{user}"
        return next((json.loads(m.payload) for m in reversed(self.client.seen) if m.topic == topic and m.payload), None)

    def wait(self, user, status):
        wait_until(lambda: (told := self.told(user)) and told[-1] == status, f"{user} is {status}, told {self.told(user)}")
        return self

    def state(self):
        states = [json.loads(m.payload) for m in list(self.client.seen) if m.topic == f"rooms/{self.room}/state"]
        return states[-1] if states else {}

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.client.close()


def a_grace_passes(server, watch):
    """Returns when whoever was gone at the call would be shown as offline: bob comes and goes after it."""
    told = len(watch.told("bob"))
    with server.client("bob"):
        wait_until(lambda: watch.told("bob")[told:] == ["online"], "bob is online")
    wait_until(lambda: watch.told("bob")[told:] == ["online", "offline"], "bob is offline again")


def retained(server, filter, user="carol"):
    """What a newcomer finds: {topic: payload}."""
    with server.client(user) as c:
        c.subscribe(filter)
        c.ok("room.list")  # the answer comes after what is retained
        # The administrator's short connections are now and then long enough to be seen.
        return {m.topic: m.payload.decode() for m in c.seen if m.retain and not m.topic.endswith("/admin")}


def test_members_see_who_comes_goes_and_is_away(chat):
    assert have_node(), "MQTT.js is not installed: tools/test does it (npm ci in tests/e2e)"
    with Watch(chat, v=4) as watch:
        alice = WsClient(chat, "alice", "alice-web")
        try:
            alice.wait_event("connected")
            watch.wait("alice", "online")
            seen = watch.last("alice")["last_seen"]
            assert seen > 1_600_000_000_000
            alice.command(subscribe="rooms/lobby/presence/+")
            alice.wait_event("suback")
            alice.wait(lambda e: e["event"] == "message" and e["topic"] == "rooms/lobby/presence/alice", "her own presence")
            for status in ("away", "online"):
                alice.command(publish="users/alice/devices/alice-web/status", payload=json.dumps({"status": status}), qos=1)
                watch.wait("alice", status)
        finally:
            alice.close()
        watch.wait("alice", "offline")
        assert watch.told("alice")[-4:] == ["online", "away", "online", "offline"]
        assert watch.last("alice")["last_seen"] >= seen
    assert json.loads(retained(chat, "rooms/lobby/presence/alice")["rooms/lobby/presence/alice"])["status"] == "offline"
    # What the device said is cleared once it is gone: it had no will to say so.
    wait_until(lambda: not retained(chat, "users/alice/devices/+/status", user="alice"), "the status is cleared")


def test_twenty_flaps_are_hardly_an_event(make_server):
    server = make_server(backend_opts={"presence.settle_ms": 1000, "presence.leave_grace_ms": 2000}).start()
    people(server, "alice", "bob", "carol")
    server.add_room("lobby", alice="member", bob="member", carol="member")
    with Watch(server) as watch:
        for i in range(20):
            will = {"topic": "users/alice/devices/alice-flap/status", **OFFLINE}
            with server.client("alice", "alice-flap", v=4 + i % 2, will=will) as c:
                say(c, "away" if i % 2 else "online")
                c.drop() if i % 3 else c.close()
        with server.client("alice", "alice-flap"):
            watch.wait("alice", "online")
            a_grace_passes(server, watch)
            assert len(watch.told("alice")) <= 3, watch.told("alice")
        watch.wait("alice", "offline")


@pytest.mark.parametrize("v", [4, 5])
def test_a_late_will_does_not_beat_a_reconnect(chat, v):
    topic = "users/alice/devices/alice-phone/status"
    will = {"topic": topic, **OFFLINE}
    with Watch(chat) as watch, chat.client("alice", "alice-pad") as pad:
        pad.subscribe("users/alice/devices/+/status")
        watch.wait("alice", "online")
        before = len(watch.told("alice"))
        first = chat.client("alice", "alice-phone", v=v, will=will)
        say(first, "online")
        with chat.client("alice", "alice-phone", v=v, will=will):  # takes the client id over: the first one's will goes out
            first.wait_disconnected()
            wait_until(lambda: [m for m in pad.seen if m.topic == topic and b"offline" in m.payload], "the late will")
            pad.close()
            a_grace_passes(chat, watch)
            assert watch.told("alice")[before:] == []
            assert json.loads(retained(chat, topic, user="alice")[topic])["status"] == "offline"
            with chat.client("bob") as bob:
                assert bob.ok("presence.get", user="alice")["status"] == "online"
        watch.wait("alice", "offline")


def test_who_is_back_in_time_was_never_gone(chat):
    with Watch(chat) as watch:
        first = chat.client("alice", "alice-phone")
        watch.wait("alice", "online")
        told = len(watch.told("alice"))
        first.drop()
        with chat.client("alice", "alice-phone"):
            a_grace_passes(chat, watch)
            assert watch.told("alice")[told:] == []
        watch.wait("alice", "offline")


def test_two_devices_are_one_presence(chat):
    with Watch(chat) as watch:
        with chat.client("alice", "alice-phone") as phone, chat.client("alice", "alice-pad", v=4) as pad:
            watch.wait("alice", "online")
            told = len(watch.told("alice"))
            say(phone, "away")
            a_grace_passes(chat, watch)
            assert watch.told("alice")[told:] == []
            say(pad, "away")
            watch.wait("alice", "away")
            mine = pad.ok("presence.get")
            assert mine["devices"] == [{"device": "alice-pad", "connected": True, "status": "away"},
                                       {"device": "alice-phone", "connected": True, "status": "away"}]
            with chat.client("bob") as bob:
                assert "devices" not in bob.ok("presence.get", user="alice")
            say(phone, "online")
            watch.wait("alice", "online")
        watch.wait("alice", "offline")


def test_the_invisible_are_offline_for_others_alone(chat):
    with Watch(chat) as watch, chat.client("alice", "alice-phone") as alice, chat.client("bob") as bob:
        watch.wait("alice", "online")
        assert alice.ok("presence.set", invisible=True) == {"invisible": True}
        watch.wait("alice", "offline")
        hid = watch.last("alice")["last_seen"]
        told = len(watch.told("alice"))
        alice.close()
        with chat.client("alice", "alice-pad") as again:  # also on another device, and when everything starts anew
            chat.backend.kill()
            chat.start_backend()
            # A new parleyd answers before it has asked the plugin who is connected.
            wait_until(lambda: [d["device"] for d in again.ok("presence.get")["devices"]] == ["alice-pad"], "the pad is known")
            mine = again.ok("presence.get")
            assert mine["invisible"]
            shown = bob.ok("presence.get", user="alice")
            assert shown == {"user": "alice", "status": "offline", "last_seen": hid}
            assert {"user": "alice", "status": "offline", "last_seen": hid} in bob.ok("presence.list", room="lobby")["presence"]
            assert watch.told("alice")[told:] == []
            again.ok("presence.set", invisible=False)
            watch.wait("alice", "online")
        watch.wait("alice", "offline")


def test_strangers_see_nothing_and_nobody_writes_presence(chat):
    with chat.client("eve") as eve, chat.client("bob") as bob:
        reply = eve.request("presence.get", user="alice")
        assert reply["error"]["code"] == "not_allowed"
        assert eve.request("presence.list", room="lobby")["error"]["code"] == "not_a_member"
        assert eve.subscribe("rooms/lobby/presence/+", check=False) == [0x87]
        assert bob.publish("rooms/lobby/presence/bob", {"status": "online"}, retain=True) == 0x87
        assert bob.publish("rooms/lobby/presence/alice", {"status": "offline"}) == 0x87
        bob.wait_notice(type="refused", code="not_allowed")
        assert bob.publish("users/bob/devices/bob-other/status", {"status": "online"}, retain=True) == 0x87
        assert bob.publish(status_topic(bob), "", retain=True) == 0x87
        assert bob.publish(status_topic(bob), {"status": "asleep"}, retain=True) == 0x87


def test_leaving_a_room_takes_ones_presence_along(chat):
    people(chat, "dora", "dick")
    chat.add_room("garden", carol="member", dora="member", dick="member")
    with Watch(chat, "garden") as watch, chat.client("dora") as dora, chat.client("dick"):
        watch.wait("dora", "online").wait("dick", "online")
        chat.ctl("member", "remove", "garden", "dora")
        watch.wait("dora", None)
        dora.wait_disconnected()  # who loses a right is put out once
        dora.connect()
        chat.ctl("member", "ban", "garden", "dick")
        watch.wait("dick", None)
        assert set(retained(chat, "rooms/garden/presence/+")) == {"rooms/garden/presence/carol"}
        chat.ctl("member", "add", "garden", "dora")
        watch.wait("dora", "online")
    chat.ctl("room", "delete", "garden", "--yes")
    chat.add_room("garden", carol="member")  # one of the same name begins anew
    wait_until(lambda: set(retained(chat, "rooms/garden/presence/+")) <= {"rooms/garden/presence/carol"}, "all of before is cleared")


def test_large_rooms_have_numbers_instead(chat):
    names = ["p1", "p2", "p3", "p4"]
    people(chat, *names)
    chat.add_room("hall", carol="member", **{name: "member" for name in names[:2]})  # admin is its owner: 4
    with Watch(chat, "hall") as watch, chat.client("p1") as p1, chat.client("p3"):
        watch.wait("p1", "online")
        assert "online" not in watch.state()
        chat.ctl("member", "add", "hall", "p3")
        watch.wait("p1", None).wait("carol", None)
        wait_until(lambda: watch.state().get("online") == 3, f"carol, p1, p3 are counted: {watch.state()}")
        say(p1, "away")
        wait_until(lambda: (watch.state().get("online"), watch.state().get("away")) == (2, 1), "p1 is counted as away")
        assert watch.told("p3") == []
        chat.ctl("member", "remove", "hall", "p1")
        watch.wait("p3", "online").wait("carol", "online")
        wait_until(lambda: "online" not in watch.state(), "no numbers any more")
        assert watch.told("p1")[-1] is None


def test_a_restart_finds_them_gone_after_everything_was_killed(make_server):
    server = make_server(backend_opts=TIMES).start()
    people(server, "alice", "bob", "carol")
    server.add_room("lobby", alice="member", bob="member", carol="member")
    watch = Watch(server)
    alice = server.client("alice", "alice-phone", will={"topic": "users/alice/devices/alice-phone/status", **OFFLINE})
    say(alice, "online")
    watch.wait("alice", "online")
    server.broker.send(signal.SIGUSR1)  # saves what is retained: that alice is online
    wait_until(lambda: (server.folder / "broker" / "mosquitto.db").exists(), "the broker's database")
    server.kill()
    for client in (alice, watch.client):
        client.wait_disconnected()
        client.mqtt.loop_stop()
    server.start()
    wait_until(lambda: json.loads(retained(server, "rooms/lobby/presence/alice").get("rooms/lobby/presence/alice", "{}")).get("status") == "offline",
               "alice is offline")
    assert json.loads(retained(server, "rooms/lobby/presence/alice")["rooms/lobby/presence/alice"])["last_seen"] > 1_600_000_000_000
    wait_until(lambda: not retained(server, "users/alice/devices/+/status", user="alice"), "what her phone said is cleared")


def test_what_a_backend_left_half_done_is_mended(make_server):
    server = make_server(backend_opts=TIMES).start()
    people(server, "alice", "bob", "carol", "eve")
    server.add_room("lobby", alice="member", bob="member", carol="member")
    with Watch(server) as watch, server.client("alice", "alice-phone") as alice:
        watch.wait("alice", "online")
        server.backend.kill()
        alice.drop()
        # What one that died before it had done all may leave behind.
        writer = paho.Client(client_id="test-writer", protocol=paho.MQTTv311)
        writer.username_pw_set("$parleyd", server.secret.read_text().strip())
        writer.connect("127.0.0.1", server.mqtt_port)
        writer.loop_start()
        for user, status in (("eve", "online"), ("bob", "away")):
            writer.publish(f"rooms/lobby/presence/{user}", json.dumps({"status": status, "last_seen": 1}), qos=1, retain=True).wait_for_publish(10)
        writer.disconnect()
        writer.loop_stop()
        watch.wait("eve", "online")
        server.start_backend()
        watch.wait("eve", None).wait("bob", None).wait("alice", "offline")
        assert set(retained(server, "rooms/lobby/presence/+")) == {"rooms/lobby/presence/alice", "rooms/lobby/presence/carol"}
