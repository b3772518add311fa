"""MQTT 5's enhanced authentication: SCRAM-SHA-256 from CONNECT to CONNACK and again later, OAUTHBEARER, and whoever does it wrongly."""
import json
import pathlib
import re
import secrets
import subprocess
import time

import jwt
import pytest
from harness import Server, have_node, running, wait_until
from mqtt5 import AGAIN, AUTH, BEARER, CONNACK, DATA, GO_ON, SCRAM, Bare, Gone, Scram, bearer, scram_again, scram_login

pytestmark = pytest.mark.profile("embedded")
SECRET = "a secret of more than thirty-two bytes, for tests"


def token(sub="alice", life_s=600, **claims):
    now = int(time.time())
    return jwt.encode({"sub": sub, "iat": now, "exp": now + life_s, **claims}, SECRET, algorithm="HS256")


@pytest.fixture(scope="module")
def server(tmp_path_factory, profile):
    folder = tmp_path_factory.mktemp("scram")
    key = folder / "key"
    key.touch(mode=0o600)
    key.write_text(SECRET)
    with running(Server(folder / "s", profile, plugin_opts={"jwt_key_file": key, "jwt_algorithm": "HS256", "scram": "true"}), "alice", "bob") as server:
        yield server


def device(user="alice"):
    return f"{user}-{secrets.token_hex(4)}"


def counter(server, name):
    return server.ctl("status")[1][0]["broker"]["counters"][name]


@pytest.fixture
def bare(server):
    opened = []

    def dial():
        opened.append(Bare(server.mqtt_port))
        return opened[-1]

    yield dial
    for connection in opened:
        connection.sock.close()


def test_who_proves_the_password_is_in_and_is_told_the_servers_proof(server, bare):
    me = device()
    alice = bare()
    assert scram_login(alice, me, "alice", server.passwords["alice"]) == 0
    assert alice.subscribe("rooms/lobby/#") == 1
    assert alice.publish("rooms/lobby/send", "by scram") == 0
    assert json.loads(alice.wait_published("rooms/lobby/messages"))["from"] == "alice"
    assert [s["auth"] for s in server.ctl("session", "list")[1] if s["device"] == me] == ["scram"]
    assert alice.publish("rooms/den/send", "not mine") == 0x87


def test_user_name_and_channel_binding_flag_may_be_given_when_they_agree(server, bare):
    assert scram_login(bare(), device(), "alice", server.passwords["alice"], username="alice", password="ignored") == 0
    assert scram_login(bare(), device(), "alice", server.passwords["alice"], header="y,,") == 0
    assert scram_login(bare(), device(), "alice", server.passwords["alice"], header="n,a=alice,") == 0
    assert scram_login(bare(), device(), "alice", server.passwords["alice"], username="bob") == 0x87
    assert scram_login(bare(), device(), "alice", server.passwords["alice"], header="n,a=bob,") == 0x87
    assert scram_login(bare(), device(), "alice", server.passwords["alice"], header="p=tls-exporter,,") == 0x87


def test_wrong_unknown_disabled_and_reserved_get_the_same_answers(server, bare):
    server.add_user("dora")
    server.ctl("user", "disable", "dora")
    seen, ends = {}, set()
    for user, password in (("alice", "wrong"), ("nobody", "x"), ("dora", server.passwords["dora"]), ("$parleyd", "x"), ("Alice", server.passwords["alice"]), ("admin", "x")):
        shown = []
        for _ in range(2):
            scram, connection = Scram(user, password), bare()
            connection.connect(device("x"), method=SCRAM, data=scram.first)
            kind, reason, properties = connection.answer()
            assert (kind, reason) == (AUTH, GO_ON), user
            connection.auth(GO_ON, SCRAM, scram.final(properties[DATA]))
            assert connection.answer()[:2] == (CONNACK, 0x87), user
            ends.add(connection.wait_gone())  # 2.0.21 sends a DISCONNECT behind the CONNACK
            shown.append((scram.salt, scram.iterations))
        assert shown[0] == shown[1], f"{user}'s salt changes"
        seen[user] = shown[0]
    assert len(ends) == 1
    assert {iterations for _, iterations in seen.values()} == {4096}
    assert len({salt for salt, _ in seen.values()}) == len(seen) and {len(salt) for salt, _ in seen.values()} == {24}


