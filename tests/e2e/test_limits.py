"""Limits: the send rate, the journal's bound, subscriptions; each refuses with its code and harms nobody else."""
from harness import wait_until


def one_room(server):
    for user in ("alice", "bob"):
        server.add_user(user)
    server.add_room("lobby", alice="member", bob="member")
    return server


def test_who_sends_too_fast_is_refused_and_others_are_not(make_server):
    server = one_room(make_server(plugin_opts={"user_rate": 5, "user_burst": 10}).start())
    with server.client("alice") as alice, server.client("bob") as bob:
        codes = [alice.send("lobby", f"m{i}") for i in range(40)]
        assert codes[:5] == [code for code in codes[:5] if code < 0x80]
        assert 0x87 in codes
        assert alice.wait_notice(type="refused", code="rate_limited")["room"] == "lobby"
        assert bob.send("lobby", "calm") < 0x80
        wait_until(lambda: alice.send("lobby", "patient") < 0x80, "the bucket fills again", step_s=0.2)
    accepted = sum(code < 0x80 for code in codes)
    texts = lambda: [e["content"]["text"] for e in server.history("lobby") if e["type"] == "text"]
    texts = wait_until(lambda: (t := texts()) and t[-1] == "patient" and t, "all is stored")
    assert len([t for t in texts if t.startswith("m")]) == accepted


def test_without_a_rate_nobody_is_limited(chat):
    with chat.client("alice") as alice:
        assert all(alice.send("lobby", f"fast {i}") < 0x80 for i in range(200))


def test_a_full_backlog_refuses_and_recovers(make_server):
    server = one_room(make_server(plugin_opts={"journal_max_bytes": "2M", "journal_segment_bytes": "1M"}).start())
    server.backend.stop()
    big = "x" * 60000
    with server.client("alice") as alice:
        codes = [alice.send("lobby", big) for _ in range(60)]
        assert 0x87 in codes
        first_refused = codes.index(0x87)
        assert all(code < 0x80 for code in codes[:first_refused])
        assert alice.wait_notice(type="refused", code="backlog_full")
        server.start_backend()
        wait_until(lambda: alice.send("lobby", "room again") < 0x80, "there is room again", step_s=0.1)
        wait_until(lambda: any(e["content"].get("text") == "room again" for e in server.history("lobby", 5)), "stored")
    entries = server.history("lobby", 1000)
    assert [e["seq"] for e in entries] == list(range(1, len(entries) + 1))
    assert len([e for e in entries if e["content"].get("text") == big]) == sum(c < 0x80 for c in codes)


def test_subscriptions_are_bounded(make_server):
    server = one_room(make_server(plugin_opts={"max_subscriptions": 4}).start())
    with server.client("alice") as alice:  # inbox and replies are two
        codes = alice.subscribe(*[f"rooms/lobby/typing/u{i}" for i in range(5)], check=False)
        assert codes == [1, 1, 0x87, 0x87, 0x87]


def test_content_may_be_as_large_as_the_option_says(make_server):
    server = one_room(make_server(plugin_opts={"max_content_bytes": 1000}).start())
    with server.client("alice") as alice:
        assert alice.send("lobby", "x" * 1000) < 0x80
        assert alice.send("lobby", "x" * 1001) == 0x87
        assert "1001" in alice.wait_notice(code="too_large")["reason"]


def test_metrics_and_health_tell(chat):
    assert chat.http("/healthz")[0] == 200
    assert chat.http("/readyz")[0] == 200
    with chat.client("alice") as alice:
        assert alice.send("lobby", "counted") < 0x80
    metric = lambda: next((float(line.split()[-1]) for line in chat.http("/metrics")[1].splitlines()
                           if line.startswith("parley_broker_messages")), 0)
    wait_until(lambda: metric() >= 1, "the broker's counters are in /metrics")
    assert chat.http("/nothing")[0] == 404
