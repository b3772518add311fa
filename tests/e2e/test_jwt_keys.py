"""JWTs in use: keys that change under a running broker, and tokens that are taken back."""
import base64
import json
import os
import time

import jwt
import pytest
from harness import Refused, Server, wait_until

pytestmark = pytest.mark.profile("embedded")
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
    server = Server(folder / "s", profile, plugin_opts={"jwt_jwks_file": keys}).start()
    server.keys = keys
    try:
        for name in ("alice", "bob"):
            server.add_user(name)
        server.add_room("lobby", alice="member", bob="member")
        yield server
    finally:
        server.remove()


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
