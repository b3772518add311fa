"""Logins: JWT in all three algorithms, device tokens, passwords; what expires, and who is made by connecting."""
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from harness import Client, Refused, wait_until
from jwt.algorithms import RSAAlgorithm

HS_SECRET = "a secret of more than thirty-two bytes, for tests"


def pem(key):
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


RSA_KEY, EC_KEY, OTHER_RSA = (rsa.generate_private_key(65537, 2048), ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048))
SIGNING = {"HS256": HS_SECRET, "RS256": RSA_KEY, "ES256": EC_KEY}
PUBLIC = {"HS256": HS_SECRET, "RS256": pem(RSA_KEY), "ES256": pem(EC_KEY)}


def token(alg, sub="alice", key=None, headers=None, **claims):
    claims = {"sub": sub, "exp": int(time.time()) + 600, **claims}
    return jwt.encode({k: v for k, v in claims.items() if v is not None}, key or SIGNING[alg], algorithm=alg, headers=headers)


def write_secret(folder, name, text):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.touch(mode=0o600)
    path.write_text(text)
    return path


@pytest.fixture(scope="module", params=["HS256", "RS256", "ES256", "jwks"])
def jwt_server(request, tmp_path_factory, profile):
    from harness import Server
    folder = tmp_path_factory.mktemp(f"jwt-{request.param}")
    if request.param == "jwks":
        keys = [{**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "alg": "RS256", "kid": "rsa"},
                {**ec_jwk(EC_KEY), "alg": "ES256", "kid": "ec"}]
        opts = {"jwt_jwks_file": write_secret(folder / "k", "jwks.json", json.dumps({"keys": keys}))}
    else:
        opts = {"jwt_key_file": write_secret(folder / "k", "key", PUBLIC[request.param]), "jwt_algorithm": request.param}
    opts |= {"jwt_issuer": "https://id.test", "jwt_audience": "parley", "jwt_auto_user": "true"}
    server = Server(folder / "s", profile, plugin_opts=opts).start()
    try:
        server.add_user("alice")
        server.add_room("lobby", alice="member")
        server.algs = ["RS256", "ES256"] if request.param == "jwks" else [request.param]
        yield server
    finally:
        server.remove()


def ec_jwk(key):
    import base64
    n = key.public_key().public_numbers()
    b64 = lambda i: base64.urlsafe_b64encode(i.to_bytes(32, "big")).rstrip(b"=").decode()
    return {"kty": "EC", "crv": "P-256", "x": b64(n.x), "y": b64(n.y)}


GOOD = {"iss": "https://id.test", "aud": "parley"}


@pytest.mark.parametrize("v", [4, 5])
def test_a_good_jwt_is_a_login(jwt_server, v):
    for alg in jwt_server.algs:
        with jwt_server.client("alice", v=v, password=token(alg, **GOOD)) as alice:
            assert alice.send("lobby", "by jwt") < 0x80
            sessions = jwt_server.ctl("session", "list")[1]
            assert [s["auth"] for s in sessions if s["device"] == alice.device] == ["jwt"]
        with jwt_server.client("alice", v=v, password=token(alg, iss=GOOD["iss"], aud=["other", "parley"])):
            pass


def bad_tokens(alg):
    now = int(time.time())
    yield "expired", token(alg, **GOOD, exp=now - 3600)
    yield "not yet", token(alg, **GOOD, nbf=now + 3600)
    yield "from the future", token(alg, **GOOD, iat=now + 3600)
    yield "no exp", token(alg, **GOOD, exp=None)
    yield "other issuer", token(alg, iss="https://evil.test", aud="parley")
    yield "no issuer", token(alg, aud="parley")
    yield "other audience", token(alg, iss=GOOD["iss"], aud="someone")
    yield "no audience", token(alg, iss=GOOD["iss"])
    yield "other user", token(alg, sub="bob", **GOOD)
    yield "administrator", token(alg, sub="admin", **GOOD)
    yield "none", jwt.encode({"sub": "alice", "exp": now + 600, **GOOD}, None, algorithm="none")
    yield "guessed secret", token("HS256", key="another secret of thirty-two bytes or more", **GOOD)
    yield "other key", token("RS256", key=OTHER_RSA, **GOOD)
    yield "cut", token(alg, **GOOD)[:-4]
    yield "more", token(alg, **GOOD) + ".x"


def test_bad_jwts_are_none(jwt_server):
    for alg in jwt_server.algs:
        for what, bad in bad_tokens(alg):
            user = "admin" if what == "administrator" else "alice"
            with pytest.raises(Refused):
                jwt_server.client(user, password=bad)
                pytest.fail(f"{alg}: {what} was let in")


def test_the_backends_name_is_not_for_jwts(jwt_server):
    alg = jwt_server.algs[0]
    with pytest.raises(Refused):
        Client(jwt_server, "$parleyd", "x", username="$parleyd", password=token(alg, sub="$parleyd", **GOOD), inbox=False)


def test_a_session_ends_when_its_jwt_does(jwt_server):
    alg = jwt_server.algs[0]
    short = jwt_server.client("alice", password=token(alg, **GOOD, exp=int(time.time()) + 3))
    assert short.send("lobby", "quick") < 0x80
    short.wait_disconnected()


def test_a_new_subject_becomes_a_user_in_no_room(jwt_server):
    name = f"zoe-{jwt_server.algs[0]}"
    with jwt_server.client(name, password=token(jwt_server.algs[0], sub=name, **GOOD)) as zoe:
        wait_until(lambda: any(u["user"] == name for u in jwt_server.ctl("user", "list")[1]), "the user is made")
        assert zoe.ok("room.list")["rooms"] == []
        assert zoe.send("lobby", "hello?") == 0x87
        jwt_server.ctl("member", "add", "lobby", name)
        assert zoe.send("lobby", "now") < 0x80
    with pytest.raises(Refused):  # the same name in another case is nobody's
        jwt_server.client(name.upper(), password=token(jwt_server.algs[0], sub=name.upper(), **GOOD))
    jwt_server.ctl("user", "disable", name)
    with pytest.raises(Refused):
        jwt_server.client(name, password=token(jwt_server.algs[0], sub=name, **GOOD))


def test_without_auto_user_an_unknown_subject_stays_out(make_server, tmp_path):
    server = make_server(plugin_opts={"jwt_key_file": write_secret(tmp_path / "k", "key", HS_SECRET), "jwt_algorithm": "HS256"}).start()
    with pytest.raises(Refused):
        server.client("zoe", password=token("HS256", sub="zoe"))


def test_a_device_token_expires(chat):
    created = chat.ctl("token", "create", "bob", "--expires-in", "2", "--label", "short")[1][0]
    with chat.client("bob", password=created["token"]) as bob:
        assert bob.ok("user.get")["user"] == "bob"
    listed = [t for t in chat.ctl("token", "list", "bob")[1] if t["id"] == created["id"]]
    assert listed[0]["label"] == "short" and "token" not in listed[0]

    def refused():
        try:
            chat.client("bob", password=created["token"]).close()
        except Refused:
            return True

    wait_until(refused, "the token has expired", step_s=0.3)


def test_another_users_token_is_no_login(chat):
    created = chat.ctl("token", "create", "bob")[1][0]
    with pytest.raises(Refused):
        chat.client("alice", password=created["token"])


def test_no_secret_is_in_any_log(chat):
    for name in ("mosquitto", "parleyd"):
        log = (chat.folder / "log" / f"{name}.log").read_text(errors="replace")
        for secret in [*chat.passwords.values(), chat.secret.read_text().strip()]:
            assert secret not in log
