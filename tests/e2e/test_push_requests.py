"""Where people are reached when they are away, and what they wish: requests and parleyctl, no notification yet."""
import base64
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from harness import Server, wait_until

ENDPOINT = "https://127.0.0.1:9/a-secret-endpoint"  # nobody listens there


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def browser_keys():
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return {"p256dh": base64url(point), "auth": base64url(b"0123456789abcdef")}


def subscription(suffix=""):
    return {"provider": "webpush", "address": ENDPOINT + suffix, "keys": browser_keys()}


@pytest.fixture(scope="module")
def push(tmp_path_factory, profile):
    """A server that notifies by Web Push and standard output; admin, alice and bob."""
    folder = tmp_path_factory.mktemp("push")
    key = ec.generate_private_key(ec.SECP256R1())
    key_file = folder / "vapid.pem"
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    server = Server(folder, profile, backend_opts={
        "notify.stdout": "yes", "webpush.key_file": str(key_file), "webpush.subject": "mailto:ops@example.org",
        "webpush.allow_private": "yes"}).start()
    server.vapid = base64url(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
    try:
        for name in ("alice", "bob"):
            server.add_user(name)
        yield server
    finally:
        server.remove()


def places(listing):
    return sorted((r["device"], r["provider"]) for r in listing["registrations"])


@pytest.mark.parametrize("v", [4, 5])
def test_a_device_registers_itself_for_as_long_as_it_likes(push, v):
    user = f"rita{v}"
    push.add_user(user)
    with push.client(user, f"{user}-web", v=v) as web, push.client(user, f"{user}-pad", v=v) as pad:
        made = web.ok("push.register", **subscription(user))
        assert (made["device"], made["provider"]) == (f"{user}-web", "webpush") and "address" not in made
        again = web.ok("push.register", **subscription(user + "2"))
        assert again["id"] == made["id"] and again["at"] >= made["at"]
        assert pad.ok("push.register", **subscription(user + "3"))["device"] == f"{user}-pad"
        listing = web.ok("push.list")
        assert places(listing) == [(f"{user}-pad", "webpush"), (f"{user}-web", "webpush")]
        assert listing["providers"] == ["webpush"] and listing["webpush_key"] == push.vapid
        assert "secret" not in json.dumps(listing)
        assert web.ok("push.unregister") == {"removed": 1}
        assert web.request("push.unregister")["error"]["code"] == "not_found"
        assert places(pad.ok("push.list")) == [(f"{user}-pad", "webpush")]


def test_what_is_refused(push):
    with push.client("alice", "alice-web") as alice, push.client("bob", "bob-web"):
        for params, code in (
            ({**subscription(), "address": "http://127.0.0.1/"}, "invalid_argument"),
            ({**subscription(), "keys": {}}, "invalid_argument"),
            ({"provider": "fcm", "address": "token"}, "invalid_argument"),
            ({**subscription(), "user": "bob"}, "not_allowed"),
            ({**subscription(), "device": "bob-web"}, "not_found"),
        ):
            assert alice.request("push.register", **params)["error"]["code"] == code, params
        assert "webpush" in alice.request("push.register", provider="fcm", address="token")["error"]["message"]
        for method in ("notify.log", "notify.dead", "notify.status"):
            assert alice.request(method)["error"]["code"] == "not_allowed"
        assert alice.request("notify.test", user="alice")["error"]["code"] == "not_allowed"
        assert alice.request("notify.retry", all=True)["error"]["code"] == "not_allowed"


def test_an_address_has_one_owner(push):
    with push.client("alice", "shared-tablet") as tablet:
        tablet.ok("push.register", **subscription("shared"))
    push.add_user("zoe")
    with push.client("zoe", "zoe-tablet") as tablet:
        tablet.ok("push.register", **subscription("shared"))
    assert ("shared-tablet", "webpush") not in places({"registrations": push.ctl("push", "list", "alice")[1]})
    assert [r["device"] for r in push.ctl("push", "list", "zoe")[1]] == ["zoe-tablet"]


def test_a_forgotten_device_and_an_erased_user_lose_their_registrations(push):
    push.add_user("eric")
    with push.client("eric", "eric-web") as web:
        web.ok("push.register", **subscription("eric"))
    with push.client("eric", "eric-pad") as pad:
        pad.ok("push.register", **subscription("eric2"))
        wait_until(lambda: "eric-web" in [d["device"] for d in pad.ok("device.list")["devices"]], "the first device is known")
        pad.ok("device.forget", device="eric-web")
        assert places(pad.ok("push.list")) == [("eric-pad", "webpush")]
    push.ctl("user", "erase", "eric", "--yes")
    assert push.ctl("push", "list", "eric")[1] == []


def test_wishes_are_kept_when_parleyd_is_killed(push):
    for name in ("wanda", "willy"):
        push.add_user(name)
    push.add_room("wishes", wanda="member")
    quiet = {"from": "22:00", "to": "07:30", "zone": "America/Argentina/Buenos_Aires"}
    with push.client("wanda") as wanda:
        assert wanda.ok("notify.get") == {"blocked": []}
        assert wanda.ok("notify.set", quiet=quiet) == {"quiet": quiet, "blocked": []}
        for _ in range(2):
            wanda.ok("notify.block", user="willy")
        assert wanda.ok("notify.room", room="wishes") == {"room": "wishes", "level": "default"}
        room = wanda.ok("notify.room", room="wishes", level="mentions", mute_s=3600)
        assert room["level"] == "mentions" and room["muted_until"] > 0
        assert wanda.request("notify.set", quiet={**quiet, "zone": "Mars"})["error"]["code"] == "invalid_argument"
        assert wanda.request("notify.block", user="nobody")["error"]["code"] == "not_found"
        assert wanda.request("notify.room", room="wishes", level="loud")["error"]["code"] == "invalid_argument"
        push.backend.kill()
        push.start_backend()
        assert wanda.ok("notify.get") == {"quiet": quiet, "blocked": ["willy"]}
        assert wanda.ok("notify.room", room="wishes") == room
        push.ctl("room", "delete", "wishes", "--yes")
        assert wanda.request("notify.room", room="wishes")["error"]["code"] == "not_a_member"
        wanda.ok("notify.unblock", user="willy")
        assert wanda.ok("notify.set", quiet=None) == {"blocked": []}


def test_parleyctl_registers_tests_and_removes(push):
    push.add_user("carl")
    address, keys = push.folder / "carl.address", push.folder / "carl.keys"
    for path, text in ((address, ENDPOINT + "carl\n"), (keys, json.dumps(browser_keys()))):
        path.touch(mode=0o600)
        path.write_text(text)
    register = ("push", "register", "carl", "--provider", "webpush", "--device", "carl-web", "--keys-file", keys)
    assert push.ctl(*register, "--address-file", address)[1][0]["device"] == "carl-web"
    assert push.ctl(*register, "--address-file", "-", input=ENDPOINT + "carl2\n")[1][0]["device"] == "carl-web"
    assert [(r["device"], r["provider"]) for r in push.ctl("push", "list", "carl")[1]] == [("carl-web", "webpush")]
    code, results, err = push.ctl("notify", "test", "carl", check=False)
    outcomes = {r["provider"]: r for r in results if "provider" in r}
    assert code == 1 and "1 of 2" in err and outcomes["stdout"]["outcome"] == "sent", (results, err)
    assert outcomes["webpush"]["outcome"] == "retry" and outcomes["webpush"]["device"] == "carl-web" and outcomes["webpush"]["reason"]
    assert push.ctl("push", "unregister", "carl", "--provider", "webpush")[1] == [{"removed": 1}]
    assert push.ctl("push", "unregister", "carl", check=False)[0] == 1
    assert [(r["provider"], r["outcome"]) for r in push.ctl("notify", "test", "carl")[1]] == [("stdout", "sent")]
    assert "a-secret-endpoint" not in push.backend.log() + json.dumps(push.ctl("audit", "--limit", 500)[1])
    acts = [a["action"] for a in push.ctl("audit", "--user", "carl")[1]]
    assert acts[:2] == ["notify.test", "push.unregister"] and "push.register" in acts


def test_parleyctl_tells_and_sets_wishes(push):
    for name in ("wim", "wes"):
        push.add_user(name)
    push.add_room("wished", wim="member")
    wim = lambda *args: push.ctl("notify", *args, user="wim")[1][0]
    assert wim("wishes") == {"blocked": []}
    quiet = {"from": "22:00", "to": "07:00", "zone": "Asia/Kathmandu"}
    assert wim("wishes", "--quiet", "22:00-07:00", "--zone", "Asia/Kathmandu") == {"quiet": quiet, "blocked": []}
    wim("block", "wes")
    assert push.ctl("notify", "wishes", "wim")[1] == [{"quiet": quiet, "blocked": ["wes"]}]
    wim("unblock", "wes")
    assert push.ctl("notify", "wishes", "wim", "--quiet", "off")[1] == [{"blocked": []}]
    assert wim("room", "wished", "--level", "none") == {"room": "wished", "level": "none"}
    assert wim("room", "wished", "--mute", "8h")["muted_until"] > 0
    assert wim("room", "wished", "--mute", "off", "--level", "default") == {"room": "wished", "level": "default"}
    for wrong in (["wishes", "--quiet", "22"], ["wishes", "--zone", "UTC"], ["room", "wished", "--mute", "soon"], ["room"]):
        assert push.ctl("notify", *wrong, user="wim", check=False)[0] == 2, wrong
    assert push.ctl("notify", "wishes", "--quiet", "22:00-25:00", user="wim", check=False)[0] == 1


@pytest.mark.parametrize("args,code,word", [
    (["push", "register", "alice", "--provider", "webpush"], 2, "--address-file"),
    (["push", "register", "alice", "--provider", "fcm", "--email", "a@example.org"], 2, "--provider email"),
    (["push", "register", "alice", "--provider", "email", "--email", "a@example.org"], 1, "webpush"),
    (["push", "register", "alice", "--provider", "fcm", "--address-file", "/nowhere"], 2, ""),
    (["push", "unregister", "nobody"], 1, "not_found"),
    (["notify", "test", "nobody"], 1, "not_found"),
    (["notify", "dead", "retry"], 2, "--all"),
    (["notify", "dead", "retry", "1", "--all"], 2, ""),
    (["notify", "dead", "retry", "x"], 2, ""),
])
def test_what_parleyctl_refuses(push, args, code, word):
    status, _, err = push.ctl(*args, check=False)
    assert status == code and word in err, (status, err)


def test_a_file_that_others_may_read_is_no_place_for_an_address(push):
    path = push.folder / "open.address"
    path.write_text("token\n")
    path.chmod(0o644)
    assert push.ctl("push", "register", "alice", "--provider", "fcm", "--address-file", path, check=False)[0] == 2


def test_parleyctl_shows_the_outbox(push):
    assert push.ctl("notify", "status")[1][0]["providers"] == ["stdout", "webpush"]
    assert push.ctl("notify", "log", "--user", "nobody-yet")[1] == []
    assert push.ctl("notify", "dead", "list")[1] == []
    assert push.ctl("notify", "dead", "retry", "--all")[1] == [{"retried": 0}]
    assert push.ctl("notify", "dead", "retry", "17")[1] == [{"retried": 0}]


def test_a_server_without_providers_says_so(chat):
    with chat.client("alice", "alice-app") as alice:
        assert alice.request("push.register", provider="fcm", address="token")["error"]["code"] == "unavailable"
        assert alice.ok("push.list") == {"registrations": [], "providers": []}
        assert alice.request("push.unregister")["error"]["code"] == "not_found"
    assert chat.ctl("notify", "test", "alice", check=False)[0] == 1
    assert chat.ctl("notify", "status")[1][0] == {"providers": [], "queues": []}
