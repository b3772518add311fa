"""docker/nginx.conf and docker/haproxy.cfg as they stand, with other paths and ports, before a broker with docker/mosquitto.conf."""
import http.client
import os
import re
import shutil
import subprocess
from types import SimpleNamespace

import pytest
from harness import ROOT, Client, Process, address_over_websocket, free_ports, have_node, listens, running, wait_until
from sample import SampleServer
from wsclient import WsClient

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.transport("tcp")]
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
PORTS = {"443": "wss", "8883": "tls", "8885": "cert"}  # of the samples, and what is behind them


class Proxy:
    """One of the two, started from its sample; .front is the server as seen through it."""

    def __init__(self, server, folder, name, uncommented=False):
        folder.mkdir()
        self.server, self.folder, self.name = server, folder, name
        self.ports = dict(zip(PORTS.values(), free_ports(3)))
        sample = ROOT / "docker" / {"nginx": "nginx.conf", "haproxy": "haproxy.cfg"}[name]
        text = sample.read_text()
        if uncommented:
            text = re.sub(r"^( *)#(\w+ [^#\n]*(?:;|send-proxy-v2))$", r"\1\2", text, flags=re.M)
            text = re.sub(r"^  server mosquitto [0-9.:]+\n(?=  server mosquitto)", "", text, flags=re.M)
            assert text != sample.read_text()
        self.conf = folder / sample.name
        self.conf.write_text(self.adapted(text))

    def adapted(self, text):
        text = re.sub(r"^ *(listen \[::\]|bind :::).*\n", "", text, flags=re.M)  # not every machine has IPv6
        text = re.sub(r"\b(listen |bind :)(\d+)", lambda m: f"{m[1].rstrip(':')}{'127.0.0.1:'}{self.ports[PORTS[m[2]]]}", text)
        for port, way in (("8080", "ws"), ("1883", "tcp"), ("8884", "cert")):
            assert f"127.0.0.1:{port}" in text
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{self.server.ports[way]}")
        text = text.replace("maxconn 20000", "maxconn 1000").replace("worker_connections 20000", "worker_connections 1000")  # as many files as a test may open
        tls = self.server.folder / "tls"
        pem = tls / "haproxy.pem"
        pem.touch(mode=0o600)
        pem.write_text((tls / "server.crt").read_text() + (tls / "server.key").read_text())
        text = text.replace("/etc/parley/tls", str(tls)).replace("/run/nginx.pid", f"{self.folder}/nginx.pid")
        temporary = "".join(f"  {what}_temp_path {self.folder}/{what};\n" for what in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = text.replace("http {\n", "http {\n" + temporary)
        assert "/etc/" not in text
        return text

    def argv(self, check=False):
        if self.name == "nginx":
            return [shutil.which("nginx", path=PATH), "-c", self.conf, "-e", "stderr", *(["-t"] if check else ["-g", "daemon off;"])]
        return [shutil.which("haproxy", path=PATH), "-f", self.conf, "-c" if check else "-db"]

    def start(self):
        self.process = Process(self.argv(), self.folder / "log")
        wait_until(lambda: all(map(listens, self.ports.values())) or not self.process.running(), f"{self.name} listens", log=self.process)
        assert self.process.running(), self.process.log()
        self.front = SimpleNamespace(ports=self.ports, passwords=self.server.passwords, authority=self.server.authority)
        return self


@pytest.fixture(scope="module")
def behind(tmp_path_factory, profile):
    with running(SampleServer(tmp_path_factory.mktemp("behind"), profile), "alice", "bob") as server:
        yield server


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxy(request, behind, tmp_path_factory):
    if not shutil.which(request.param, path=PATH):
        pytest.skip(f"{request.param} is not installed")
    proxy = Proxy(behind, tmp_path_factory.mktemp(request.param) / "conf", request.param).start()
    yield proxy
    proxy.process.stop()


@pytest.mark.parametrize("v", [4, 5])
@pytest.mark.parametrize("via", ["tls", "wss", "cert"])
def test_a_chat_through_a_proxy(proxy, behind, via, v):
    kwargs = {"certificate": behind.certificates["alice"], "username": None} if via == "cert" else {}
    text = f"{proxy.name} {via} {v}"
    with Client(proxy.front, "alice", f"alice-{via}{v}", via=via, v=v, **kwargs) as alice, behind.client("bob") as bob:
        for client in (alice, bob):
            client.subscribe("rooms/lobby/messages")
        alice.send("lobby", {"text": text})
        for client in (alice, bob):
            assert client.wait_text(text)["from"] == "alice"
        if via != "cert":  # what an operator has to know: everybody has the proxy's address
            assert {s["address"] for s in behind.ctl("session", "list")[1] if s["user"] == "alice"} == {address_over_websocket() if via == "wss" else "127.0.0.1"}


@pytest.mark.skipif(not have_node(), reason="MQTT.js is not there: tools/test installs it")
def test_a_browsers_client_through_a_proxy(proxy):
    web = WsClient(proxy.front, "bob", f"bob-{proxy.name}", via="wss")
    try:
        web.wait_event("connected")
        web.command(subscribe="rooms/lobby/messages")
        web.wait_event("suback")
        web.command(publish="rooms/lobby/send", payload=f"by {proxy.name}", qos=1)
        assert web.wait_text(f"by {proxy.name}")["from"] == "bob"
    finally:
        web.close()


def test_nothing_but_mqtt_is_passed_on(proxy):
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.ports["wss"], context=proxy.front.authority.trusted(), timeout=60)
    connection.request("GET", "/")
    assert connection.getresponse().status == 404
    connection.close()


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_the_lines_for_the_proxy_protocol_are_taken(behind, tmp_path, name):
    if not shutil.which(name, path=PATH):
        pytest.skip(f"{name} is not installed")
    out = subprocess.run(Proxy(behind, tmp_path / name, name, uncommented=True).argv(check=True), capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stdout + out.stderr
