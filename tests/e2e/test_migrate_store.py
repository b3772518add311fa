"""From SQLite to PostgreSQL while people chat: parleyctl migrate-store, then another `store` in parleyd.toml."""
import os
import pathlib
import subprocess
import threading
import tomllib

import pytest
from harness import PARLEYCTL, Server, wait_until
from profiles import Embedded, Production


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "server", Embedded()).start()
    yield server
    server.kill()


@pytest.fixture
def database(tmp_path):
    """An empty PostgreSQL database; the profile's keys of parleyd.toml that name it."""
    profile = Production()
    storage = profile.storage(tmp_path)
    yield storage
    storage.drop()
    profile.close()


def migrate(server, database, *args, env=None):
    command = [PARLEYCTL, "migrate-store", "--from", server.storage.keys["store"], "--to", database.keys["store"], *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=env)


def point_to(server, database):
    """`store` and its password file, in place of the old store; nothing else."""
    old = f'store = "{server.storage.keys["store"]}"'
    text = server.toml.read_text()
    assert old in text
    server.toml.write_text(text.replace(old, f'store = "{database.keys["store"]}"\nstore_password_file = "{database.keys["store_password_file"]}"'))
    assert tomllib.loads(server.toml.read_text())["store"].startswith("postgresql://")


def test_a_living_installation_moves_and_nothing_is_lost(server, database):
    for name in ("alice", "bob"):
        server.add_user(name)
    server.add_room("lab", alice="member", bob="reader")
    accepted, done = [], threading.Event()

    def chat():
        with server.client("alice", "alice-phone") as alice:
            while not done.is_set():
                ref = f"r{len(accepted)}"
                if alice.send("lab", {"text": ref, "ref": ref}) < 0x80:
                    accepted.append(ref)

    talker = threading.Thread(target=chat)
    talker.start()
    try:
        wait_until(lambda: len(accepted) > 50, "alice talks")
        moved = migrate(server, database, "--password-file", database.keys["store_password_file"])
        assert moved.returncode == 0, moved.stderr
        assert "restart parleyd" in moved.stdout
        before = len(accepted)
        wait_until(lambda: len(accepted) > before + 50, "alice talks on, though the old store is sealed")
        server.backend.stop()
        point_to(server, database)
        server.start_backend()
        before = len(accepted)
        wait_until(lambda: len(accepted) > before + 20, "alice talks on")
    finally:
        done.set()
        talker.join()
    history = server.history("lab", len(accepted) + 100)
    assert [e["seq"] for e in history] == list(range(1, len(history) + 1))
    assert [e["ref"] for e in history if e["type"] == "text"] == accepted
    assert len({e["epoch"] for e in history}) == 1
    with server.client("bob") as bob:
        assert bob.send("lab", "a reader still") == 0x87
    assert server.ctl("member", "remove", "lab", "bob")[0] == 0


def test_a_moved_store_is_neither_opened_nor_moved_again(server, database):
    env = {**os.environ, "PARLEY_STORE_PASSWORD": pathlib.Path(database.keys["store_password_file"]).read_text().strip()}
    assert migrate(server, database, env=env).returncode == 0
    again = migrate(server, database, env=env)
    assert again.returncode == 1 and "was moved to postgresql://" in again.stderr
    server.backend.stop()
    server.start_backend(wait_ready=False)
    assert server.backend.popen.wait(30) != 0
    assert "was moved to postgresql://" in server.backend.log()


@pytest.mark.parametrize("url, says", [("postgresql://parley:secret@127.0.0.1/parley", "leave the password out"),
                                       ("mysql://127.0.0.1/parley", "postgresql://")])
def test_a_target_that_can_not_be_is_told(server, url, says):
    out = subprocess.run([PARLEYCTL, "migrate-store", "--from", server.storage.keys["store"], "--to", url],
                         capture_output=True, text=True, timeout=60)
    assert out.returncode == 2 and says in out.stderr and "secret" not in out.stderr, out.stderr


