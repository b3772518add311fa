"""docker/mosquitto.conf as it stands, with other paths and ports: every listener in it starts, and what its comments say holds."""
import json
import signal
import socket
import ssl
import subprocess

import pytest
from authority import Authority
from harness import WAIT_S, Client, Refused, have_node, running, wait_until
from sample import SAMPLE, WAYS, SampleServer
from wsclient import WsClient

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.transport("tcp")]  # what listens does not know the store
CONNECT = b"\x10\x14\0\x04MQTT\4\2\0\x3c\0\x08a-client"  # of MQTT 3.1.1, without a user name


@pytest.fixture(scope="module")
def sample(tmp_path_factory, profile):
    with running(SampleServer(tmp_path_factory.mktemp("sample"), profile), "alice", "bob", "carol", outsiders=("eve", "frank")) as server:
        yield server


def test_five_listeners_start(sample):
    assert SAMPLE.read_text().count("\nlistener ") == len(WAYS) == len(sample.ports)
    assert "Error" not in sample.broker.log(), sample.broker.log()


@pytest.mark.parametrize("v", [4, 5])
@pytest.mark.parametrize("via", WAYS)
def test_a_chat_over_every_listener(sample, via, v):
    other = "tls" if via == "tcp" else "tcp"
    kwargs = {"certificate": sample.certificates["alice"], "username": None} if via == "cert" else {}
    with sample.client("alice", via=via, v=v, **kwargs) as alice, sample.client("bob", via=other) as bob:
        for client in (alice, bob):
            client.subscribe("rooms/lobby/messages")
        alice.send("lobby", {"text": f"by {via} {v}"})
        bob.wait_text(f"by {via} {v}")
        bob.send("lobby", {"text": f"to {via} {v}"})
        for client in (alice, bob):
            assert client.wait_text(f"by {via} {v}")["from"] == "alice" and client.wait_text(f"to {via} {v}")["from"] == "bob"
        wait_until(sample.all_stored, "all is stored")
        assert alice.ok("history", room="lobby", limit=1)["messages"][0]["content"]["text"] == f"to {via} {v}"


@pytest.mark.parametrize("via", ["ws", "wss"])
@pytest.mark.skipif(not have_node(), reason="MQTT.js is not there: tools/test installs it")
def test_mqtt_js_over_websocket(sample, via):
    web = WsClient(sample, "bob", f"bob-{via}", via=via)
    try:
        web.wait_event("connected")
        web.command(subscribe="rooms/lobby/messages")
        assert web.wait_event("suback")["codes"] == [1]
        web.command(publish="rooms/lobby/send", payload=f"from a browser by {via}", qos=1)
        assert web.wait_event("puback")["code"] == 0
        assert web.wait_text(f"from a browser by {via}")["from"] == "bob"
    finally:
        web.close()


def test_mosquittos_own_clients_over_tls(sample):
    common = ["-h", "localhost", "-p", str(sample.ports["tls"]), "--cafile", sample.authority.crt, "-q", "1"]
    alice = ["-u", "alice", "-P", sample.passwords["alice"]]
    reader = subprocess.Popen(["mosquitto_sub", *common, *alice, "-t", "rooms/lobby/messages", "-C", "1", "-W", str(WAIT_S)], stdout=subprocess.PIPE, text=True)
    pair = sample.certificates["bob"]
    common[3] = str(sample.ports["cert"])
    by_certificate = ["mosquitto_pub", *common, "--cert", pair.crt, "--key", pair.key, "-V", "5", "-t", "rooms/lobby/send", "-m", "by certificate"]

    def say():
        out = subprocess.run(by_certificate, capture_output=True, text=True, timeout=WAIT_S)
        assert out.returncode == 0, out.stderr
        return reader.poll() is not None

    wait_until(say, "the reader has its message")
    heard = json.loads(reader.stdout.read())
    assert heard["from"] == "bob" and heard["content"]["text"] == "by certificate"


# --- TLS itself ---

def handshake(sample, via, newest=None):
    """The version both agree upon. A client that speaks nothing newer than `newest`, and would put up with anything."""
    context = sample.authority.trusted(sample.certificates["alice"])
    if newest:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, newest
    with socket.create_connection(("127.0.0.1", sample.ports[via]), timeout=WAIT_S) as s, context.wrap_socket(s, server_hostname="localhost") as tls:
        return tls.version(), tls.cipher()[0]


