"""Issue lines 8 and 9: the plugin leaves Mosquitto what it is, and starts only with a configuration that makes sense."""
import signal
import subprocess

import pytest
from harness import PLUGIN, Client, Process, Refused, free_ports, wait_until


def test_sighup_disconnects_nobody(make_server):
    server = make_server().start()
    server.add_user("alice")
    server.add_user("bob")
    server.add_room("lobby", alice="member", bob="member")
    sleeper = server.client("bob", "bob-sleeps", v=4, clean=False)
    sleeper.subscribe("rooms/lobby/messages")
    sleeper.close()
    token = server.ctl("token", "create", "alice")[1][0]["token"]
    clients = [server.client("alice"), server.client("alice", v=4), server.client("alice", ws=True), server.client("alice", password=token)]
    for c in clients:
        c.subscribe("rooms/lobby/messages")
    for _ in range(3):
        reloads = server.broker.log().count("Reloading config")
        server.broker.send(signal.SIGHUP)
        wait_until(lambda: server.broker.log().count("Reloading config") > reloads, "the reload")
        # Answered by the thread that reloads: a signal before the reload's end would be lost.
        assert clients[0].send("lobby", "still here") < 0x80
    with server.client("bob") as bob:
        assert bob.send("lobby", "after reload") < 0x80
    for c in clients:
        c.wait_text("after reload")
        assert c.connected
        c.close()
    assert server.ready()
    sleeper = server.client("bob", "bob-sleeps", v=4, clean=False)
    assert sleeper.session_present
    sleeper.wait_text("after reload")
    sleeper.close()


def test_a_login_without_password_is_no_way_in_around_a_reload(make_server):
    server = make_server().start()
    server.add_user("alice")
    server.client("alice", "alice-dev", clean=False, expiry_s=600).close()
    for _ in range(20):
        server.broker.send(signal.SIGHUP)
        for ws in (False, True):
            with pytest.raises(Refused):
                Client(server, "alice", "alice-dev", password="", ws=ws)


def start_fails(server, expected):
    broker = Process(["mosquitto", "-c", server.conf], server.folder / "log" / "refused.log")
    wait_until(lambda: not broker.running(), "mosquitto gave up")
    assert broker.popen.returncode != 0
    assert expected in broker.log(), broker.log()


def test_per_listener_settings_refuses_to_start(make_server):
    server = make_server()
    conf = server.conf.read_text().replace("per_listener_settings false", "per_listener_settings true")
    server.conf.write_text(conf.replace("allow_anonymous false\n", ""))  # of a listener then, says Mosquitto 2.1
    start_fails(server, "per_listener_settings true is not supported")


@pytest.mark.parametrize("opts,sentence", [
    ({"data_dir": None}, "plugin_opt_data_dir is missing"),
    ({"backend_secret_file": None}, "plugin_opt_backend_secret_file is missing"),
    ({"backend_secret_file": "/nonexistent"}, "plugin_opt_backend_secret_file"),
    ({"bogus": "1"}, "plugin_opt_bogus is unknown"),
    ({"other_topics": "maybe"}, "plugin_opt_other_topics takes allow, defer or deny"),
    ({"user_rate": "-1"}, "plugin_opt_user_rate takes a number"),
    ({"max_content_bytes": "1T"}, "plugin_opt_max_content_bytes takes a number"),
    ({"jwt_algorithm": "HS256"}, "go together"),
    ({"jwt_key_file": "/nonexistent", "jwt_algorithm": "HS256"}, "plugin_opt_jwt_"),
    ({"jwt_auto_user": "true"}, "need plugin_opt_jwt_key_file"),
    ({"journal_sync": "sometimes"}, "plugin_opt_journal_sync takes"),
])
def test_a_wrong_option_stops_the_broker_with_a_clear_line(make_server, opts, sentence):
    start_fails(make_server(plugin_opts=opts, create_admin=False), sentence)


def operator_files(folder):
    folder.mkdir(exist_ok=True)
    passwd, acl = folder / "passwd", folder / "acl"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwd, "olga", "olgas password"], check=True, capture_output=True)
    acl.write_text("user olga\ntopic readwrite plant/#\ntopic readwrite rooms/#\ntopic readwrite users/#\ntopic readwrite #\n"
                   "user alice\ntopic readwrite plant/shared/#\n")
    passwd.chmod(0o644)
    return f"password_file {passwd}\nacl_file {acl}\n"


