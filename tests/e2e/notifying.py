"""What tests of notifications share: stand-ins of the providers, and how users register, go away and write."""
import contextlib

from harness import wait_until
from standins import Certificates

QUICK = {"notify.delay_s": 0, "notify.away_delay_s": 1, "notify.window_s": 1, "notify.timeout_ms": 2000, "email.delay_s": 1}


class Providers:
    """The stand-ins of one test, on one authority of their own."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir()
        self.certificates = Certificates(folder)
        self.running = []

    def start(self, kind):
        self.running.append(kind(self.folder, self.certificates).start())
        return self.running[-1]

    def keys(self):
        keys = {"notify.ca_file": str(self.certificates.ca_file)}
        for standin in self.running:
            keys |= standin.settings()
        return keys

    def stop(self):
        for standin in self.running:
            standin.stop()
        for standin in self.running:
            assert standin.violations() == [], f"{standin.name}: the protocol was not kept"


@contextlib.contextmanager
def stand_ins(folder):
    """Providers; at the end, each protocol was kept."""
    providers = Providers(folder)
    try:
        yield providers
    finally:
        providers.stop()


def register(server, user, provider, address, device=None, **keys):
    """As the device itself does it; and it goes away again."""
    with server.client(user, device or f"{user}-{provider}") as c:
        return c.ok("push.register", provider=provider, address=address, **({"keys": keys} if keys else {}))


def wait_offline(server, user):
    wait_until(lambda: all(not d["connected"] for d in server.ctl("device", "list", user)[1]), f"{user} is away")


def say(server, text, user="alice", room="lab", **content):
    with server.client(user) as c:
        assert c.send(room, {"text": text, **content}) < 0x80


def queues(server):
    """{provider: its row of notify status}."""
    status = server.ctl("notify", "status")[1][0]
    return {queue["provider"]: queue for queue in status["queues"]}


def settled(server):
    """Nothing waits, is ready or on its way."""
    return all(queue[state] == 0 for queue in queues(server).values() for state in ("waiting", "ready", "sending"))


def log(server, **query):
    """Oldest first."""
    args = [word for key, value in query.items() for word in (f"--{key}", value)]
    return server.ctl("notify", "log", "--limit", 1000, *args)[1][::-1]


def subscribe_browser(server, webpush, user, device):
    browser = webpush.subscribe()
    register(server, user, "webpush", browser["endpoint"], device, p256dh=browser["p256dh"], auth=browser["auth"])
    return browser["name"]