@pytest.mark.parametrize("via", ["tls", "wss", "cert"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_old_versions_of_tls_are_refused(sample, via):
    assert handshake(sample, via)[0] == "TLSv1.3"
    version, cipher = handshake(sample, via, ssl.TLSVersion.TLSv1_2)
    assert version == "TLSv1.2" and cipher.startswith("ECDHE") and ("GCM" in cipher or "CHACHA20" in cipher)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        handshake(sample, via, ssl.TLSVersion.TLSv1_1)


@pytest.mark.parametrize("via", ["tls", "wss"])
def test_a_client_without_tls_gets_nothing(sample, via):
    with socket.create_connection(("127.0.0.1", sample.ports[via]), timeout=WAIT_S) as s:
        s.sendall(CONNECT)
        try:
            said = s.recv(100)
        except ConnectionError:
            said = b""
    assert said[:1] != b"\x20"  # a CONNACK


# --- certificates of clients ---

def let_in(server, pair):
    """Does a client with this certificate get a CONNACK that says yes? (By TLS 1.3 the client hears of a refusal after its handshake.)"""
    context = server.authority.trusted(pair)
    try:
        with socket.create_connection(("127.0.0.1", server.ports["cert"]), timeout=WAIT_S) as s, context.wrap_socket(s, server_hostname="localhost") as tls:
            tls.sendall(CONNECT)
            return tls.recv(4) == b"\x20\2\0\0"
    except (ssl.SSLError, ConnectionError):
        return False


def test_a_user_by_certificate_has_the_users_rights_and_no_others(sample):
    with sample.enter("alice") as alice, sample.client("bob") as bob:
        bob.subscribe("rooms/lobby/messages")
        assert alice.send("lobby", {"text": "alice by certificate"}) < 0x80
        assert bob.wait_text("alice by certificate")["from"] == "alice"
        for topic in ("users/bob/inbox", "rooms/den/messages", "$parley/#", "#"):
            assert alice.subscribe(topic, check=False) == [0x87], topic
        for topic in ("rooms/lobby/messages", "users/bob/requests/history", "$CONTROL/parley/v1"):
            assert alice.publish(topic, "{}") == 0x87, topic
        assert "alice" in {session["user"] for session in sample.ctl("session", "list")[1]}
    # The name that is given is not looked at: the certificate's counts.
    with sample.client("alice", via="cert", certificate=sample.certificates["alice"], username="bob", password="whatever") as alice:
        alice.send("lobby", {"text": "not bob"})
        bob = sample.history("lobby")[-1]
        assert bob["content"]["text"] == "not bob" and bob["from"] == "alice"


def test_a_certificate_of_nobody_parley_knows_gives_no_right(sample):
    try:
        with sample.enter("nobody", inbox=False) as nobody:
            assert nobody.subscribe("rooms/lobby/messages", check=False) == [0x87]
            assert nobody.send("lobby", "hello") == 0x87
    except (Refused, AssertionError) as e:  # or is cut off at once
        assert isinstance(e, Refused) or "disconnect" in str(e)
    assert not any(e["from"] == "nobody" for e in sample.history("lobby"))


def test_a_certificate_in_the_backends_name_is_not_the_backend(sample):
    certificate = sample.authority.client("$parleyd", "impostor")
    generation = sample.ctl("status")[1][0]
    with sample.client("$parleyd", "parleyd-impostor", via="cert", certificate=certificate, username=None, inbox=False) as impostor:
        assert impostor.subscribe("$parley/#", "$parley/feed", "users/alice/inbox", "rooms/lobby/messages", check=False) == [0x87] * 4
        for topic in ("$CONTROL/parley/v1", "rooms/lobby/send", "rooms/lobby/state", "users/alice/inbox"):
            assert impostor.publish(topic, '{"cmd":"attach","id":"x"}') == 0x87, topic
    assert sample.ready() and sample.ctl("status")[1][0].get("generation") == generation.get("generation")


def test_who_owns_a_client_id_is_not_checked_for_certificates(sample):
    """A limit that is documented: by certificate, mosquitto asks no plugin whether somebody may connect."""
    with sample.client("alice", "alice-phone") as alice:
        with pytest.raises(Refused):
            sample.client("bob", "alice-phone")  # by password it is
        assert alice.connected
        with sample.enter("bob", "alice-phone") as bob:
            alice.wait_disconnected()
            # What is lost is the connection, and nothing else: bob stays bob.
            assert bob.subscribe("users/alice/inbox", check=False) == [0x87]
            bob.send("lobby", {"text": "with alice's client id"})
    last = sample.history("lobby")[-1]
    assert (last["from"], last["content"]["text"]) == ("bob", "with alice's client id")


def test_a_wrong_missing_ended_or_revoked_certificate_is_refused(sample, tmp_path):
    stranger = Authority(tmp_path / "other", "other")
    other = stranger.client("alice")
    assert let_in(sample, sample.certificates["alice"])
    for pair in (None, other, sample.authority.client("alice", "alice-ended", days=-1), sample.certificates["carol"]):
        assert not let_in(sample, pair)
    with pytest.raises(ssl.SSLCertVerificationError):  # and the other way round: a client that trusts another authority
        Client(Trusting(sample, stranger), "alice", "alice-x", via="tls")


class Trusting:
    def __init__(self, server, authority):
        self.passwords, self.ports, self.authority = server.passwords, server.ports, authority


def test_a_disabled_user_with_a_good_certificate_can_do_nothing(sample):
    sample.certificates["eve"] = sample.authority.client("eve")
    sample.ctl("room", "create", "eves")
    sample.ctl("member", "add", "eves", "eve")
    with sample.enter("eve") as eve:
        assert eve.send("eves", "hello") < 0x80
        sample.ctl("user", "disable", "eve")
        eve.wait_disconnected()
    try:
        with sample.enter("eve", inbox=False) as eve:
            assert eve.send("eves", "hello again") == 0x87
    except Refused:
        pass
    assert [e["content"] for e in sample.history("eves") if e["from"] == "eve"] == [{"text": "hello"}]


def test_a_banned_user_with_a_good_certificate_says_and_hears_nothing(sample):
    sample.certificates["frank"] = sample.authority.client("frank")
    sample.ctl("room", "create", "franks")
    sample.ctl("member", "add", "franks", "frank")
    with sample.enter("frank") as frank:
        assert frank.send("franks", "hello") < 0x80
        sample.ctl("ban", "add", "--user", "frank")
        frank.wait_disconnected()
    with sample.enter("frank", inbox=False) as frank:
        frank.send("franks", "hello again")
        frank.wait_disconnected()
    with sample.enter("frank", inbox=False) as frank:
        assert frank.subscribe("rooms/franks/messages", check=False)[0] >= 0x80
        frank.wait_disconnected()
    assert [e["content"] for e in sample.history("franks") if e["from"] == "frank"] == [{"text": "hello"}]


# --- renewal ---

def served_serial(server, via):
    context = server.authority.trusted(server.certificates["alice"])
    with socket.create_connection(("127.0.0.1", server.ports[via]), timeout=WAIT_S) as s, context.wrap_socket(s, server_hostname="localhost") as tls:
        return int(tls.getpeercert()["serialNumber"], 16)


def test_sighup_reads_renewed_certificates_and_new_revocations_and_disconnects_nobody(make_server):
    server = make_server(SampleServer).start()
    for name in ("alice", "bob"):
        server.add_user(name)
    server.add_room("lobby", alice="member", bob="member")
    clients = [server.client("alice", via=via) for via in WAYS[:4]] + [server.enter("alice"), server.enter("bob", "bob-phone")]
    for client in clients:
        client.subscribe("rooms/lobby/messages")
    old = served_serial(server, "tls")
    new = server.authority.server()
    server.authority.revoke(server.certificates["bob"])
    server.broker.send(signal.SIGHUP)
    wait_until(lambda: served_serial(server, "tls") == new.serial, "the new certificate over TLS")
    # Over WSS, too, since a client had come by it.
    assert served_serial(server, "cert") == served_serial(server, "wss") == new.serial != old
    assert not let_in(server, server.certificates["bob"])  # revoked since
    assert clients[0].send("lobby", {"text": "renewed"}) < 0x80
    for client in clients:  # also bob, who was connected: kick him, or disable the user
        assert client.wait_text("renewed") and client.connected
    server.ctl("session", "kick", "bob")
    clients[-1].wait_disconnected()
    for client in clients:
        client.close()
