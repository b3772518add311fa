"""Reaching people who are away, from outside: a real broker and parleyd, and stand-ins that speak the providers' own protocols."""
import json
import urllib.error
import urllib.request

import pytest
from harness import wait_until
from notifying import QUICK, log, queues, register, say, settled, stand_ins, subscribe_browser, wait_offline
from standins import Apns, Fcm, Smtp, Webhook, WebPush


@pytest.fixture
def providers(tmp_path):
    with stand_ins(tmp_path / "providers") as providers:
        yield providers


@pytest.fixture
def notifier(make_server, providers):
    """Starts an installation that uses the stand-ins started so far, with alice (who writes), bob and carol in the room lab."""

    def start(**keys):
        server = make_server(backend_opts={**QUICK, **providers.keys(), **keys}).start()
        for name in ("alice", "bob", "carol"):
            server.add_user(name)
        server.add_room("lab", alice="owner", bob="member", carol="member")
        return server

    return start


def test_each_provider_tells_in_its_own_way(providers, notifier):
    fcm, apns, webpush, webhook, smtp = (providers.start(kind) for kind in (Fcm, Apns, WebPush, Webhook, Smtp))
    server = notifier()
    phone, pad = fcm.device(), apns.device()
    register(server, "bob", "fcm", phone)
    register(server, "bob", "apns", pad)
    browser = subscribe_browser(server, webpush, "bob", "bob-web")
    server.ctl("push", "register", "bob", "--provider", "email", "--email", "bob@example.org")
    wait_offline(server, "bob")
    say(server, "hi @bob")
    told = fcm.wait_received(1, phone)[0]
    assert told["payload"]["notification"]["body"].endswith("hi @bob") and told["payload"]["data"]["room"] == "lab"
    assert apns.wait_received(1, pad)[0]["payload"]["aps"]["badge"] == 1
    pushed = webpush.wait_received(1, browser)[0]["payload"]
    assert (pushed["from"], pushed["text"], pushed["mention"], pushed["count"]) == ("alice", "hi @bob", True, 1)
    hooked = webhook.wait_received(1, "bob")[0]["payload"]
    assert (hooked["user"], hooked["room"], hooked["seq"]) == ("bob", "lab", pushed["seq"])
    mail = smtp.wait_received(1, "bob@example.org")[0]
    assert "hi @bob" in str(mail["payload"]) and mail["tls"] and mail["login"]
    assert mail["payload"]["headers"]["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    wait_until(lambda: settled(server), "all is told")
    assert {row["provider"] for row in log(server, user="bob", outcome="sent")} == {"fcm", "apns", "webpush", "webhook", "email"}
    # carol and admin, who made the room, have no device: the operator's own application is told of them, and nobody of alice, who wrote it.
    assert {line["target"] for line in webhook.received()} == {"admin", "bob", "carol"}
    # The mail's link, as a mail program follows it.
    token = mail["payload"]["headers"]["list-unsubscribe"].partition("?t=")[2].partition(">")[0]
    assert post(server, f"/notify/unsubscribe?t={token}x") == 404
    assert providers_of(server, "bob") == {"apns", "email", "fcm", "webpush"}
    assert post(server, f"/notify/unsubscribe?t={token}") == 200
    assert providers_of(server, "bob") == {"apns", "fcm", "webpush"}


def providers_of(server, user):
    return {row["provider"] for row in server.ctl("push", "list", user)[1] if "device" in row}


def post(server, path):
    request = urllib.request.Request(f"http://127.0.0.1:{server.http_port}{path}", b"List-Unsubscribe=One-Click", method="POST")
    try:
        return urllib.request.urlopen(request, timeout=10).status
    except urllib.error.HTTPError as e:
        return e.code


def test_two_devices_and_one_reading(providers, notifier):
    fcm = providers.start(Fcm)
    server = notifier(**{"notify.delay_s": 4})
    phone, pad, others = fcm.device(), fcm.device(), fcm.device()
    register(server, "bob", "fcm", phone, "bob-phone")
    register(server, "bob", "fcm", pad, "bob-pad")
    register(server, "carol", "fcm", others)
    wait_offline(server, "bob")
    wait_offline(server, "carol")
    say(server, "both are told")
    fcm.wait_received(1, phone), fcm.wait_received(1, pad)
    seq = int(fcm.wait_received(1, others)[0]["payload"]["data"]["seq"]) + 1
    # Read on the pad before the delay is over: neither device is told, carol is.
    say(server, "read on the pad")
    with server.client("bob", "bob-pad") as bob:
        wait_until(lambda: bob.request("read", room="lab", read=seq)["ok"], "it is stored, and read")
    fcm.wait_received(2, others)
    wait_until(lambda: settled(server), "all is judged")
    assert len(fcm.received(phone)) == len(fcm.received(pad)) == 1
    assert {row["reason"] for row in log(server, user="bob", outcome="dropped")} <= {"read", "online"}
    # Their own message from one device tells the other nothing.
    say(server, "my own", user="bob")
    fcm.wait_received(3, others)
    wait_until(lambda: settled(server), "all is judged")
    assert len(fcm.received(phone)) == len(fcm.received(pad)) == 1


def test_wishes_are_kept(providers, notifier):
    fcm = providers.start(Fcm)
    server = notifier()
    bobs, carols = fcm.device(), fcm.device()
    register(server, "bob", "fcm", bobs)
    register(server, "carol", "fcm", carols)

    def told_of(text, **content):
        """Whether bob was; carol always is."""
        before, mark = len(fcm.received(bobs)), len(fcm.received(carols))
        wait_offline(server, "bob")
        say(server, text, **content)
        fcm.wait_received(mark + 1, carols)
        wait_until(lambda: settled(server), "all is judged")
        with server.client("carol") as c:
            c.ok("read", room="lab", read=server.history("lab")[-1]["seq"])
        wait_offline(server, "carol")
        return len(fcm.received(bobs)) - before == 1

    def wish(method, **params):
        return server.request("bob", method, **params)

    wait_offline(server, "carol")
    assert told_of("as it is")
    assert wish("notify.room", room="lab", level="mentions")["ok"]
    assert not told_of("of no interest")
    assert told_of("for @bob")
    assert wish("notify.room", room="lab", mute_s=3600)["ok"]
    assert not told_of("@bob, you are muted")
    assert wish("notify.room", room="lab", level="all", mute_s=0)["ok"]
    assert wish("notify.block", user="alice")["ok"]
    assert not told_of("blocked")
    assert wish("notify.unblock", user="alice")["ok"]
    assert told_of("no more")
    assert wish("notify.set", quiet={"from": "00:00", "to": "23:59", "zone": "UTC"})["ok"]
    say(server, "in the night")
    wait_until(lambda: queues(server)["fcm"]["waiting"] == 1, "it waits for the morning")
    assert wish("notify.set", quiet=None)["ok"]


def test_an_idle_desktop_does_not_silence_the_phone(providers, notifier):
    fcm = providers.start(Fcm)
    server = notifier()
    phone, other = fcm.device(), fcm.device()
    register(server, "bob", "fcm", phone, "bob-phone")
    register(server, "carol", "fcm", other)
    with server.client("bob", "bob-desk") as desk:
        wait_offline(server, "carol")
        say(server, "bob sees it")
        fcm.wait_received(1, other)
        wait_until(lambda: settled(server), "all is judged")
        assert fcm.received(phone) == []
        desk.publish("users/bob/devices/bob-desk/status", {"status": "away"}, retain=True)
        wait_until(lambda: any(d.get("status") == "away" for d in server.ctl("device", "list", "bob")[1]), "bob is away")
        say(server, "bob is idle")
        assert fcm.wait_received(1, phone)[0]["payload"]["data"]["count"] == "2"


def test_edits_and_deletions_are_followed(providers, notifier):
    webhook = providers.start(Webhook)
    server = notifier()
    with server.client("alice") as alice:
        alice.send("lab", {"text": "helo"})
        first = webhook.wait_received(1, "bob")[0]
        seq = first["payload"]["seq"]
        alice.send("lab", {"type": "edit", "target": seq, "text": "hello"})
        second = webhook.wait_received(2, "bob")[1]
        alice.send("lab", {"type": "delete", "target": seq})
        third = webhook.wait_received(3, "bob")[2]
    assert [line["kind"] for line in (first, second, third)] == ["message", "updated", "withdrawn"]
    assert len({line["collapse"] for line in (first, second, third)}) == 1
    assert len({line["id"] for line in (first, second, third)}) == 3
    assert second["payload"]["text"] == "hello" and "text" not in third["payload"]


def test_many_messages_are_one_notification_with_their_number(providers, notifier):
    fcm = providers.start(Fcm)
    server = notifier(**{"notify.delay_s": 4})
    phone = fcm.device()
    register(server, "bob", "fcm", phone)
    wait_offline(server, "bob")
    with server.client("alice") as alice:
        for i in range(20):
            alice.send("lab", {"text": f"number {i}"})
    told = fcm.wait_received(1, phone)
    wait_until(lambda: settled(server), "all is told")
    assert len(fcm.received(phone)) == 1
    assert told[0]["payload"]["data"]["count"] == told[0]["payload"]["data"]["badge"] == "20"


def test_every_answer_of_a_provider_has_its_end(providers, notifier):
    fcm = providers.start(Fcm)
    server = notifier(**{"notify.attempts": 2})
    gone, busy, broken, garbled = (fcm.device() for _ in range(4))
    fcm.misbehave(
        {"target": gone, "status": 404, "body": {"error": {"status": "NOT_FOUND", "details": [
            {"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": "UNREGISTERED"}]}}},
        {"target": busy, "status": 429, "headers": {"retry-after": "1"}, "times": 1},
        {"target": broken, "status": 500},
        {"target": garbled, "how": "lost", "times": 1})
    for device, address in (("gone", gone), ("busy", busy), ("broken", broken), ("garbled", garbled)):
        register(server, "bob", "fcm", address, f"bob-{device}")
    wait_offline(server, "bob")
    say(server, "hi")
    fcm.wait_received(1, busy)
    twice = fcm.wait_received(2, garbled)
    assert twice[0]["id"] == twice[1]["id"] and twice[0]["collapse"] == twice[1]["collapse"], "the answer was lost: the same notification"
    dead = wait_until(lambda: server.ctl("notify", "dead", "list")[1], "the broken one is given up")
    assert len(dead) == 1 and "2 attempts" in dead[0]["reason"] and broken not in str(dead)
    wait_until(lambda: settled(server), "all has ended")
    assert {r["device"] for r in server.ctl("push", "list", "bob")[1] if "device" in r} == {"bob-busy", "bob-broken", "bob-garbled"}
    fcm.behave()
    assert server.ctl("notify", "dead", "retry", "--all")[1][0]["retried"] == 1
    fcm.wait_received(1, broken)
    outcomes = [row["outcome"] for row in log(server, user="bob")]
    assert outcomes.count("pruned") == 1 and outcomes.count("dead") == 1 and outcomes.count("sent") == 3


@pytest.mark.parametrize("how", ["hang", "certificate"])
def test_one_that_is_out_of_order_holds_up_nobody_else(providers, notifier, how):
    fcm, webhook = providers.start(Fcm), providers.start(Webhook)
    if how == "hang":
        webhook.misbehave(how="hang")
    else:
        webhook.certificate("wrong")
    server = notifier()
    phone = fcm.device()
    register(server, "bob", "fcm", phone)
    wait_offline(server, "bob")
    with server.client("alice") as alice:
        for i in range(1, 6):
            alice.send("lab", {"text": f"number {i}"})
            wait_until(lambda: any(line["payload"]["data"]["count"] == str(i) for line in fcm.received(phone)), f"number {i} came")
    assert server.history("lab")[-1]["content"] == {"text": "number 5"}
    assert webhook.received() == []
    if how == "hang":
        webhook.behave()
    else:
        webhook.certificate("good")
    wait_until(lambda: any(line["payload"]["text"] == "number 5" for line in webhook.received("carol")), "carol is told")


def test_whoever_forgets_a_device_or_is_erased_is_told_nothing(providers, notifier):
    fcm = providers.start(Fcm)
    server = notifier()
    phone, pad, other = fcm.device(), fcm.device(), fcm.device()
    register(server, "bob", "fcm", phone, "bob-phone")
    register(server, "bob", "fcm", pad, "bob-pad")
    register(server, "carol", "fcm", other)
    server.ctl("device", "forget", "bob-phone", "--user", "bob")
    wait_offline(server, "bob")
    wait_offline(server, "carol")
    say(server, "to the pad alone")
    fcm.wait_received(1, pad), fcm.wait_received(1, other)
    server.ctl("user", "erase", "bob", "--yes")
    say(server, "to carol alone")
    fcm.wait_received(2, other)
    wait_until(lambda: settled(server), "all is told")
    assert fcm.received(phone) == [] and len(fcm.received(pad)) == 1


def test_a_test_notification_says_what_works(providers, notifier):
    fcm, webpush = providers.start(Fcm), providers.start(WebPush)
    server = notifier()
    phone = fcm.device()
    register(server, "bob", "fcm", phone)
    name = subscribe_browser(server, webpush, "bob", "bob-web")
    code, results, _ = server.ctl("notify", "test", "bob", check=False)
    assert code == 0 and {r["outcome"] for r in results} == {"sent"}, results
    webpush.unsubscribe(name)
    code, results, _ = server.ctl("notify", "test", "bob", check=False)
    assert code != 0
    assert {(r["provider"], r["outcome"]) for r in results if "provider" in r} == {("fcm", "sent"), ("webpush", "target_dead")}


@pytest.mark.parametrize("policy", ["sender", "wake"])
def test_content_stays_at_home(providers, notifier, policy):
    webhook = providers.start(Webhook)
    server = notifier(**{"notify.content": policy})
    say(server, "a secret for @bob")
    payload = webhook.wait_received(1, "bob")[0]["payload"]
    assert "secret" not in str(payload)
    assert ("alice" in str(payload)) == (policy == "sender")


@pytest.mark.profile("production")
def test_two_parleyd_share_the_work_and_a_standby_carries_on(providers, notifier):
    webhook = providers.start(Webhook)
    server = notifier(**{"notify.window_s": 0})
    second, port = server.start_standby()
    try:
        for i in range(10):
            say(server, f"number {i}")
            webhook.wait_received(3 * (i + 1))  # admin, bob, carol
        wait_until(lambda: settled(server), "the outbox knows that all is told")
        server.backend.kill()
        server.http_port = port
        wait_until(server.ready, "the standby took over")
        say(server, "after the takeover")
        wait_until(lambda: any(line["payload"].get("text") == "after the takeover" for line in webhook.received("bob")), "bob is told")
        wait_until(lambda: settled(server), "all is told")
        ids = [line["id"] for line in webhook.received()]
        assert len(ids) == len(set(ids)) == 33
    finally:
        second.kill()


RULES = "user $parleyd\ntopic write push/#\nuser listener\ntopic read push/#\n"


def test_programs_on_the_broker_are_told_by_mqtt_and_a_log_by_standard_output(make_server, tmp_path):
    rules = tmp_path / "acl"
    rules.write_text(RULES)
    rules.chmod(0o600)
    server = make_server(backend_opts={**QUICK, "notify.mqtt_topic": "push/{user}", "notify.stdout": "yes"}, broker_conf=f"acl_file {rules}").start()
    for name in ("alice", "bob", "listener"):
        server.add_user(name)
    server.add_room("lab", alice="owner", bob="member")
    with server.client("listener") as listener:
        listener.subscribe("push/#")
        say(server, "hi")
        wait_until(lambda: any(m.topic == "push/bob" for m in listener.seen), "the program is told")
        told = json.loads(next(m.payload for m in listener.seen if m.topic == "push/bob"))
    assert (told["user"], told["room"], told["text"]) == ("bob", "lab", "hi")
    wait_until(lambda: settled(server), "all is told")
    lines = [json.loads(line) for line in server.backend.log().splitlines() if line.startswith("{")]
    assert {line["user"] for line in lines if line.get("text") == "hi"} == {"admin", "bob"}
    assert {row["provider"] for row in log(server, user="bob", outcome="sent")} == {"mqtt", "stdout"}
