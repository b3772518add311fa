"""The primary is lost, its synchronous replica promoted; parleyd has both in its URL and follows."""
import pathlib
import random
import shutil
import tempfile

import pytest
from crowd import Crowd
from installation import Installation
from profiles import Postgres

pytestmark = pytest.mark.profile("production")


@pytest.fixture
def pair():
    """(primary, replica): what the primary commits, the replica has."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-failover-"))
    folder.chmod(0o711)  # PostgreSQL runs as a user of its own
    primary, replica = (Postgres(folder, name=name) for name in ("primary", "replica"))
    try:
        primary.start().ensure_database()
        replica.follow(primary).start()
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'replica'")
        primary.sql("SELECT pg_reload_conf()")
        yield primary, replica
    finally:
        for server in (primary, replica):
            server.stop()
        shutil.rmtree(folder)


def test_a_promoted_replica_goes_on_with_all_that_was_stored(make_server, pair):
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")
    primary, replica = pair
    store = f"postgresql://parley@127.0.0.1:{primary.port()},127.0.0.1:{replica.port()}/parley?target_session_attrs=read-write"
    server = make_server(Installation, backend_opts={"store": store, "store_password_file": str(primary.password_file("store"))}).start()
    with Crowd(server, random.Random(seed)) as crowd:
        crowd.wait_accepted(500)
        assert primary.sql("SELECT sync_state FROM pg_stat_replication") == ["sync"]
        primary.kill()
        crowd.wait_accepted(200)  # nobody is told to take over yet
        replica.promote()
        crowd.wait_accepted(200)
        history = crowd.settle()
    findings = crowd.compare(history)
    assert not findings and not crowd.problems, "\n".join([*findings.lines(), *crowd.problems])
    assert replica.sql("SELECT pg_is_in_recovery()") == ["f"]
