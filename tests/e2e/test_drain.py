"""server.drain: clients are told and moved off at a pace, nobody else is let in, and the broker ends when nobody is left."""
import json
import subprocess

import pytest
from harness import PARLEYCTL, wait_until


def start_drain(server, *options):
    return subprocess.Popen([PARLEYCTL, "--config", server.ctl_config("admin"), "--json", "drain", *options],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def filled(server, clients):
    server.start()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    return [server.client("alice", f"phone-{i}", v=(4, 5)[i % 2], connect=True) for i in range(clients)]


def test_clients_are_told_and_moved_off_and_the_broker_ends(make_server):
    server = make_server()
    clients = filled(server, 8)
    drain = start_drain(server, "--over", "2s", "--server", "mqtts://chat2.example.org", "--stop")
    for client in clients:
        notice = client.wait_notice(type="moving")
        assert notice["server"] == "mqtts://chat2.example.org" and notice["in_s"] >= 0
    wait_until(lambda: not any(client.connected for client in clients), "all are moved off", log=server.broker)
    out, err = drain.communicate(timeout=120)
    assert drain.returncode == 0, err
    assert json.loads(out) == {"clients": 8, "stopped": True}
    assert server.broker.popen.wait(60) == 0, "the broker ended as at SIGTERM"
    # What was accepted is there, and a broker that starts anew takes everybody.
    server.start_broker()
    server.wait_ready()
    with server.client("alice") as alice:
        assert alice.send("lobby", "after all that") < 0x80


def test_meanwhile_nobody_is_let_in_and_a_cancelled_drain_lets_them_in_again(make_server):
    server = make_server()
    clients = filled(server, 2)
    assert server.http("/readyz")[0] == 200
    assert start_drain(server, "--over", "1h", "--no-wait").wait(60) == 0
    code, body = wait_until(lambda: (r := server.http("/readyz"))[0] == 503 and r, "not ready while it drains")
    assert "moved off" in body
    # Closed without a CONNACK, so that clients try again; administrators come in.
    late = server.client("alice", connect=False)
    late.mqtt.connect("127.0.0.1", server.ports[late.via])
    late.mqtt.loop_start()
    wait_until(lambda: server.ctl("status")[1][0]["broker"]["counters"]["logins_drained"] > 0, "turned away")
    assert not late.connected
    late.close()
    assert all(client.connected for client in clients), "their turn has not come"
    server.backend.stop()
    server.start_backend(wait_ready=False)
    wait_until(lambda: "moved off" in server.http("/readyz")[1], "a new parleyd learns of it", log=server.backend)
    assert start_drain(server, "--cancel").wait(60) == 0
    wait_until(lambda: server.http("/readyz")[0] == 200, "ready again")
    for client in [*clients, server.client("alice")]:
        assert client.connected
        client.close()


@pytest.mark.profile("embedded")
def test_only_administrators_drain_and_only_with_sense(chat):
    assert chat.request("alice", "server.drain")["error"]["code"] == "not_allowed"
    with chat.client("admin") as admin:
        for params in ({"over_s": -1}, {"on": False, "stop": True}, {"server": "a\nb"}, {"over_s": 86401}):
            assert admin.request("server.drain", **params)["error"]["code"] == "invalid_argument", params
        assert admin.request("server.drain", on=False)["result"] == {"draining": False, "left": 0}
    assert start_drain(chat, "--over", "soon").wait(60) == 2
