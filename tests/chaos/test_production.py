"""PostgreSQL and Redis go away, hang, forget, come back. Chat does not notice, and no answer is ever wrong."""
import contextlib
import pathlib
import random
import shutil
import statistics
import tempfile
import time

import pytest
from asker import Asker
from collect import Archive
from crowd import Crowd
from harness import wait_until
from installation import Installation
from profiles import Postgres
from servers import ServerError
from small_disk import enlarge, fill, tmpfs

pytestmark = pytest.mark.profile("production")
SEED = random.SystemRandom().randrange(10**9)
BREAKER_S = 60  # until it opens or closes: the pauses between probes grow
OPEN, CLOSED = 2, 0


@pytest.fixture
def rng():
    print(f"seed {SEED}")
    return random.Random(SEED)


def breaker(server, dependency):
    return server.metric("parley_breaker_state", dependency=dependency)


AWAY = {"stopped": lambda server: server.stop(), "killed": lambda server: server.kill(), "hangs": lambda server: server.hang()}


def back(server):
    server.go_on()
    server.start()


# --- PostgreSQL ---

def steady(crowd, client, enough):
    """One message after the other beside the crowd's until enough(seconds); how long each took to be acknowledged, in seconds."""
    took, begun = [], time.monotonic()
    while not enough(time.monotonic() - begun):
        sent = time.monotonic()
        key = f"steady#{sent}"
        crowd.ledger.write(key, "room0", client.user, key, key)
        assert client.send("room0", {"text": key, "ref": key}) < 0x80
        crowd.ledger.accept(key)
        took.append(time.monotonic() - sent)
        time.sleep(0.01)
    return took


@pytest.mark.parametrize("how", AWAY)
def test_without_postgres_chat_goes_on_and_history_catches_up(make_server, rng, request, how):
    server = make_server(Installation).start()
    postgres = server.storage.postgres
    with Crowd(server, rng) as crowd, server.client("user0", "steady") as alice:
        crowd.wait_accepted(100)
        assert breaker(server, "store") == CLOSED
        before = steady(crowd, alice, lambda time_s: time_s > 2)
        AWAY[how](postgres)
        opened = how == "hangs"  # calls that hang fail by their time limits, much later

        def enough(time_s):
            nonlocal opened
            opened = opened or breaker(server, "store") == OPEN
            assert opened or time_s < BREAKER_S, "the breaker does not open"
            return opened and time_s > request.config.getoption("--stop-seconds", 6)

        took = steady(crowd, alice, enough)
        for when, times in (("with", before), ("without", took)):
            print(f"{when} PostgreSQL: {len(times)} messages acknowledged after {1000 * statistics.median(times):.1f} ms (median), "
                  f"{1000 * max(times):.0f} ms (slowest)")
        assert max(took) < 3  # seconds: less than half the time it was away
        back(postgres)
        wait_until(lambda: breaker(server, "store") == CLOSED, "the breaker closes", BREAKER_S)
        crowd.wait_accepted(100)
        history = crowd.settle()
    findings = crowd.compare(history)
    assert not findings and not crowd.problems, "\n".join([*findings.lines(), *crowd.problems])


def test_parleyd_started_without_its_database_waits_for_it(make_server):
    server = make_server(Installation).start()
    server.populate(["alice"], ["room0"])
    server.stop()
    server.storage.postgres.stop()
    server.start_broker().start_backend(wait_ready=False)
    wait_until(lambda: server.backend.log().count("Connection refused") > 1, "parleyd tries, and tries again")
    with server.client("alice") as alice:
        assert alice.send("room0", {"text": "without", "ref": "without"}) < 0x80
        server.assert_running()
        server.storage.postgres.start()
        server.wait_ready()
    assert server.history("room0")[-1]["content"]["text"] == "without"


