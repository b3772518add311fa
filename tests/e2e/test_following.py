"""One id from PUBLISH to push: what follows a message through the logs (README, "Following one message")."""
import json
import re
import shlex

import pytest
from harness import have_node, wait_until
from notifying import QUICK, register, stand_ins, wait_offline
from standins import Fcm

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.skipif(not have_node(), reason="node is not installed")]


def broker_events(server):
    """[(event, {fact: value})] of the plugin's lines in Mosquitto's log."""
    found = []
    for line in server.broker.log().splitlines():
        at = re.search(r"parley: ((?:message \w+|refused)(?= )) ?(.*)$", line)
        if at:
            found.append((at[1], dict(word.split("=", 1) for word in shlex.split(at[2]))))
    return found


def backend_events(server, **facts):
    """parleyd's lines that have these facts; every line is an object."""
    lines = [json.loads(line) for line in server.backend.log().splitlines()]
    return [line for line in lines if facts.items() <= line.items()]


def test_one_message_is_followed_from_the_brokers_log_to_the_push(make_server, tmp_path):
    with stand_ins(tmp_path / "standins") as providers:
        fcm = providers.start(Fcm)
        server = make_server(plugin_opts={"log_level": "debug"}, broker_conf="log_type debug\nlog_type information\nlog_type notice\nlog_type warning\nlog_type error",
                             backend_opts=QUICK | providers.keys() | {"log.level": "debug", "log.format": "json"}).start()
        for name in ("alice", "bob"):
            server.add_user(name)
        server.add_room("lab", alice="member", bob="member")
        register(server, "bob", "fcm", fcm.device())
        wait_offline(server, "bob")
        with server.client("alice", "alice-phone") as alice:
            alice.subscribe("rooms/lab/messages")
            assert alice.send("lab", {"text": "follow me", "ref": "r 1"}) < 0x80
            envelope = alice.wait_text("follow me")
            assert alice.send("lab", {"text": "follow me", "ref": "r 1"}) < 0x80  # a retry
            assert alice.send("lab", {"type": "nonsense", "ref": "r2"}) >= 0x80
        message = envelope["id"]

        accepted = [facts for event, facts in broker_events(server) if event == "message accepted" and facts.get("id") == message]
        assert accepted == [{"id": message, "room": "lab", "seq": str(envelope["seq"]), "from": "alice", "device": "alice-phone", "type": "text", "ref": "r 1"}]
        events = broker_events(server)
        assert ("message repeated", {"room": "lab", "seq": str(envelope["seq"]), "from": "alice", "device": "alice-phone", "ref": "r 1"}) in events
        (refused,) = [facts for event, facts in events if event == "refused" and facts.get("ref") == "r2"]
        assert {"code": "reserved_type", "from": "alice", "device": "alice-phone", "room": "lab"}.items() <= refused.items()

        stored = wait_until(lambda: backend_events(server, id=message, message="message stored"), "it is stored")
        assert {"room": "lab", "seq": envelope["seq"], "from": "alice"}.items() <= stored[0].items()
        (planned,) = wait_until(lambda: backend_events(server, id=message, message="notification planned"), "it is planned")
        assert (planned["user"], planned["targets"]) == ("bob", 1)
        (sent,) = wait_until(lambda: backend_events(server, id=message, message="notification sent"), "it is sent")
        assert (sent["provider"], sent["user"]) == ("fcm", "bob")
        pushed = fcm.wait_received(1)[0]
        assert sent["notice"] in json.dumps(pushed), "the push has the notice's id"
        assert "follow me" not in server.backend.log() + server.broker.log(), "contents stay out of logs"


def test_nothing_is_written_of_messages_unless_asked_for(make_server):
    server = make_server(backend_opts={"log.format": "json"}).start()
    server.add_user("alice")
    server.add_room("lab", alice="member")
    with server.client("alice") as alice:
        assert alice.send("lab", {"text": "x"}) < 0x80
    wait_until(server.all_stored, "all is stored")
    assert broker_events(server) == []
    assert not [line for line in backend_events(server) if line["message"].startswith("message ")]
