"""A private PostgreSQL."""
import base64
import hashlib
import hmac
import os
import pathlib
import secrets
import shutil
import signal
import subprocess

from .daemon import STOP_S, Daemon, ServerError, await_end, state, using

ROOT = "postgres"  # the superuser
USER, DATABASE = "parley", "parley"

CONF = """# Written by tools/lib/servers at each start.
data_directory = '{folder}/data'
hba_file = '{folder}/pg_hba.conf'
ident_file = '{folder}/pg_ident.conf'
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
max_connections = 200
shared_buffers = '128MB'
max_wal_size = '1GB'
fsync = {fsync}
log_line_prefix = '%m [%p] '
log_min_error_statement = 'panic'
"""
# log_min_error_statement: a statement may hold what people wrote.

HBA = """# Whoever comes gives a password.
host all         all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
"""


def programs(version=None):
    """The folder of PostgreSQL's programs: the newest installed, or that of the major version given."""
    found = {int(path.name): path / "bin" for path in pathlib.Path("/usr/lib/postgresql").glob("[0-9]*") if (path / "bin" / "postgres").exists()}
    if version is not None and version not in found:
        raise ServerError(f"the data is of PostgreSQL {version}, which is not installed: apt-get install postgresql-{version}")
    if not found:
        raise ServerError("PostgreSQL is not installed: tools/setup --servers does it")
    return found[version if version is not None else max(found)]


def verifier(password):
    """What PostgreSQL keeps of a password (RFC 5803), so that no statement holds the password itself."""
    salt, rounds = secrets.token_bytes(16), 4096
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, rounds)
    keyed = lambda text: hmac.digest(salted, text, "sha256")
    b64 = lambda data: base64.b64encode(data).decode()
    return f"SCRAM-SHA-256${rounds}:{b64(salt)}${b64(hashlib.sha256(keyed(b'Client Key')).digest())}:{b64(keyed(b'Server Key'))}"


class Postgres(Daemon):
    """durable=False: without fsync, for tests whose data nobody needs."""

    STOP_SIGNALS = (signal.SIGINT, signal.SIGQUIT)  # fast: sessions are ended, all is written; immediate

    def __init__(self, folder, durable=True, name="postgresql"):
        super().__init__(folder, name, user="postgres")
        self.durable = durable

    # --- for Daemon ---

    @property
    def data(self):
        return self.folder / "data"

    def _programs(self):
        marker = self.data / "PG_VERSION"
        return programs(int(marker.read_text()) if marker.exists() else None)

    def argv(self):
        return [str(self._programs() / "postgres"), f"--config-file={self.folder / 'postgresql.conf'}"]

    def prepare(self):
        if not (self.data / "PG_VERSION").exists():
            self._make_data()
        self._clear_up_after_crash()
        self.write("postgresql.conf", CONF.format(folder=self.folder, port=self.port(), fsync="on" if self.durable else "off"))
        self.write("pg_hba.conf", HBA)
        self.write("pg_ident.conf", "")

    def _make_data(self):
        """initdb beside, then a rename: what was interrupted is begun again."""
        new = self.folder / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        self.write("root.password", self.password(ROOT) + "\n")
        try:
            done = self.command([programs() / "initdb", "-D", new, "-U", ROOT, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C.UTF-8",
                                 f"--pwfile={self.folder / 'root.password'}", *([] if self.durable else ["--no-sync"])])
        finally:
            (self.folder / "root.password").unlink()
        if done.returncode != 0:
            raise ServerError(f"{done.stderr.strip()}\nPostgreSQL's data can't be made in {new}")
        new.rename(self.data)

    def _clear_up_after_crash(self):
        """Children of a postmaster that was killed need a moment to notice. And where process 1 is slow to take note of the dead, the
        killed one is still there as a zombie, which PostgreSQL takes for another postmaster."""
        if not await_end(using(self.data), STOP_S):
            raise ServerError(f"processes {using(self.data)} work in {self.data} already")
        lock = self.data / "postmaster.pid"
        if lock.exists() and not state(int(lock.read_text().split()[0])):
            lock.unlink()

    def answers(self):
        return subprocess.run([self._programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port()), "-U", ROOT, "-d", "postgres"],
                              capture_output=True).returncode == 0

    def restart_immediately(self):
        """As pg_ctl restart -m immediate: no goodbye, no checkpoint; the start recovers from the log."""
        self.end(signal.SIGQUIT)
        return self.start()

    # --- using it ---

    def environment(self, user=ROOT):
        """For psql, pg_dump and their like."""
        return {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(self.port()), "PGUSER": user, "PGPASSWORD": self.password(self._secret(user)),
                "PGCONNECT_TIMEOUT": "10"}

    @staticmethod
    def _secret(user):
        return "store" if user == USER else user

    def sql(self, text, database="postgres", user=ROOT):
        """Rows as lines, columns with | between. The text goes through stdin: no argument shows it."""
        done = subprocess.run([self._programs() / "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database], input=text, env=self.environment(user),
                              capture_output=True, text=True)
        if done.returncode != 0:
            raise ServerError(f"{self.name}: {done.stderr.strip()}")
        return done.stdout.splitlines()

    def program(self, name, *args, user=USER):
        """Runs pg_dump, pg_restore … of this version to its end."""
        done = subprocess.run([self._programs() / name, *map(str, args)], env=self.environment(user), capture_output=True, text=True)
        if done.returncode != 0:
            raise ServerError(f"{name}: {done.stderr.strip()}")

    def follow(self, primary):
        """Becomes a streaming replica of another, under its own name; before its first start."""
        self.make_folders()
        done = self.command([programs() / "pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast",
                             "-d", f"application_name={self.name}"], env=primary.environment())
        if done.returncode != 0:
            raise ServerError(f"pg_basebackup: {done.stderr.strip()}")
        return self

    def promote(self):
        """From replica to primary; returns when it takes writes."""
        self.sql("SELECT pg_promote()")

    def ensure_user(self):
        """Whom parleyd logs in as: owns its databases and nothing else."""
        if not self.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{USER}'"):
            self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{verifier(self.password('store'))}'")

    def ensure_database(self, name=DATABASE):
        self.ensure_user()
        if not self.sql(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self.sql(f'CREATE DATABASE "{name}" OWNER {USER}')

    def url(self, database=DATABASE):
        """For parleyd; the password is in password_file("store")."""
        return f"postgresql://{USER}@127.0.0.1:{self.port()}/{database}"

    def root_url(self):
        """With the superuser's password in it."""
        return f"postgresql://{ROOT}:{self.password(ROOT)}@127.0.0.1:{self.port()}/postgres"