@contextlib.contextmanager
def cramped(what):
    """(server, disk): a PostgreSQL of its own, all of whose files, or only whose log, lie on a small disk."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-cramped-"))
    folder.chmod(0o711)  # PostgreSQL runs as a user of its own
    postgres = Postgres(folder)
    try:
        if what == "everything":
            with tmpfs(folder / postgres.name, "96M") as disk:
                yield postgres.start(), disk
                postgres.stop()
        else:
            with tmpfs(folder / "wal", "40M") as disk:
                postgres.start().stop()
                postgres.own(disk, directory=True)
                shutil.copytree(postgres.data / "pg_wal", disk / "pg_wal", copy_function=shutil.move)
                for path in [disk / "pg_wal", *(disk / "pg_wal").rglob("*")]:
                    postgres.own(path, directory=path.is_dir())
                shutil.rmtree(postgres.data / "pg_wal")
                (postgres.data / "pg_wal").symlink_to(disk / "pg_wal")
                yield postgres.start(), disk
                postgres.stop()
    finally:
        postgres.stop()
        shutil.rmtree(folder)


@pytest.mark.parametrize("what", ["everything", "the log"])
def test_a_full_disk_under_postgres_delays_history_and_nothing_else(make_server, rng, what):
    """Rows that find no room are an error; a log that finds none ends PostgreSQL, and whoever looks after it starts it again."""
    with cramped(what) as (postgres, disk):
        postgres.ensure_database()
        server = make_server(Installation, backend_opts={"store": postgres.url(), "store_password_file": str(postgres.password_file("store"))}).start()
        with Crowd(server, rng) as crowd:
            crowd.wait_accepted(100)
            hog = fill(disk)
            if what == "the log":
                with contextlib.suppress(ServerError):
                    postgres.sql("SELECT pg_switch_wal()")
            wait_until(lambda: "can't be stored" in server.backend.log(), "storing fails", 60)
            crowd.wait_accepted(300)  # chat goes on
            server.assert_running()
            hog.unlink()
            enlarge(disk)
            if not postgres.answers():
                postgres.stop()
                postgres.start()
            history = crowd.settle()
        findings = crowd.compare(history)
        server.kill()
    assert not findings and not crowd.problems, "\n".join([*findings.lines(), *crowd.problems])


# --- Redis ---

@contextlib.contextmanager
def away(redis, how):
    AWAY[how](redis)
    try:
        yield
    finally:
        back(redis)


def test_no_answer_is_wrong_whatever_becomes_of_redis(make_server, rng):
    """Every reply to history and sync, before, while and after each thing that can happen to a cache, is what was delivered live."""
    server = make_server(Installation).start()
    server.populate(["alice", "bob"], ["room0"])
    redis, said = server.storage.redis, 0
    asker = Asker(server, "room0", rng.random())
    with server.client("alice") as alice, server.client("bob") as bob:
        bob.subscribe("rooms/room0/messages")

        def say(count=60):
            nonlocal said
            for _ in range(count):
                assert alice.send("room0", {"text": f"n{said}", "ref": f"n{said}"}) < 0x80
                said += 1

        def asked(count=40):
            goal = len(asker.answers) + count
            wait_until(lambda: len(asker.answers) >= goal, f"{count} more answers", 120)

        def step():
            say()
            asked()

        asker.start()
        step()
        for how in AWAY:
            with away(redis, how):  # it comes back with what it knew before
                step()
            step()
        redis.ask("FLUSHALL")
        step()
        with away(redis, "stopped"):
            step()
            back(redis)
            redis.ask("FLUSHALL")
        step()
        server.backend.kill()  # what Redis holds is from before
        server.start_backend()
        step()
        wait_until(lambda: breaker(server, "cache") == CLOSED, "the breaker closes", BREAKER_S)
        step()
        asker.finish()
        bob.wait_text(f"n{said - 1}")
        live = [message.payload.decode() for message in bob.seen if message.topic == "rooms/room0/messages"]
    with Archive(server) as archive:  # the room's first entries are from before bob listened
        before = archive.page("room0", limit=len(server.history("room0")) - said)[0]
    pages = {result: server.metric("parley_cache_pages_total", result=result) for result in ("hit", "bypass")}
    assert all(pages.values()), f"this test shows nothing: {pages}"
    wrong = asker.wrong(before + live)
    assert not wrong, "\n".join(wrong[:10]) + f"\n{len(wrong)} of {len(asker.answers)} answers"


def test_redis_away_is_seen_in_the_metrics_and_costs_nothing_but_time(make_server, rng):
    server = make_server(Installation).start()
    redis = server.storage.redis
    with Crowd(server, rng) as crowd:
        crowd.wait_accepted(100)
        with away(redis, "killed"):
            wait_until(lambda: breaker(server, "cache") == OPEN, "the breaker opens", BREAKER_S)
            crowd.wait_accepted(100)
        wait_until(lambda: breaker(server, "cache") == CLOSED, "the breaker closes", BREAKER_S)
        redis.ask("FLUSHALL")
        crowd.wait_accepted(100)
        history = crowd.settle()
    findings = crowd.compare(history)
    assert not findings and not crowd.problems, "\n".join([*findings.lines(), *crowd.problems])
