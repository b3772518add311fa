"""A user's devices: which there are, and putting one out."""
import pytest
from harness import Refused, have_node, wait_until
from wsclient import WsClient


def names(listing):
    return [d["device"] for d in listing]


def token_client(server, user, device, token, **kwargs):
    return server.client(user, device, password=token, **kwargs)


def test_every_device_ever_seen_is_listed_until_it_is_forgotten(chat):
    chat.add_user("dora")
    assert have_node(), "MQTT.js is not installed: tools/test does it (npm ci in tests/e2e)"
    web = WsClient(chat, "dora", "dora-web")
    try:
        web.wait_event("connected")
        with chat.client("dora", "dora-pad", v=4):
            pass
        with chat.client("dora", "dora-phone") as phone:
            phone.publish("users/dora/devices/dora-phone/status", {"status": "away"}, retain=True)
            listed = wait_until(lambda: (d := phone.ok("device.list")["devices"]) and names(d) == ["dora-pad", "dora-phone", "dora-web"]
                                and all("first_seen" in x for x in d) and not d[0]["connected"] and d[1].get("status") == "away" and d, "all three, and which are connected")
            assert [d["connected"] for d in listed] == [False, True, True]
            assert listed[1]["status"] == "away" and listed[0]["first_seen"] <= listed[0]["last_seen"]
            assert phone.ok("device.forget", device="dora-pad") == {"kicked": 0, "revoked": 0}
            assert names(phone.ok("device.list")["devices"]) == ["dora-phone", "dora-web"]
            assert phone.request("device.forget", device="dora-pad")["error"]["code"] == "not_found"
            assert phone.request("device.forget", device="admin-x", user="admin")["error"]["code"] == "not_allowed"
            assert phone.request("device.list", user="alice")["error"]["code"] == "not_allowed"
            assert phone.ok("device.forget", device="dora-web")["kicked"] == 1
            web.wait_event("closed")
            wait_until(lambda: names(phone.ok("device.list")["devices"]) == ["dora-phone"], "the end of its session does not bring it back")
    finally:
        web.close()
    chat.backend.stop()
    chat.start_backend()
    assert names(chat.ctl("device", "list", "dora")[1]) == ["dora-phone"]


@pytest.mark.parametrize("v", [4, 5])
def test_a_forgotten_device_is_out_with_its_tokens_at_once(chat, v):
    user = f"tom{v}"
    chat.add_user(user)
    tokens = [chat.request(user, "token.create", label=label)["result"]["token"] for label in ("lost", "older", "kept")]
    phone, pad = f"{user}-phone", f"{user}-pad"
    token_client(chat, user, phone, tokens[1], v=v).close()
    lost = token_client(chat, user, phone, tokens[0], v=v, clean=False, expiry_s=3600)
    lost.publish(f"users/{user}/devices/{phone}/status", {"status": "online"}, retain=True)
    with token_client(chat, user, pad, tokens[2], v=v) as kept:
        wait_until(lambda: phone in names(kept.ok("device.list")["devices"]), "the phone is known")
        kept.subscribe(f"users/{user}/devices/+/status")
        assert kept.ok("device.forget", device=phone)["revoked"] == 2
        lost.wait_disconnected()
        for token in tokens[:2]:
            with pytest.raises(Refused):
                token_client(chat, user, phone, token, v=v)
        assert [t["label"] for t in kept.ok("token.list")["tokens"]] == ["kept"]
        assert kept.connected
        wait_until(lambda: kept.seen and kept.seen[-1].topic.endswith(f"{phone}/status") and kept.seen[-1].payload == b"", "its status is cleared")
    # Nobody holds its client id any more.
    with chat.client("alice", phone):
        pass


def test_administrators_forget_anybodys(chat):
    chat.add_user("tim")
    tim = chat.client("tim", "tim-phone")
    wait_until(lambda: names(chat.ctl("device", "list", "tim")[1]) == ["tim-phone"], "tim's phone")
    assert chat.ctl("device", "forget", "tim-phone", "--user", "tim")[1] == [{"kicked": 1, "revoked": 0}]
    tim.wait_disconnected()
    assert chat.ctl("device", "list", "tim")[1] == []
    with chat.client("tim", "tim-phone"):  # with the password it may come back
        wait_until(lambda: names(chat.ctl("device", "list", "tim")[1]) == ["tim-phone"], "it is back")