def test_an_operators_own_topics_and_users_work_as_before(make_server, tmp_path):
    server = make_server(plugin_opts={"other_users": "defer"}, broker_conf=operator_files(tmp_path / "op")).start()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    server.passwords["olga"] = "olgas password"
    with server.client("olga", "olga/with odd id!", inbox=False) as olga, server.client("alice") as alice:
        olga.subscribe("plant/#")
        assert alice.subscribe("plant/shared/#", check=False) == [1]
        assert olga.publish("plant/1", "hot") < 0x80
        assert alice.publish("plant/shared/x", "mine") < 0x80
        assert alice.publish("plant/other", "not mine") == 0x87
        wait_until(lambda: len(olga.seen) >= 2, "the operator's messages")
        assert [(m.topic, m.payload) for m in olga.seen] == [("plant/1", b"hot"), ("plant/shared/x", b"mine")]

        codes = olga.subscribe("rooms/lobby/messages", "#", "rooms/#", "users/alice/inbox", "users/olga/inbox", "$parley/#", check=False)
        assert codes == [0x87] * 6
        for topic in ("rooms/lobby/send", "rooms/lobby/messages", "users/alice/requests/history", "users/olga/requests/history", "$CONTROL/parley/v1"):
            assert olga.publish(topic, '{"text":"operator"}') == 0x87
    assert not any(e["content"].get("text") == "operator" for e in server.history("lobby"))
    with pytest.raises(Refused):
        Client(server, "olga", "o2", password="wrong", inbox=False)
    with pytest.raises(Refused):
        Client(server, "nobody", "o3", password="x", inbox=False)


def test_a_user_made_later_under_an_operators_name_lends_them_nothing(make_server, tmp_path):
    server = make_server(plugin_opts={"other_users": "defer"}, broker_conf=operator_files(tmp_path / "op")).start()
    server.passwords["olga"] = "olgas password"
    with server.client("olga", inbox=False) as olga:
        server.ctl("user", "create", "olga", "--password-stdin", input="parleys olga\n")
        server.add_room("lobby", olga="member")
        assert olga.subscribe("rooms/lobby/messages", check=False) == [0x87]
        assert olga.publish("rooms/lobby/send", "as operator") == 0x87
    with pytest.raises(Refused):  # from now on the name is Parley's
        server.client("olga", inbox=False)


def test_without_defer_an_operators_user_cannot_connect(make_server, tmp_path):
    server = make_server(broker_conf=operator_files(tmp_path / "op")).start()
    server.passwords["olga"] = "olgas password"
    with pytest.raises(Refused):
        server.client("olga", inbox=False)


@pytest.mark.parametrize("setting,expected", [("allow", 0), ("defer", 0x87), ("deny", 0x87)])
def test_other_topics_without_acl_file(make_server, setting, expected):
    server = make_server(plugin_opts={"other_topics": setting}).start()
    server.add_user("alice")
    with server.client("alice") as alice:
        assert alice.publish("plant/1", "x") in ((0, 0x10) if expected == 0 else (0x87,))
        assert alice.subscribe("plant/#", check=False) == [1 if expected == 0 else 0x87]
        assert alice.publish("rooms/none/send", "x") == 0x87


# What src/linker.syms of Mosquitto 2.0 lists, as far as we need it. A broker may export more, and another version of it not.
PROMISED = {f"mosquitto_{name}" for name in (
    "broker_publish", "callback_register", "callback_unregister", "client_address", "client_certificate", "client_clean_session",
    "client_id", "client_protocol", "client_protocol_version", "client_sub_count", "client_username", "free",
    "kick_client_by_clientid", "kick_client_by_username", "log_printf", "malloc", "set_username")}


def test_the_plugin_needs_only_what_mosquitto_promises_plugins():
    symbols = subprocess.run(["nm", "-D", "--undefined-only", PLUGIN], capture_output=True, text=True, check=True).stdout.split()
    needed = {name for name in symbols if name.startswith("mosquitto_")}
    assert "mosquitto_callback_register" in needed and needed <= PROMISED


def test_a_taken_port_is_mosquittos_own_error(make_server):
    server = make_server()
    import socket
    with socket.socket() as s:
        s.bind(("127.0.0.1", server.mqtt_port))
        s.listen()
        start_fails(server, "Address already in use")
    assert free_ports(1)
