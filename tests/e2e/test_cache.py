"""A Redis as cache: whatever becomes of it, every answer is right; and requests are counted in it."""
import pathlib
import shutil
import threading

import pytest
from harness import wait_until
from servers import Redis

pytestmark = pytest.mark.skipif(not shutil.which("redis-server"), reason="redis-server is not installed")


@pytest.fixture
def redis(tmp_path_factory):
    folder = tmp_path_factory.mktemp("redis")
    for path in (folder, *folder.parents):  # Redis runs as a user of its own
        if path.stat().st_uid == folder.stat().st_uid and path != pathlib.Path("/tmp"):
            path.chmod(path.stat().st_mode | 0o011)
    server = Redis(folder).start()
    yield server
    server.go_on()
    server.stop()


def make_chat(make_server, redis, **backend_opts):
    opts = {"cache": redis.url(), "cache_password_file": str(redis.password_file("cache")), **backend_opts}
    server = make_server(backend_opts=opts).start()
    for user in ("alice", "bob"):
        server.add_user(user)
    server.add_room("lobby", alice="member", bob="member")
    return server


def breaker(server):
    return server.metric("parley_breaker_state", dependency="cache")


class Reader:
    """Reads the newest page over and over, and keeps what was given."""

    def __init__(self, server):
        self.client, self.pages, self.failure, self._stop = server.client("bob"), [], None, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            while not self._stop.is_set():
                self.pages.append(self.client.ok("history", room="lobby", limit=20))
        except Exception as e:  # told by finish()
            self.failure = e

    def read(self, count=30):
        """Returns when so many more pages were read."""
        goal = len(self.pages) + count
        wait_until(lambda: len(self.pages) >= goal or self.failure, "pages are read")

    def finish(self):
        self._stop.set()
        self._thread.join()
        self.client.close()
        assert self.failure is None, self.failure


def test_a_redis_that_hangs_dies_and_forgets_gives_no_wrong_answer(make_server, redis):
    server = make_chat(make_server, redis)
    with server.client("alice") as alice:
        sent = iter(range(10_000))

        def send(count=20):
            for _ in range(count):
                assert alice.send("lobby", f"message {next(sent)}") < 0x80

        send(30)
        wait_until(server.all_stored, "all is stored")
        reader = Reader(server)
        reader.read()
        assert server.metric("parley_cache_pages_total", result="hit") > 0
        for trouble in (lambda: redis.ask("FLUSHALL"), redis.hang, redis.kill):
            send()
            trouble()
            send()
            reader.read()
            if trouble != redis.hang and redis.pid():  # wiped: it goes on by itself
                continue
            wait_until(lambda: breaker(server) == 2 or reader.failure, "the breaker opens")
            send()
            redis.go_on()
            redis.start()
            wait_until(lambda: breaker(server) == 0 or reader.failure, "the breaker closes", timeout_s=60)
            send()
            reader.read()
        reader.finish()
    truth = {envelope["seq"]: envelope for envelope in server.history("lobby")}
    assert len(reader.pages) > 100
    through = 0
    for page in reader.pages:
        assert page["through"] >= through, "history went back"
        through = page["through"]
        assert page["messages"] == [truth[seq] for seq in range(max(1, through - 19), through + 1)]
    assert server.metric("parley_breaker_transitions_total", dependency="cache", to="open") >= 2
    assert server.ctl("status")[1][0]["dependencies"]["cache"]["state"] == "closed"


def test_the_password_of_redis_is_nowhere_to_be_seen(make_server, redis):
    server = make_chat(make_server, redis)
    server.history("lobby")
    redis.kill()
    server.history("lobby")
    password = redis.password("cache")
    assert password not in server.backend.log() + server.http("/metrics")[1] + str(server.ctl("status"))
    assert password.encode() not in pathlib.Path(f"/proc/{server.backend.pid}/cmdline").read_bytes()


@pytest.mark.parametrize("gone", [False, True], ids=["counted_in_redis", "redis_gone"])
def test_a_user_who_asks_too_often_is_told_so(make_server, redis, gone):
    server = make_chat(make_server, redis, **{"requests.user_rate": 1, "requests.user_burst": 5})
    if gone:
        redis.kill()
    with server.client("alice") as alice, server.client("bob") as bob:
        codes = []
        while len(codes) < 50 and "rate_limited" not in codes:
            reply = alice.request("room.list")
            codes.append("ok" if reply["ok"] else reply["error"]["code"])
        assert codes[:5] == ["ok"] * 5 and codes[-1] == "rate_limited", codes
        assert bob.request("room.list")["ok"]
        wait_until(lambda: alice.request("room.list")["ok"], "a moment later she may again")


def test_what_one_parleyd_has_counted_counts_for_the_next(make_server, redis):
    burst = 500  # far more than comes back while one parleyd ends and the other begins
    server = make_chat(make_server, redis, **{"requests.user_rate": 1, "requests.user_burst": burst})

    def until_refused():
        with server.client("alice") as alice:
            taken = 0
            while (reply := alice.request("room.list"))["ok"]:
                taken += 1
            assert reply["error"]["code"] == "rate_limited"
            return taken

    assert until_refused() >= burst
    server.backend.kill()
    server.start_backend()
    assert until_refused() < burst / 2
    redis.ask("FLUSHALL")
    assert until_refused() >= burst
