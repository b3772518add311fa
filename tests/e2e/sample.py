"""A server whose broker runs with docker/mosquitto.conf."""
import re

from authority import Authority
from harness import PLUGIN, ROOT, Server, free_ports, listens, wait_until

SAMPLE = ROOT / "docker" / "mosquitto.conf"
WAYS = ("tcp", "ws", "tls", "wss", "cert")  # in the order of the sample's listeners


class SampleServer(Server):
    """`revoked`: names of users whose certificates are on the list."""

    revoked = ("carol",)

    def _write_config(self, plugin_opts, backend_opts, broker_conf):
        super()._write_config(plugin_opts, backend_opts, broker_conf)
        self.authority = Authority(self.folder / "tls")
        self.authority.server()
        self.certificates = {name: self.authority.client(name) for name in ("alice", "bob", "carol", "nobody")}
        self.authority.revoke(*(self.certificates[name] for name in self.revoked))
        self.ports.update(zip(WAYS[2:], free_ports(3)))
        self.conf.write_text(self.adapted(SAMPLE.read_text()))

    def adapted(self, text):
        """With ports of ours, on 127.0.0.1 alone, our folders, and all lines that are commented out only."""
        ports = iter(self.ports.values())
        text = re.sub(r"^listener .*$", lambda _: f"listener {next(ports)} 127.0.0.1", text, flags=re.M)
        text = re.sub(r"^(protocol websockets)\n(?!#)", r"\1\nsocket_domain ipv4\n", text, flags=re.M)
        text = re.sub(r"^#(\w+ \S+)$", r"\1", text, flags=re.M)
        for theirs, ours in (("/etc/parley/tls", self.folder / "tls"), ("/etc/parley/backend.secret", self.secret), ("/var/lib/mosquitto/", f"{self.folder}/broker/"),
                             ("/var/lib/parley/broker", self.folder / "plugin"), ("/usr/lib/parley/mosquitto_parley.so", PLUGIN)):
            assert theirs in text
            text = text.replace(theirs, str(ours))
        assert "/etc/" not in text and "crlfile" in text
        return f"user root\n{text}"  # the folder is this test's own

    def start_broker(self):
        super().start_broker()
        wait_until(lambda: all(listens(port) for port in self.ports.values()) or not self.broker.running(), "all five listen", log=self.broker)
        return self

    def enter(self, user, device=None, via="cert", certificate=..., v=5, **kwargs):
        """A client with the certificate of a user, and no name or password."""
        pair = self.certificates[user] if certificate is ... else certificate
        return self.client(user, device, via=via, certificate=pair, username=None, v=v, **kwargs)