def test_the_salt_of_who_does_not_exist_outlives_the_broker(server, bare):
    def salt():
        scram = Scram("nobody", "x")
        properties = bare().connect(device(), method=SCRAM, data=scram.first).answer()[2]
        scram.final(properties[DATA])
        return scram.salt

    before = salt()
    server.broker.stop()
    server.start_broker()
    assert salt() == before
    server.wait_ready()


def test_an_answer_is_good_for_its_own_exchange_alone(server, bare):
    scram, first = Scram("alice", server.passwords["alice"]), bare()
    first.connect(device(), method=SCRAM, data=scram.first)
    final = scram.final(first.answer()[2][DATA])
    second = bare()
    second.connect(device(), method=SCRAM, data=scram.first)
    assert second.answer()[0] == AUTH
    second.auth(GO_ON, SCRAM, final)
    assert second.answer()[:2] == (CONNACK, 0x87)
    first.auth(GO_ON, SCRAM, final)
    assert first.answer()[:2] == (CONNACK, 0)


def test_nobody_gets_anywhere_before_the_last_step(server, bare):
    watcher = server.client("bob")
    watcher.subscribe("rooms/lobby/#")
    for impatient in (lambda c: c.packet(3, b"\x00\x10rooms/lobby/send" + b"\x00\x01\x00" + b"too early", 2),
                      lambda c: c.packet(8, b"\x00\x01\x00\x00\x0frooms/lobby/#xx\x01", 2),
                      lambda c: c.auth(AGAIN, SCRAM, Scram("alice", "x").first),
                      lambda c: c.auth(GO_ON, BEARER, bearer(token())),
                      lambda c: c.connect("again", username="alice", password=server.passwords["alice"])):
        connection = bare()
        connection.connect(device(), username="alice", method=SCRAM, data=Scram("alice", "x").first)
        assert connection.answer()[0] == AUTH
        impatient(connection)
        assert connection.wait_gone() != 0
    for step in (b"", b"\x00", b"\x18"):  # AUTH with nothing in it
        connection = bare()
        connection.connect(device(), username="alice", method=SCRAM, data=Scram("alice", "x").first)
        assert connection.answer()[0] == AUTH
        connection.packet(AUTH, step)
        assert connection.wait_gone() != 0
    assert watcher.ok("user.get")["user"] == "bob"
    assert not [e for e in watcher.envelopes("lobby") if "too early" in json.dumps(e)]
    watcher.close()


@pytest.mark.parametrize("data", [None, b"", b"\x00", b"n,,n=alice", "n,,n=alice,r=" + "x" * 5000, b"\xff\xfe", "n,,m=1,n=alice,r=x"])
def test_what_is_no_first_message_is_refused_at_once(server, bare, data):
    assert bare().connect(device(), method=SCRAM, data=data).answer()[:2] == (CONNACK, 0x87)


@pytest.mark.parametrize("method", ["SCRAM-SHA-1", "SCRAM-SHA-256-PLUS", "scram-sha-256", "PLAIN", ""])
def test_other_methods_are_not_offered(server, bare, method):
    assert bare().connect(device(), username="alice", password=server.passwords["alice"], method=method, data="x").answer()[:2] == (CONNACK, 0x8C)


