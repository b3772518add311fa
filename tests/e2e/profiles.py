"""What a Parley of the tests keeps its data in: the embedded default (SQLite), or production's PostgreSQL and Redis.

A profile is opened once and gives each installation a storage of its own. Production's servers are private ones, started when the
first storage is asked for; a test may kill them, and the next storage finds them running again.
"""
import contextlib
import itertools
import pathlib
import shutil
import sqlite3
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "lib"))
from servers import Postgres, Redis  # noqa: E402

NAMES = ("embedded", "production")


class SqliteStorage:
    """A folder with the database in it."""

    def __init__(self, folder):
        self.folder = folder / "backend"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.keys = {"store": f"sqlite://{self.folder}/parley.db"}  # of parleyd.toml

    def copy(self):
        """Keeps what the database holds now, for put_back(). parleyd is stopped."""
        shutil.copytree(self.folder, self.folder.with_suffix(".copy"))

    def put_back(self):
        """The database is what it was at copy(). parleyd is stopped."""
        shutil.rmtree(self.folder)
        shutil.copytree(self.folder.with_suffix(".copy"), self.folder)

    def backup(self, path):
        """As README.md has it: a whole copy in one file, while parleyd writes."""
        with contextlib.closing(sqlite3.connect(self.folder / "parley.db")) as db, contextlib.closing(sqlite3.connect(path)) as copy:
            db.backup(copy)

    def restore(self, path):
        """As README.md has it: into a new database. The key that points there."""
        new = self.folder.with_name("restored")
        new.mkdir()
        shutil.copyfile(path, new / "parley.db")
        return {"store": f"sqlite://{new}/parley.db"}

    def drop(self):
        pass  # goes with the test's folder


class ServerStorage:
    """A database and a Redis database, each of the same name or number for nobody else. The cache is never put back with the database:
    it may know better, and must not."""

    def __init__(self, postgres, redis, name, number):
        self.postgres, self.redis, self.name = postgres, redis, name
        postgres.ensure_database(name)
        self.keys = {"store": postgres.url(name), "store_password_file": str(postgres.password_file("store")),
                     "cache": redis.url(number), "cache_password_file": str(redis.password_file("cache"))}

    def copy(self):
        self.postgres.sql(f'CREATE DATABASE "{self.name}.copy" TEMPLATE "{self.name}" OWNER parley')

    def put_back(self):
        self.postgres.sql(f'DROP DATABASE "{self.name}"')
        self.postgres.sql(f'CREATE DATABASE "{self.name}" TEMPLATE "{self.name}.copy" OWNER parley')

    def backup(self, path):
        """As README.md has it: pg_dump, while parleyd writes."""
        self.postgres.program("pg_dump", "--format=custom", f"--file={path}", self.name)

    def restore(self, path):
        """As README.md has it: into a new database. The key that points there."""
        self.postgres.ensure_database(f"{self.name}.restored")
        self.postgres.program("pg_restore", "--exit-on-error", "--no-owner", f"--dbname={self.name}.restored", path)
        return {"store": self.postgres.url(f"{self.name}.restored")}

    def drop(self):
        for name in (self.name, f"{self.name}.copy", f"{self.name}.restored"):
            self.postgres.start().sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


class Embedded:
    name = "embedded"

    def storage(self, folder):
        return SqliteStorage(folder)

    def close(self):
        pass


class Production:
    name = "production"

    def __init__(self):
        self.folder = None
        self._numbers = itertools.count(1)

    def storage(self, _):
        if self.folder is None:
            # Not below a test's folder, which nobody but its owner may enter: PostgreSQL runs as a user of its own.
            self.folder = pathlib.Path(tempfile.mkdtemp(prefix="parley-servers-"))
            self.folder.chmod(0o711)
            self.postgres, self.redis = Postgres(self.folder), Redis(self.folder)
        for server in (self.postgres, self.redis):
            server.go_on()
            server.start()
        number = next(self._numbers)
        return ServerStorage(self.postgres, self.redis, f"parley{number}", number)

    def close(self):
        if self.folder is not None:
            for server in (self.postgres, self.redis):
                server.go_on()  # a hanging one would not hear
                server.stop()
            shutil.rmtree(self.folder, ignore_errors=True)


@contextlib.contextmanager
def opened(name):
    profile = {"embedded": Embedded, "production": Production}[name]()
    try:
        yield profile
    finally:
        profile.close()
