"""The installation a chaos run torments: small segments, so that they roll and are let go of often; frequent autosaves, so that
persistent sessions come back from all sorts of moments."""
import pathlib
import secrets
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from harness import Server, listens, wait_until  # noqa: E402

PLUGIN_OPTS = {"journal_segment_bytes": "1M", "password_checks_per_second": 500, "flap_connects": 0}  # clients come and go all the time
BROKER_CONF = "autosave_interval 2"


class Installation(Server):
    def __init__(self, folder, profile, plugin_opts=None, **kwargs):
        super().__init__(folder, profile, plugin_opts={**PLUGIN_OPTS, **(plugin_opts or {})}, broker_conf=BROKER_CONF, **kwargs)

    def populate(self, users, rooms, guests=()):
        """Every user, but no guest, is a member of every room, the first one its moderator; every second one logs in with a token instead of a password."""
        with self.client("admin") as admin:
            for i, user in enumerate([*users, *guests]):
                self.passwords[user] = secrets.token_hex(8)
                admin.ok("user.create", user=user, password=self.passwords[user])
                if i % 2:
                    self.passwords[user] = admin.ok("token.create", user=user)["token"]
            for room in rooms:
                admin.ok("room.create", room=room, members=dict.fromkeys(users, "member") | {users[0]: "moderator"})

    def wait_broker(self, timeout_s=30):
        wait_until(lambda: listens(self.mqtt_port) or not self.broker.running(), "mosquitto listens", timeout_s)
        assert self.broker.running(), "mosquitto ended by itself:\n" + self.broker.log()[-3000:]

    def assert_running(self):
        for name, process in (("mosquitto", self.broker), ("parleyd", self.backend)):
            assert process.running(), f"{name} ended by itself with {process.popen.returncode}:\n{process.log()[-3000:]}"

    def journal_files(self):
        folder = self.folder / "plugin" / "journal"
        return {path.name for path in folder.iterdir()} if folder.exists() else set()