def test_the_will_of_who_breaks_off_is_nobodys(server, bare):
    watcher = server.client("bob")
    watcher.subscribe("rooms/lobby/#")
    typed = lambda: [m for m in list(watcher.seen) if m.topic.endswith("typing/alice")]
    will = ("rooms/lobby/typing/alice", '{"typing":true}')
    for delay_s in (0, 1):
        for user in ("alice", None):
            stranger = bare()
            stranger.connect(device(), username=user, method=SCRAM, data=Scram("alice", "x").first, expiry_s=60, will=will, will_delay_s=delay_s)
            assert stranger.answer()[0] == AUTH
            stranger.sock.close()
    wait_until(lambda: server.ctl("status")[1][0]["broker"]["gauges"]["auth_under_way"] == 0, "the strangers are gone")
    assert not typed()
    alice = bare()  # her own comes, and later than the strangers' would have
    assert scram_login(alice, device(), "alice", server.passwords["alice"], expiry_s=60, will=will, will_delay_s=1) == 0
    alice.sock.close()
    wait_until(typed, "the will that is hers")
    assert watcher.ok("user.get")["user"] == "bob" and len(typed()) == 1
    watcher.close()


def test_who_breaks_off_under_anothers_client_id_does_them_no_harm(server, bare):
    phone = server.client("alice", "alice-phone", clean=False, expiry_s=300)
    phone.subscribe("rooms/lobby/#")
    for client_id in ("alice-phone", *(d for d in re.findall(r"parleyd-\S+", server.broker.log())[:1])):
        for expiry_s in (0, 100):
            stranger = bare()
            stranger.connect(client_id, username="alice", method=SCRAM, data=Scram("alice", "x").first, expiry_s=expiry_s)
            assert stranger.answer()[0] == AUTH
            stranger.sock.close()
    wait_until(lambda: server.ctl("status")[1][0]["broker"]["gauges"]["auth_under_way"] == 0, "the strangers are gone")
    assert phone.ok("user.get")["user"] == "alice"
    assert server.ctl("session", "kick", "alice", "--device", "alice-phone")[1][0]["kicked"] == 1
    phone.wait_disconnected()  # so the broker still finds it by its id
    with server.client("bob") as bob:
        assert bob.send("lobby", "while you slept") < 0x80
    phone.resume()
    phone.wait_text("while you slept", "lobby")
    phone.close()


def test_silence_half_way_ends_the_connection(server, bare):
    before = counter(server, "auth_timeouts")
    phone = server.client("alice", "alice-silent")
    silent, again = bare(), bare()
    silent.connect("alice-silent", method=SCRAM, data=Scram("alice", "x").first, keepalive_s=0)
    assert silent.answer()[0] == AUTH
    assert scram_login(again, device(), "alice", server.passwords["alice"]) == 0
    again.auth(AGAIN, SCRAM, Scram("alice", "x").first)
    assert again.answer()[0] == AUTH
    assert silent.wait_gone() == 0x98 and again.wait_gone() == 0x98
    assert counter(server, "auth_timeouts") == before + 2
    assert phone.ok("user.get")["user"] == "alice"  # who has the id rightly was not meant
    phone.close()


def test_311_has_no_such_thing(server, bare):
    connection = bare()
    connection.connect(device(), username="alice", version=4)
    kind, flags, body = connection.receive()
    assert kind == CONNACK and body[1] == 5
    connection = bare()
    connection.connect(device(), username="alice", password=server.passwords["alice"], version=4)
    assert connection.receive()[2][1] == 0
    connection.packet(AUTH, b"\x19" + b"\x00")
    assert connection.wait_gone() is None


# --- again, on a live connection ---

def test_authenticating_again_keeps_the_session(server, bare):
    me = device()
    alice = bare()
    assert scram_login(alice, me, "alice", server.passwords["alice"]) == 0
    alice.subscribe("rooms/lobby/messages")  # nothing to acknowledge meanwhile
    number = [s["session"] for s in server.ctl("session", "list")[1] if s["device"] == me]
    for _ in range(3):
        assert scram_again(alice, "alice", server.passwords["alice"]) == 0
    alice.wait_published("users/alice/inbox", lambda p: len(alice.published) == 3)
    assert [json.loads(p) for t, p in alice.published] == [{"type": "renewed", "device": me}] * 3
    assert [s["session"] for s in server.ctl("session", "list")[1] if s["device"] == me] == number
    assert alice.publish("rooms/lobby/send", "still here") == 0
    alice.wait_published("rooms/lobby/messages", lambda p: "still here" in p)


