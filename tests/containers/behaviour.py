"""What the whole does: chats, stops, reloads, comes back with everything."""
import hashlib
import os
import secrets
import signal
import ssl

from chatter import TLS, WSS, Chatter
from stack import wait_until

ROOM = "lobby"
PASSWORDS = {}


def authority(stack):
    return stack.secrets / "tls/ca.crt"


def need_room(stack):
    """Once: a check may be the only one that was chosen."""
    if PASSWORDS:
        return
    stack.ctl("room", "create", ROOM)
    for user in ("alice", "bob"):
        PASSWORDS[user] = secrets.token_hex(8)
        stack.ctl("user", "create", user, "--password-stdin", input=PASSWORDS[user] + "\n")
        stack.ctl("member", "add", ROOM, user)


def both(stack):
    """alice by TLS, bob by WSS, both listening."""
    need_room(stack)
    return (Chatter("alice", PASSWORDS["alice"], TLS, authority(stack), ROOM),
            Chatter("bob", PASSWORDS["bob"], WSS, authority(stack), ROOM))


def exchange(stack, alice, bob, words):
    for speaker, text in ((alice, f"{words} by TLS"), (bob, f"{words} by WSS")):
        speaker.say(ROOM, text)
        for listener in (alice, bob):
            assert listener.hears(text)["from"] == speaker.user
        wait_until(lambda text=text: text in stack.texts(ROOM), f"{text!r} is in history")


def they_chat(stack):
    alice, bob = both(stack)
    exchange(stack, alice, bob, "hello")
    alice.close()
    bob.close()


def strangers_stay_out(stack):
    need_room(stack)
    try:
        Chatter("alice", "wrong", TLS, authority(stack), ROOM)
    except PermissionError as refusal:
        return str(refusal)
    raise AssertionError("a wrong password was taken")


def nobody_is_disconnected_by_sighup(stack):
    alice, bob = both(stack)
    pids = {service: stack.pid(service) for service in ("broker", "parleyd")}
    before = fingerprint()
    # A new certificate, and a limit that only the reload can have brought.
    (stack.secrets / "ca/server.crt").unlink()
    (stack.secrets / "tls/server.crt").unlink()
    stack.make_secrets()
    limits = stack.folder / "docker/broker/limits.conf"
    kept = limits.read_text()
    limits.write_text("max_content_bytes 1K\n")
    for service in pids:
        stack.podman("kill", "--signal", "HUP", stack.name(service))
    wait_until(lambda: fingerprint() != before, "the new certificate is shown")
    exchange(stack, alice, bob, "after a reload")
    alice.say(ROOM, "x" * 2000)
    limits.write_text(kept)
    stack.podman("kill", "--signal", "HUP", stack.name("broker"))
    exchange(stack, alice, bob, "after another")
    assert not any("xxx" in text for text in stack.texts(ROOM)), "the new limit was not heard of"
    assert pids == {service: stack.pid(service) for service in pids}
    assert alice.lost == bob.lost == 0, "a client was disconnected"
    alice.close()
    bob.close()


def fingerprint():
    return hashlib.sha256(ssl.get_server_certificate(("127.0.0.1", TLS)).encode()).hexdigest()


def sigterm_stops(stack):
    codes = {service: stack.stop(service) for service in ("parleyd", "broker", "postgres", "redis", "prometheus")}
    assert all(code == 0 for code in codes.values()), codes
    for service in ("postgres", "redis", "broker", "parleyd", "prometheus"):
        stack.start(service)
    stack.wait_ready()


def chat_outlives_the_backend(stack):
    alice, bob = both(stack)
    assert stack.stop("parleyd") == 0
    alice.say(ROOM, "nobody stores this yet")
    bob.hears("nobody stores this yet")
    stack.start("parleyd")
    stack.wait_ready()
    wait_until(lambda: "nobody stores this yet" in stack.texts(ROOM), "history has caught up")
    alice.close()
    bob.close()


def killed_comes_back(stack):
    """SIGKILL from outside: the restart policy, not this program, starts it again; what was accepted is there."""
    alice, bob = both(stack)
    said = []
    for service in ("parleyd", "broker", "postgres", "redis"):
        alice.say(ROOM, f"before {service} dies")
        before = stack.pid(service)
        os.kill(before, signal.SIGKILL)
        wait_until(lambda service=service, before=before: stack.pid(service) not in (0, before), f"{service} was started again")
        alice.say(ROOM, f"after {service} died")
        said += [f"before {service} dies", f"after {service} died"]
    stack.wait_ready()
    wait_until(lambda: set(said) <= set(stack.texts(ROOM)), "history has all that was accepted")
    complete(stack)
    alice.close()
    bob.close()


def complete(stack):
    history = stack.history(ROOM)
    numbers = [entry["seq"] for entry in history]
    assert numbers == list(range(1, len(numbers) + 1)), numbers
    return history


def new_containers_old_volumes(stack):
    before = complete(stack)
    stack.down()
    assert not stack.podman("ps", "--all", "--quiet").stdout.strip(), "down left containers"
    stack.up(*stack.services)
    for service in stack.services:
        stack.wait_healthy(service)
    stack.wait_ready()
    assert complete(stack)[:len(before)] == before, "history is another"
    alice, bob = both(stack)
    exchange(stack, alice, bob, "in new containers")
    assert complete(stack)[-1]["seq"] == len(before) + 2
    alice.close()
    bob.close()


CHECKS = (
    ("two people chat, one by TLS, one by WSS, and history has it", they_chat),
    ("a wrong password is not let in", strangers_stay_out),
    ("SIGHUP brings a new certificate and new limits, and disconnects nobody", nobody_is_disconnected_by_sighup),
    ("SIGTERM stops each of them in time, with exit code 0", sigterm_stops),
    ("members go on talking while parleyd is stopped; history catches up", chat_outlives_the_backend),
    ("killed ones are started again, and nothing accepted is lost", killed_comes_back),
    ("new containers over the old volumes have everything", new_containers_old_volumes),
)
