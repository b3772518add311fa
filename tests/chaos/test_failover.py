"""The primary is lost, its synchronous replica promoted; parleyd has both in its URL and follows. And once more, the other way."""
import pathlib
import random
import shutil
import tempfile

import pytest
from crowd import Crowd
from harness import wait_until
from installation import Installation
from profiles import Postgres

pytestmark = pytest.mark.profile("production")


def replicate(primary, replica):
    """From now on what the primary commits, the replica has. The replica begins as a copy."""
    replica.follow(primary).start()
    primary.sql(f"ALTER SYSTEM SET synchronous_standby_names = '{replica.name}'")
    primary.sql("SELECT pg_reload_conf()")
    wait_until(lambda: primary.sql("SELECT sync_state FROM pg_stat_replication") == ["sync"], "the replica is synchronous")


@pytest.fixture
def pair():
    """(primary, replica): what the primary commits, the replica has."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-failover-"))
    folder.chmod(0o711)  # PostgreSQL runs as a user of its own
    primary, replica = (Postgres(folder, name=name) for name in ("primary", "replica"))
    try:
        primary.start().ensure_database()
        replicate(primary, replica)
        yield primary, replica
    finally:
        for server in (primary, replica):
            server.stop()
        shutil.rmtree(folder)


@pytest.fixture
def server(make_server, pair):
    """A Parley that knows both."""
    store = f"postgresql://parley@{','.join(f'127.0.0.1:{one.port()}' for one in pair)}/parley?target_session_attrs=read-write"
    return make_server(Installation, backend_opts={"store": store, "store_password_file": str(pair[0].password_file("store"))}).start()


def fail_over(server, crowd, primary, replica):
    """The primary is lost under load; chat goes on, and parleyd finds the promoted one by itself."""
    crowd.wait_accepted(300)
    primary.kill()
    crowd.wait_accepted(200)  # nobody is told to take over yet
    replica.promote()
    wait_until(lambda: server.metric("parley_breaker_state", dependency="store") == 0 and server.ready(), "parleyd has the new primary")
    crowd.wait_accepted(200)


@pytest.mark.parametrize("times", [1, 2])
def test_a_promoted_replica_goes_on_with_all_that_was_stored(server, pair, times):
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    primary, replica = pair
    with Crowd(server, random.Random(seed)) as crowd:
        fail_over(server, crowd, primary, replica)
        if times == 2:  # the lost one is back as a replica of its successor, which is lost in turn
            shutil.rmtree(primary.data)
            replicate(replica, primary)
            fail_over(server, crowd, replica, primary)
        history = crowd.settle()
    findings = crowd.compare(history)
    assert not findings and not crowd.problems, "\n".join([*findings.lines(), *crowd.problems])
    assert (replica if times == 1 else primary).sql("SELECT pg_is_in_recovery()") == ["f"]
