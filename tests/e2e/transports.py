"""By which way the clients of the tests, parleyctl and parleyd reach the broker: pytest --transport.

tcp: without TLS. tls: over TLS; what a test wants over WebSocket, over WSS. wss: all clients and parleyctl over WSS, parleyd over TLS.
"""
import functools
import os
import pathlib
import tempfile

from authority import Authority

NAMES = ("tcp", "tls", "wss")
WAYS = {"tcp": ("tcp", "ws"), "tls": ("tls", "wss"), "wss": ("wss", "wss")}
chosen = os.environ.get("PARLEY_TRANSPORT", "tcp")


def choose(name):
    global chosen
    chosen = name


def over_tls():
    return chosen != "tcp"


def way(websocket=False):
    """A key of Server.ports."""
    return WAYS[chosen][websocket]


@functools.cache
def authority():
    """Of this process; it has made the certificate of all servers."""
    folder = tempfile.TemporaryDirectory(prefix="parley-ca-")
    authority = Authority(pathlib.Path(folder.name))
    authority.temporary = folder  # goes with it
    authority.broker = authority.server()
    return authority


def listeners(ports):
    """For mosquitto.conf."""
    pair = authority().broker
    files = [f"certfile {pair.crt}", f"keyfile {pair.key}", "tls_version tlsv1.2"]
    return [f"listener {ports['tls']} 127.0.0.1", *files, f"listener {ports['wss']} 127.0.0.1", "protocol websockets", "socket_domain ipv4", *files]