def test_what_comes_in_while_authenticating_again_is_delivered(server, bare):
    alice = bare()
    assert scram_login(alice, device(), "alice", server.passwords["alice"]) == 0
    alice.subscribe("rooms/lobby/messages")
    scram = Scram("alice", server.passwords["alice"])
    alice.auth(AGAIN, SCRAM, scram.first)
    kind, _, properties = alice.answer()
    assert kind == AUTH
    with server.client("bob") as bob:
        for n in range(3):
            assert bob.send("lobby", f"meanwhile {n}") < 0x80
    alice.auth(GO_ON, SCRAM, scram.final(properties[DATA]))
    assert alice.answer()[:2] == (AUTH, 0)
    for n in range(3):
        alice.wait_published("rooms/lobby/messages", lambda p: f"meanwhile {n}" in p)


@pytest.mark.parametrize("user,password", [("alice", "wrong"), ("bob", "bob's own"), ("nobody", "x")])
def test_failing_to_authenticate_again_ends_the_connection(server, bare, user, password):
    password = server.passwords["bob"] if user == "bob" else password
    alice = bare()
    assert scram_login(alice, device(), "alice", server.passwords["alice"]) == 0
    assert scram_again(alice, user, password) not in (0, GO_ON)
    alice.wait_gone()


@pytest.mark.parametrize("step", [b"", b"\x00"])
def test_an_empty_auth_from_who_is_connected_puts_them_out_and_nobody_else(server, bare, step):
    """A Mosquitto 2.0 takes it for the last step of a first login."""
    others = [server.client(name) for name in ("alice", "bob")]
    for turn in range(10):
        alice = bare()
        assert scram_login(alice, device(), "alice", server.passwords["alice"], expiry_s=60 * (turn % 2)) == 0
        alice.subscribe("rooms/lobby/#")
        alice.packet(AUTH, step)
        assert alice.wait_gone() not in (0, GO_ON)
    for other in others:
        assert other.ok("user.get")["user"]
        other.close()
    assert server.broker.running()


def test_who_logged_in_by_password_cannot_change_the_method(server, bare):
    alice = bare()
    alice.connect(device(), username="alice", password=server.passwords["alice"])
    assert alice.answer()[:2] == (CONNACK, 0)
    alice.auth(AGAIN, SCRAM, Scram("alice", server.passwords["alice"]).first)
    alice.wait_gone()
    alice = bare()
    assert scram_login(alice, device(), "alice", server.passwords["alice"]) == 0
    alice.auth(AGAIN, BEARER, bearer(token()))
    alice.wait_gone()


def test_a_password_changed_half_way_is_not_taken(server, bare):
    server.add_user("erin")
    scram, connection = Scram("erin", server.passwords["erin"]), bare()
    connection.connect(device("erin"), method=SCRAM, data=scram.first)
    properties = connection.answer()[2]
    server.ctl("user", "passwd", "erin", "--password-stdin", input="quite another one\n")
    connection.auth(GO_ON, SCRAM, scram.final(properties[DATA]))
    assert connection.answer()[:2] == (CONNACK, 0x87)
    assert scram_login(bare(), device("erin"), "erin", "quite another one") == 0


def test_client_ids_are_their_users_in_scram_too(server, bare):
    with server.client("bob", "bob-web"):
        assert scram_login(bare(), "bob-web", "alice", server.passwords["alice"]) == 0x87
        assert scram_login(bare(), "no legal id!", "alice", server.passwords["alice"]) == 0x87
    taken = bare()
    assert scram_login(taken, "alice-two", "alice", server.passwords["alice"]) == 0
    assert scram_login(bare(), "alice-two", "alice", server.passwords["alice"]) == 0
    taken.wait_gone()  # taken over


