"""A private Redis."""
import contextlib
import shutil
import socket

from .daemon import Daemon, ServerError

CONF = """# Written by tools/lib/servers at each start.
bind 127.0.0.1
port {port}
requirepass {password}
dir {folder}/data
daemonize no
# The command line keeps this file's name, by which the process is known.
set-proc-title no
databases 1024
appendonly {durable}
appendfsync everysec
save ""
"""


class Redis(Daemon):
    """durable=False: nothing of it is kept on disk."""

    def __init__(self, folder, durable=True, name="redis"):
        super().__init__(folder, name, user="redis")
        self.durable = durable

    # --- for Daemon ---

    def argv(self):
        program = shutil.which("redis-server")
        if not program:
            raise ServerError("Redis is not installed: tools/setup --servers does it")
        return [program, str(self.folder / "redis.conf")]

    def prepare(self):
        self.own(self.folder / "data", directory=True)
        self.write("redis.conf", CONF.format(port=self.port(), password=self.password("cache"), folder=self.folder,
                                             durable="yes" if self.durable else "no"))

    def answers(self):
        with contextlib.suppress(OSError, ServerError):
            return self.ask("PING") == "PONG"
        return False

    # --- using it ---

    def ask(self, *command):
        """One command whose answer is a simple string or a number. No client library is needed for that."""
        with socket.create_connection(("127.0.0.1", self.port()), timeout=10) as s, s.makefile("rwb") as stream:
            answer = ""
            for words in (("AUTH", self.password("cache")), command):
                stream.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w.encode()), w.encode()) for w in words))
                stream.flush()
                answer = stream.readline().decode().strip()
                if not answer or answer[0] not in "+:":
                    raise ServerError(f"{self.name} answers {words[0]} with '{answer}'")
            return answer[1:]

    def url(self, database=0):
        """For parleyd; the password is in password_file("cache")."""
        return f"redis://127.0.0.1:{self.port()}/{database}"

    def root_url(self, database=0):
        """With the password in it."""
        return f"redis://:{self.password('cache')}@127.0.0.1:{self.port()}/{database}"
