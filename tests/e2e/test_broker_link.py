"""parleyd and parleyctl on another machine than the broker: over TLS, with and without certificates of their own; and what they say when that fails."""
import signal
import subprocess

import pytest
from authority import Authority
from harness import PARLEYD, Server, free_ports, wait_until

pytestmark = [pytest.mark.profile("embedded"), pytest.mark.transport("tcp")]


class Remote(Server):
    """Its parleyd and parleyctl come over TLS. Certificates: for localhost and 127.0.0.1."""

    def _write_config(self, plugin_opts, backend_opts, broker_conf):
        self.ports |= dict(zip(("tls", "wss", "mutual", "cert"), free_ports(4)))
        self.authority = Authority(self.folder / "tls")
        self.pair = self.authority.server()
        self.own = self.authority.client("backend")
        files = f"certfile {self.pair.crt}\nkeyfile {self.pair.key}\n"
        mutual = f"{files}cafile {self.authority.crt}\nrequire_certificate true\n"
        broker_conf += (f"listener {self.ports['tls']} 127.0.0.1\n{files}"
                        f"listener {self.ports['wss']} 127.0.0.1\nprotocol websockets\nsocket_domain ipv4\n{files}"
                        f"listener {self.ports['mutual']} 127.0.0.1\n{mutual}"
                        f"listener {self.ports['cert']} 127.0.0.1\n{mutual}use_identity_as_username true\n")
        link = {"broker.port": self.ports["tls"], "broker.tls": "yes", "broker.ca_file": str(self.authority.crt)}
        super()._write_config(plugin_opts, {**link, **backend_opts}, broker_conf)

    def ctl_over(self, via, *lines, secret=True):
        """A parleyctl.toml of the administrator's."""
        path = self.folder / f"parleyctl.{via}.toml"
        path.write_text("\n".join([f"port = {self.ports[via]}", 'user = "admin"', *(['token_file = "admin.token"'] if secret else []), *lines]) + "\n")
        return path

    def says(self, config):
        """Exit code and what parleyctl says about its broker."""
        out = self.run_ctl(config, "status")
        return out.returncode, out.stderr

    def run_ctl(self, config, *words):
        from harness import PARLEYCTL
        return subprocess.run([PARLEYCTL, "--config", config, *words], capture_output=True, text=True, timeout=60)


@pytest.fixture
def remote(make_server):
    def make(**backend_opts):
        server = make_server(Remote, backend_opts=backend_opts)
        server.start_broker()
        # A listener answers a moment before it has read its certificates.
        wait_until(lambda: "running" in server.broker.log(), "mosquitto has read all", log=server.broker)
        return server
    return make


def wait_log(server, words):
    return wait_until(lambda: words in server.backend.log(), f"parleyd says {words!r}", log=server.backend)


def test_parleyd_and_parleyctl_over_tls_with_certificates_of_their_own(remote, tmp_path):
    server = remote()
    link = {"port": server.ports["mutual"], "ca_file": str(server.authority.crt)}
    server.change_backend(**link)
    server.toml.write_text(server.toml.read_text().replace("[http]", f'cert_file = "{server.own.crt}"\nkey_file = "{server.own.key}"\n[http]'))
    server.start_backend()
    assert "over TLS" in server.backend.log()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    with server.client("alice") as alice:
        alice.subscribe("rooms/lobby/messages")
        alice.send("lobby", "x" * 60_000)
        alice.wait_envelopes(1)
    assert server.history("lobby")[-1]["from"] == "alice"

    ca, mine = 'ca_file = "tls/ca.crt"', ['cert_file = "tls/backend.crt"', 'key_file = "tls/backend.key"']
    for via, lines in (("tls", []), ("wss", ["websocket = true"]), ("mutual", mine)):
        out = server.run_ctl(server.ctl_over(via, "tls = true", ca, *lines), "history", "lobby")
        assert out.returncode == 0 and "alice" in out.stdout, out.stderr
    # By certificate alone, where that is the login.
    server.authority.client("admin")
    by_certificate = server.ctl_over("cert", "tls = true", ca, 'cert_file = "tls/admin.crt"', 'key_file = "tls/admin.key"', secret=False)
    assert server.run_ctl(by_certificate, "history", "lobby").returncode == 0


def test_parleyd_says_what_is_wrong_with_the_brokers_certificate_and_goes_on_when_it_is_mended(remote):
    server = remote()
    server.authority.server(days=-1)
    server.broker.send(signal.SIGHUP)
    wait_until(lambda: "Reloading" in server.broker.log(), "the broker reads its certificates", log=server.broker)
    server.start_backend(wait_ready=False)
    wait_log(server, "is no longer valid")
    server.authority.server(names=("broker.example", "10.0.0.1"))
    server.broker.send(signal.SIGHUP)
    wait_log(server, "certificate is for broker.example, 10.0.0.1, not for 127.0.0.1")
    other = Authority(server.folder / "other", "other").server()
    other.save(server.pair.crt, server.pair.key)
    server.broker.send(signal.SIGHUP)
    wait_log(server, f"that {server.authority.crt} does not hold: give that authority's certificate as ca_file")
    assert not server.ready()
    server.authority.server()
    server.broker.send(signal.SIGHUP)
    server.wait_ready()


def test_parleyctl_says_what_is_wrong(remote):
    server = remote()
    Authority(server.folder / "tls", "other")
    server.authority.client("ended", days=-1)
    ca = 'ca_file = "tls/ca.crt"'
    for via, lines, words in (
            ("tls", ["tls = true"], "that this system does not trust: give that authority's certificate as ca_file"),
            ("tls", ["tls = true", 'ca_file = "tls/other.crt"'], "does not hold"),
            ("tls", ["tls = true", ca, 'host = "localhost.localdomain"'], "not for localhost.localdomain"),
            ("tls", [], "speaks TLS: turn tls on"),
            ("tcp", ["tls = true", ca], "does not speak TLS"),
            ("mutual", ["tls = true", ca], "give cert_file and key_file"),
            ("mutual", ["tls = true", ca, 'cert_file = "tls/ended.crt"', 'key_file = "tls/ended.key"'], "refuses the certificate of cert_file")):
        if "localhost.localdomain" in str(lines):
            import socket
            try:
                socket.getaddrinfo("localhost.localdomain", 1)
            except OSError:
                words = "can't be looked up"
        code, said = server.says(server.ctl_over(via, "timeout_ms = 60000", *lines))
        assert code == 3 and words in said, (via, lines, said)


def test_wrong_files_are_found_before_anything_is_tried(remote):
    server = remote()
    server.change_backend(ca_file=str(server.folder / "none.crt"))
    for more in (["--check-config"], []):
        out = subprocess.run([PARLEYD, "--config", server.toml, *more], capture_output=True, text=True, timeout=60)
        assert out.returncode == 2 and "broker.ca_file" in out.stderr and "none.crt" in out.stderr, out.stderr
    code, said = server.says(server.ctl_over("tls", "tls = true", 'ca_file = "none.crt"'))
    assert code == 2 and "none.crt" in said
