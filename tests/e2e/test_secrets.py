"""Passwords of the production profile are in 0600 files, and nowhere else."""
import pathlib
import re
import subprocess

import pytest
from harness import PARLEYD, wait_until

pytestmark = pytest.mark.profile("production")


def command_lines():
    lines = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().decode(errors="replace"))
        except OSError:
            pass
    return "\n".join(lines)


def logs(server):
    folders = (server.folder / "log", server.storage.postgres.log_path.parent)
    return "\n".join(path.read_text(errors="replace") for folder in folders for path in folder.iterdir())


def test_no_password_is_seen_where_others_can_look(make_server):
    server = make_server().start()
    storage = server.storage
    secrets = {storage.postgres.password("store"), storage.redis.password("cache"), storage.postgres.password("postgres")}
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    seen = command_lines()
    # What goes wrong is told, without them.
    storage.postgres.kill()
    storage.redis.kill()
    with server.client("alice") as alice:
        assert alice.send("lobby", "hello") < 0x80
        wait_until(lambda: any("ERROR" in line.upper() or "WARN" in line.upper() for line in server.backend.log().splitlines()), "it is told")
        seen += command_lines() + server.http("/metrics")[1] + server.http("/readyz")[1]
        storage.redis.start()
        storage.postgres.start()
        wait_until(server.ready, "parleyd is ready", 120)
    seen += logs(server) + server.http("/metrics")[1] + server.toml.read_text()
    assert not [secret for secret in secrets if secret in seen]
    for name in ("store", "cache", "postgres"):
        assert storage.postgres.password_file(name).stat().st_mode & 0o077 == 0


def password_file(tmp_path, mode):
    path = tmp_path / "wrong.password"
    path.touch(mode=mode)
    path.write_text("hunter2hunter2\n")
    return {"store_password_file": str(path)}, {"cache_password_file": str(path)}


@pytest.mark.parametrize("which", [0, 1], ids=["store", "cache"])
def test_a_wrong_password_is_told_without_it(make_server, tmp_path, which):
    server = make_server().start()
    server.ctl("room", "create", "lobby")
    server.backend.stop()
    server.change_backend(**password_file(tmp_path, 0o600)[which])
    server.start_backend(wait_ready=False)

    def told():
        if server.ready():
            server.ctl("history", "lobby")  # the cache is asked only when something is read
        return re.search("password authentication failed|WRONGPASS|invalid username-password", server.backend.log())

    wait_until(told, "it is told", step_s=0.2)
    assert "hunter2" not in server.backend.log() and "hunter2" not in server.http("/metrics")[1]


@pytest.mark.parametrize("which", [0, 1], ids=["store", "cache"])
def test_a_password_file_that_others_can_read_is_refused(make_server, tmp_path, which):
    server = make_server()
    keys = password_file(tmp_path, 0o644)[which]
    server.change_backend(**keys)
    done = subprocess.run([PARLEYD, "--config", server.toml], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "wrong.password" in done.stderr + done.stdout
    assert "hunter2" not in done.stderr + done.stdout
