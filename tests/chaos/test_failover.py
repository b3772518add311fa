"""The primary is lost, its synchronous replica promoted; parleyd has both in its URL and follows. Nothing that was stored is lost."""
import pathlib
import random
import shutil
import tempfile
import time

import pytest
from crowd import Crowd
from harness import wait_until
from installation import Installation
from profiles import Postgres

pytestmark = pytest.mark.profile("production")


@pytest.fixture
def rng():
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    return random.Random(seed)


def await_sync(primary, replica):
    """What the primary commits from now on, and what it has committed, the replica has."""
    primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{replica.name}'")
    primary.sql("SELECT pg_reload_conf()")
    [now] = primary.sql("SELECT pg_current_wal_lsn()")
    wait_until(lambda: replica.sql(f"SELECT pg_last_wal_replay_lsn() >= '{now}'") == ["t"] and
               primary.sql("SELECT application_name, sync_state FROM pg_stat_replication") == [f"{replica.name}|sync"],
               f"{replica.name} follows {primary.name}", 60)


@pytest.fixture
def pair():
    """(primary, replica), synchronous."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-failover-"))
    folder.chmod(0o711)  # PostgreSQL runs as a user of its own
    primary, replica = (Postgres(folder, name=name) for name in ("north", "south"))
    try:
        for setting in ("wal_log_hints = on", "wal_keep_size = '256MB'"):  # pg_rewind wants them
            primary.start().sql(f"ALTER SYSTEM SET {setting}")
        primary.stop()
        primary.start().ensure_database()
        replica.follow(primary).start()
        await_sync(primary, replica)
        yield primary, replica
    finally:
        for server in (primary, replica):
            server.stop()
        shutil.rmtree(folder)


def start(make_server, pair):
    """A server whose URL names both."""
    primary, replica = pair
    store = f"postgresql://parley@127.0.0.1:{primary.port()},127.0.0.1:{replica.port()}/parley?target_session_attrs=read-write"
    return make_server(Installation, backend_opts={"store": store, "store_password_file": str(primary.password_file("store"))}).start()


def assert_all_well(crowd, history):
    findings = crowd.compare(history)
    assert not findings and not crowd.problems, "\n".join([*findings.lines(), *crowd.problems])


def test_two_failovers_lose_nothing_and_the_old_primary_rejoins(make_server, pair, rng):
    """There and back: the replica is promoted, the old primary becomes its replica and is promoted in turn."""
    server, (primary, replica) = start(make_server, pair), pair
    with Crowd(server, rng) as crowd:
        for rewind in (True, False):
            crowd.wait_accepted(500)
            primary.kill()
            crowd.wait_accepted(200)  # nobody is told to take over yet
            replica.promote()
            crowd.wait_accepted(200)
            primary.rejoin(replica, rewind).start()
            await_sync(replica, primary)
            primary, replica = replica, primary
        crowd.wait_accepted(200)
        history = crowd.settle()
    assert_all_well(crowd, history)
    assert [each.sql("SELECT pg_is_in_recovery()") for each in (primary, replica)] == [["f"], ["t"]]


def test_what_a_hanging_replica_has_not_got_is_not_taken_for_stored(make_server, pair, rng, request):
    """Commits wait for it; those that the lost primary alone has made are made again. --stop-seconds: how long it hangs."""
    server, (primary, replica) = start(make_server, pair), pair
    with Crowd(server, rng) as crowd:
        crowd.wait_accepted(200)
        replica.hang()
        end = time.monotonic() + request.config.getoption("--stop-seconds", 6)
        while time.monotonic() < end:
            crowd.wait_accepted(50)
        primary.kill()
        replica.go_on()
        replica.promote()
        crowd.wait_accepted(100)
        history = crowd.settle()
    assert_all_well(crowd, history)
