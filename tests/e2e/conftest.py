import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from harness import Server  # noqa: E402


@pytest.fixture(scope="module")
def chat(tmp_path_factory, profile):
    """A running server shared by a module: admin, alice (member), bob (member), mod (moderator), reader, eve (no room); rooms lobby and den.

    den has alice alone. Tests of a module use texts of their own.
    """
    server = Server(tmp_path_factory.mktemp("chat"), profile).start()
    try:
        for name in ("alice", "bob", "mod", "reader", "eve"):
            server.add_user(name)
        server.add_room("lobby", alice="member", bob="member", mod="moderator", reader="reader")
        server.add_room("den", alice="member")
        yield server
    finally:
        server.remove()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.failed:
        for fixture in ("chat",):
            server = item.funcargs.get(fixture)
            for name in ("mosquitto", "parleyd"):
                log = server and server.folder / "log" / f"{name}.log"
                if log and log.exists():
                    report.sections.append((f"{name}.log", log.read_text(errors="replace")[-4000:]))
