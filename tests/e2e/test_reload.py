"""SIGHUP at broker and parleyd: what can change changes, and nobody is disconnected."""
import signal

from harness import wait_until


def test_limits_of_the_broker_change_without_a_disconnect(make_server):
    server = make_server(plugin_opts={"reload_file": "limits.conf"})
    limits = server.folder / "limits.conf"
    server.conf.write_text(server.conf.read_text().replace("reload_file limits.conf", f"reload_file {limits}"))
    limits.write_text("# none yet\n")
    server.start()
    server.add_user("alice")
    server.add_room("lobby", alice="member")

    def reload(text, says):
        limits.write_text(text)
        before = server.broker.log().count(says)
        server.broker.send(signal.SIGHUP)
        wait_until(lambda: server.broker.log().count(says) > before, says, log=server.broker)

    with server.client("alice") as alice:
        assert all(alice.send("lobby", f"fast {i}") < 0x80 for i in range(50))
        reload("user_rate 0.001\nuser_burst 3\n", "options are read again")
        codes = [alice.send("lobby", f"slow {i}") for i in range(5)]
        assert [code < 0x80 for code in codes] == [True, True, True, False, False]
        reload("user_rate many\n", "the options stay as they were")
        assert alice.send("lobby", "still slow") >= 0x80
        reload("journal_sync always\n", "can't be changed while the broker runs")
        reload("", "options are read again")
        assert all(alice.send("lobby", f"free {i}") < 0x80 for i in range(10))
        assert alice.connected


def test_a_reload_file_with_a_mistake_stops_the_start_with_a_sentence(make_server):
    server = make_server()
    limits = server.folder / "limits.conf"
    limits.write_text("user_rate 5\nuser_brust 7\n")
    server.conf.write_text(server.conf.read_text() + f"plugin_opt_reload_file {limits}\n")
    server.spawn_broker()
    wait_until(lambda: not server.broker.running(), "the broker gives up", log=server.broker)
    assert f'{limits}:2: "user_brust" can\'t be changed' in server.broker.log()


def test_limits_and_log_level_of_parleyd_change_without_a_new_attach(make_server):
    server = make_server().start()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    attached = server.backend.log().count("attached")

    def reload(text):
        server.toml.write_text(text)
        before = server.backend.log().count("the configuration was read again")
        server.backend.send(signal.SIGHUP)
        wait_until(lambda: server.backend.log().count("the configuration was read again") > before, "reloaded", log=server.backend)

    old = server.toml.read_text()
    with server.client("alice") as alice:
        assert alice.request("room.create", room="mine")["ok"]
        reload(old + '[requests]\nroom_create = "admins"\nuser_rate = 1\nuser_burst = 4\n[log]\nlevel = "debug"\n')
        assert alice.request("room.create", room="mine2")["error"]["code"] == "not_allowed"
        codes = [alice.request("room.list").get("error", {}).get("code") for _ in range(30)]
        assert "rate_limited" in codes
        reload(old)
        assert all(alice.request("room.list")["ok"] for _ in range(10))
        assert alice.request("room.create", room="mine3")["ok"]
    assert server.backend.log().count("attached") == attached
