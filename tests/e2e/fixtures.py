"""Fixtures that several folders of tests share; their conftest.py imports them."""
import pytest
from harness import Server


@pytest.fixture
def make_server(tmp_path):
    """Makes servers that are killed at the end of the test. kind: the class."""
    servers = []

    def make(kind=Server, **kwargs):
        folder = tmp_path / f"server{len(servers)}"
        server = kind(folder, **kwargs)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.kill()