@pytest.mark.skipif(not have_node(), reason="no node, or MQTT.js is not installed (npm ci in tests/e2e)")
def test_mqtt_js_logs_in_over_websocket_and_again(server):
    def run(password):
        script = pathlib.Path(__file__).with_name("ws_scram.js")
        out = subprocess.run(["node", script, f"ws://127.0.0.1:{server.ws_port}", "alice", password, device()], capture_output=True, text=True, timeout=60)
        return [json.loads(line) for line in out.stdout.splitlines()]

    assert run(server.passwords["alice"]) == [{"event": "connected", "proved": True}, {"event": "puback", "code": 0}, {"event": "again", "proved": True}]
    assert run("wrong") == [{"event": "error", "code": 0x87}]


# --- OAUTHBEARER ---

def test_a_jwt_is_renewed_on_a_live_connection(server, bare):
    me, short = device(), token(life_s=3)
    alice, witness = bare(), bare()
    for connection, client_id in ((alice, me), (witness, device())):
        connection.connect(client_id, method=BEARER, data=bearer(short, "alice"))
        assert connection.answer()[:2] == (CONNACK, 0)
    alice.subscribe("rooms/lobby/#")
    alice.wait_published("users/alice/inbox", lambda p: json.loads(p)["type"] == "expiring")
    ends = int(time.time()) + 900
    alice.auth(AGAIN, BEARER, bearer(token(exp=ends)))
    assert alice.answer()[:2] == (AUTH, 0)
    assert json.loads(alice.wait_published("users/alice/inbox", lambda p: json.loads(p)["type"] == "renewed")) == {"type": "renewed", "device": me, "at": ends * 1000}
    assert witness.wait_gone() == 0x98
    assert alice.publish("rooms/lobby/send", "renewed") == 0
    assert [s["auth"] for s in server.ctl("session", "list")[1] if s["device"] == me] == ["jwt"]


@pytest.mark.parametrize("wrong", ["other user", "expired", "other key", "garbage", "not a bearer"])
def test_a_bad_bearer_is_refused_at_first_and_again(server, bare, wrong):
    data = {"other user": bearer(token("bob")), "expired": bearer(token(life_s=-600)), "garbage": bearer("x.y.z"), "not a bearer": "n,,\x01auth=Basic x\x01\x01",
            "other key": bearer(jwt.encode({"sub": "alice", "exp": int(time.time()) + 60}, "another secret of more than thirty-two bytes", algorithm="HS256"))}[wrong]
    assert bare().connect(device(), username="alice", method=BEARER, data=data).answer()[:2] == (CONNACK, 0x87)
    alice = bare()
    alice.connect(device(), method=BEARER, data=bearer(token()))
    assert alice.answer()[:2] == (CONNACK, 0)
    alice.auth(AGAIN, BEARER, data)
    assert alice.wait_gone() != 0


def test_a_client_is_told_before_it_is_cut(server, bare):
    me = device()
    alice = bare()
    ends = int(time.time()) + 3
    alice.connect(me, username="alice", password=token(exp=ends))
    assert alice.answer()[:2] == (CONNACK, 0)
    assert json.loads(alice.wait_published("users/alice/inbox")) == {"type": "expiring", "device": me, "at": ends * 1000}
    assert alice.wait_gone() == 0x98
    assert len([1 for topic, _ in alice.published if topic.endswith("inbox")]) == 1


def test_an_address_has_only_so_many_exchanges_at_once(make_server):
    server = make_server(plugin_opts={"connect_rate": 0, "trusted_networks": "none", "scram": "true"}).start()
    server.add_user("alice")
    opened, busy = [], 0
    for n in range(205):
        connection = Bare(server.mqtt_port)
        opened.append(connection)
        connection.connect(device(), method=SCRAM, data=Scram(f"user-{n}", "x").first)
        try:
            assert connection.answer()[0] == AUTH
        except Gone:
            busy += 1
    assert busy == 5
    with server.client("alice") as alice:  # other ways in stay open
        assert alice.ok("user.get")["user"] == "alice"
    for connection in opened:
        connection.sock.close()
