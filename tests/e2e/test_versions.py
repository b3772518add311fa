"""Which plugin and which parleyd work together is found out when they meet; who can't is refused, told why, and goes on by itself after an upgrade."""
import socket
import threading

import pytest
from harness import free_ports, wait_until

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.transport("tcp")]  # what is on the way is rewritten


class OtherRelease:
    """Stands between parleyd and the broker and, while `on`, makes parleyd one that speaks only version 9 of the protocol between them."""

    def __init__(self, to_port):
        self.to_port, self.on = to_port, True
        (self.port,) = free_ports(1)
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.sockets = [self.listener]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                broker = socket.create_connection(("127.0.0.1", self.to_port))
            except OSError:
                return
            self.sockets += [client, broker]
            for one, other, change in ((client, broker, self.rewritten), (broker, client, bytes)):
                threading.Thread(target=self.pump, args=(one, other, change), daemon=True).start()

    def rewritten(self, data):
        if not self.on or b'"cmd":"attach"' not in data:
            return data
        return data.replace(b'"oldest":1,', b'"oldest":9,').replace(b'"version":1}', b'"version":9}')

    @staticmethod
    def pump(one, other, change):
        try:
            while data := one.recv(1 << 16):
                other.sendall(change(data))
        except OSError:
            pass
        for each in (one, other):
            each.close()

    def close(self):
        for each in self.sockets:
            each.close()


@pytest.fixture
def two(make_server):
    """A server, and what makes its parleyd another release's."""
    server = make_server().start_broker()
    between = OtherRelease(server.mqtt_port)
    server.toml.write_text(server.toml.read_text().replace(f"port = {server.mqtt_port}", f"port = {between.port}"))
    yield server, between
    between.close()


def test_a_parleyd_of_another_protocol_is_refused_told_why_and_attaches_after_the_upgrade(two):
    server, between = two
    between.on = False
    server.start_backend()
    (status,) = server.ctl("status")[1]
    assert status["broker"]["plugin"]["version"] == status["version"]
    server.backend.stop()

    between.on = True
    server.start_backend(wait_ready=False)
    why = "speaks version 9. Upgrade the plugin (package parley-broker-plugin) and restart Mosquitto."
    wait_until(lambda: why in server.http("/readyz")[1], "/readyz says what to do", log=server.backend)
    assert server.http("/readyz")[0] == 503
    assert why in server.backend.log() and "can't attach" in server.broker.log() and why in server.broker.log()
    # An administrator is told where they ask first.
    code, _, said = server.ctl("status", check=False)
    assert code == 1 and "unavailable" in said and why in said

    between.on = False  # upgraded
    server.wait_ready()
    assert server.ctl("status")[1][0]["broker"]["attached"]


def test_what_was_said_meanwhile_is_in_history_after_the_upgrade(two):
    server, between = two
    between.on = False
    server.start_backend()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    server.backend.stop()
    between.on = True
    server.start_backend(wait_ready=False)
    wait_until(lambda: "Upgrade the plugin" in server.http("/readyz")[1], "it is refused", log=server.backend)
    with server.client("alice") as alice:
        for i in range(20):
            assert alice.send("lobby", f"meanwhile {i}") < 0x80
    between.on = False
    server.wait_ready()
    wait_until(lambda: server.history("lobby")[-1]["content"].get("text") == "meanwhile 19", "history has caught up")
    assert [e["content"]["text"] for e in server.history("lobby") if e["type"] == "text"] == [f"meanwhile {i}" for i in range(20)]
