"""What the end-to-end and the chaos tests share: the profile they run on, and servers that end with their test."""
import os
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "e2e"))
import profiles  # noqa: E402
import transports  # noqa: E402
from harness import Server  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--profile", choices=profiles.NAMES, default=os.environ.get("PARLEY_PROFILE", "embedded"),
                     help="what parleyd keeps its data in (default: $PARLEY_PROFILE, else embedded)")
    parser.addoption("--transport", choices=transports.NAMES, default=transports.chosen,
                     help="by which way clients, parleyctl and parleyd reach the broker (default: $PARLEY_TRANSPORT, else tcp)")


def pytest_configure(config):
    transports.choose(config.getoption("transport"))


def pytest_collection_modifyitems(config, items):
    """Leaves out the tests of the other profile and of other transports, and tells pytest-xdist (--dist loadgroup) which tests belong together."""
    of_other = [item for item in items for option in ("profile", "transport")
                if (mark := item.get_closest_marker(option)) and mark.args[0] != config.getoption(option)]
    if of_other:
        config.hook.pytest_deselected(items=of_other)
        items[:] = [item for item in items if item not in of_other]
    for item in items:
        if any(name in item.fixturenames for name in ("chat", "jwt_server")):  # one server for a module's tests
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))


@pytest.fixture(scope="session")
def profile(request):
    with profiles.opened(request.config.getoption("profile")) as profile:
        yield profile


@pytest.fixture
def make_server(tmp_path, profile):
    """Makes servers that are killed at the end of the test. kind: the class."""
    servers = []

    def make(kind=Server, **kwargs):
        server = kind(tmp_path / f"server{len(servers)}", profile=profile, **kwargs)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.remove()
