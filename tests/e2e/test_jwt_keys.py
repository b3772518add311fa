"""JWTs in use: keys that change under a running broker, and tokens that are taken back."""
import base64
import json
import os
import time

import jwt
import pytest
from harness import Refused, Server, running, wait_until

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.xdist_group("jwt_keys")]
SECRETS = {kid: f"secret {kid} of more than thirty-two bytes, for tests" for kid in "abc"}


def jwks(*kids):
    key = lambda kid: {"kty": "oct", "alg": "HS256", "kid": kid, "k": base64.urlsafe_b64encode(SECRETS[kid].encode()).rstrip(b"=").decode()}
    return json.dumps({"keys": [key(kid) for kid in kids]})


def token(kid, sub="alice", **claims):
    now = int(time.time())
    claims = {"sub": sub, "iat": now, "exp": now + 600, **claims}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, SECRETS[kid], algorithm="HS256", headers={"kid": kid})


def write(path, text):
    beside = path.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_text(text)
    os.replace(beside, path)


@pytest.fixture(scope="module")
def server(tmp_path_factory, profile):
    folder = tmp_path_factory.mktemp("keys")
    keys = folder / "jwks.json"
    write(keys, jwks("a"))
    server = Server(folder / "s", profile, plugin_opts={"jwt_jwks_file": keys})
    server.keys = keys
    with running(server, "alice", "bob"):
        yield server


def lets_in(server, password, user="alice"):
    try:
        server.client(user, password=password).close()
        return True
    except Refused:
        return False


def test_a_changed_key_file_is_noticed(server):
    assert lets_in(server, token("a")) and not lets_in(server, token("b"))
    stays = server.client("alice", password=token("a"))
    write(server.keys, jwks("a", "b"))
    wait_until(lambda: lets_in(server, token("b")), "the new key is known", log=server.broker)
    assert lets_in(server, token("a"))
    write(server.keys, jwks("b"))
    wait_until(lambda: not lets_in(server, token("a")), "the old key is gone", log=server.broker)
    assert lets_in(server, token("b"))
    assert stays.send("lobby", "until my exp") < 0x80  # whom a key let in stays
    stays.close()


def test_a_broken_key_file_changes_nothing_and_is_told(server):
    write(server.keys, jwks("b"))
    wait_until(lambda: lets_in(server, token("b")), "the key is known")
    errors = server.broker.log().count("keys stay as they were")
    server.keys.write_text(jwks("b", "c")[:-20])
    wait_until(lambda: server.broker.log().count("keys stay as they were") == errors + 1, "the error is told", log=server.broker)
    assert lets_in(server, token("b"))
    write(server.keys, jwks("b", "c"))
    wait_until(lambda: lets_in(server, token("c")), "the mended file is read", log=server.broker)
    assert server.broker.log().count("keys stay as they were") == errors + 1
    for secret in SECRETS.values():
        assert secret not in server.broker.log()


def test_one_token_is_taken_back(server):
    write(server.keys, jwks("a", "b"))
    wait_until(lambda: lets_in(server, token("a")), "the keys are known")
    one, two = token("a", jti="one"), token("a", jti="two")
    first, second = server.client("alice", password=one), server.client("alice", password=two)
    assert server.ctl("jwt", "revoke", "one", "--good-for", "1h")[1][0]["kicked"] == 1
    first.wait_disconnected()
    assert not lets_in(server, one) and lets_in(server, two)
    assert second.send("lobby", "still here") < 0x80
    second.close()


def test_all_of_a_users_that_were_issued_by_now_are_taken_back(server):
    old, undated, of_bob = token("a"), token("a", iat=None), token("a", sub="bob")
    phone, bobs = server.client("alice", password=old), server.client("bob", password=of_bob)
    by_password = server.client("alice")
    assert server.ctl("jwt", "revoke", "--user", "alice")[1][0]["kicked"] == 1
    phone.wait_disconnected()
    assert not lets_in(server, old) and not lets_in(server, undated) and lets_in(server, of_bob, "bob")
    wait_until(lambda: lets_in(server, token("a")), "a token issued later is good")  # in the next second
    assert bobs.ok("user.get")["user"] == "bob" and by_password.ok("user.get")["user"] == "alice"
    bobs.close()
    by_password.close()


def test_what_is_taken_back_stays_so_without_backend_and_after_a_restart(server):
    gone, kept = token("a", jti="gone"), token("a", sub="bob", jti="kept")
    server.ctl("jwt", "revoke", "gone")
    listed = {entry["key"]: entry for entry in server.ctl("jwt", "list")[1]}
    assert listed["jti:gone"]["until"] > time.time() * 1000 + 300 * 86400 * 1000
    server.backend.kill()
    server.broker.kill()
    server.start_broker()
    assert not lets_in_bare(server, "alice", gone) and lets_in_bare(server, "bob", kept)
    server.start_backend()
    assert {entry["key"] for entry in server.ctl("jwt", "list")[1]} >= {"jti:gone"}


def lets_in_bare(server, user, password):
    """Without a backend, which the harness's client wants."""
    from mqtt5 import Bare
    with Bare(server.mqtt_port) as connection:
        return connection.connect(f"{user}-bare", username=user, password=password).answer()[1] == 0


def test_it_is_for_administrators(server):
    with server.client("bob") as bob:
        assert bob.request("jwt.revoke", user="bob")["error"]["code"] == "not_allowed"
        assert bob.request("jwt.revoked")["error"]["code"] == "not_allowed"
    assert server.ctl("jwt", "revoke", check=False)[0] == 2
    server.ctl("jwt", "revoke", "audited")
    acts = server.ctl("audit", "--limit", "50")[1]
    assert [a for a in acts if a["action"] == "jwt.revoke" and a["outcome"] == "asked" and a["details"].get("jti") == "audited"]
