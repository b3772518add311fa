"""One server process below a folder: its files, its start, its end. Both kinds of server are made from it."""
import contextlib
import os
import pathlib
import pwd
import secrets
import signal
import socket
import subprocess
import time

START_S = 60  # a server that recovers from a crash reads its log first
STOP_S = 30


class ServerError(Exception):
    """What is wrong and what to do about it, for people."""


# Below those the kernel gives to outgoing connections, which could take one while its server is down.
PORTS = range(28_000, 32_000)
PORTS_OF_TESTS = range(12_000, 28_000)  # which draw theirs before they use them


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port():
    for _ in range(1_000):
        if is_free(port := secrets.choice(PORTS)):
            return port
    raise ServerError("No free port was found on 127.0.0.1; end something that listens there.")


def state(pid):
    """The letter of /proc for it; None when it has ended, a zombie included."""
    with contextlib.suppress(OSError):
        letter = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return None if letter in "ZX" else letter
    return None


def children(pid):
    """The pids whose parent it is."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and int((entry / "stat").read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(entry.name))
    return found


def using(folder):
    """The pids that have it as their working directory."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(entry / "cwd") == str(folder):
                found.append(int(entry.name))
    return found


def await_end(pids, timeout_s):
    """True when all have ended."""
    end = time.monotonic() + timeout_s
    while any(state(pid) for pid in pids):
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


class Daemon:
    """Not for two threads at once. `user`: whom it becomes when root starts it (without root it stays who starts it).

    Subclasses give prepare(), argv(), answers(), and STOP_SIGNALS.
    """

    STOP_SIGNALS = (signal.SIGTERM,)  # each waited for in turn; SIGKILL comes last

    def __init__(self, folder, name, user):
        folder = pathlib.Path(folder).resolve()
        self.folder, self.name = folder / name, name
        self.run, self.log_path = folder / "run" / f"{name}.pid", folder / "log" / f"{name}.log"
        self._secrets = folder / "secrets"
        self._account = None
        if os.geteuid() == 0:
            try:
                self._account = pwd.getpwnam(user)
            except KeyError:
                raise ServerError(f"there is no user '{user}': the package that makes it is missing. tools/setup --servers installs it") from None

    # --- files ---

    def make_folders(self):
        for path in (self.run.parent, self.log_path.parent, self._secrets):
            path.mkdir(parents=True, exist_ok=True)
        self.own(self.folder, directory=True)
        if self._account and not self._reachable():
            raise ServerError(f"{self.name} runs as user '{self._account.pw_name}', who can't get to {self.folder}: "
                              f"choose a folder that others may enter (not below /root), or be another user than root")

    def own(self, path, directory=False):
        """Makes a file or folder that belongs to the server's user and is closed to others."""
        if directory:
            path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700 if directory else 0o600)
        if self._account:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def write(self, name, text):
        """A file of the server's own, whole or not at all."""
        new = self.folder / f"{name}.new"
        new.unlink(missing_ok=True)
        new.touch(mode=0o600)
        self.own(new)
        new.write_text(text)
        new.rename(self.folder / name)

    def password(self, name):
        """Drawn once, kept in secrets/NAME.password."""
        path = self.password_file(name)
        if not path.exists() or not path.stat().st_size:
            new = path.with_suffix(".new")
            new.unlink(missing_ok=True)
            new.touch(mode=0o600)
            new.write_text(secrets.token_hex(16) + "\n")
            new.rename(path)
        return path.read_text().strip()

    def password_file(self, name):
        return self._secrets / f"{name}.password"

    def port(self):
        """Drawn at the first start, kept for good, so that URLs stay true."""
        path = self.folder / "port"
        if not path.exists():
            self.write("port", f"{free_port()}\n")
        return int(path.read_text())

    def _reachable(self):
        return self.command(["test", "-x", self.folder, "-a", "-w", self.folder]).returncode == 0

    # --- processes ---

    def identity(self):
        """Arguments for subprocess that make a child the server's user."""
        account = self._account
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}

    def command(self, argv, **kwargs):
        """Runs a program as the server's user, to its end."""
        return subprocess.run(argv, cwd="/", capture_output=True, text=True, **self.identity(), **kwargs)

    def pid(self):
        """Of the running server; None. A pid that belongs to something else by now is nobody's."""
        with contextlib.suppress(OSError, ValueError):
            pid = int(self.run.read_text())
            line = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if state(pid) and [os.fsencode(arg) for arg in self.argv()[1:]] == line[1:-1]:
                return pid
        return None

    def start(self):
        """Starts it over what the folder holds and returns when it answers; nothing to do when it runs."""
        self.make_folders()
        if self.pid():
            return self
        self.prepare()
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", self.port())) == 0:
                raise ServerError(f"port {self.port()} of {self.name} is in use by another process: stop that one, or write a free "
                                  f"port into {self.folder / 'port'}")
        before = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(os.open(self.log_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as log:
            process = subprocess.Popen(self.argv(), cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                                       **self.identity())
        self.run.write_text(f"{process.pid}\n")
        end = time.monotonic() + START_S
        while not self.answers():
            if process.poll() is not None or time.monotonic() > end:
                said = self.log_path.read_text(errors="replace")[before:].strip().splitlines()[-8:]
                what = "ended at once" if process.poll() is not None else f"does not answer after {START_S} s"
                self.stop()
                raise ServerError("\n".join([*said, f"{self.name} {what}; its log: {self.log_path}"]))
            time.sleep(0.02)
        process.returncode = 0  # it lives on: whoever made this object need not wait for it
        return self

    def stop(self):
        """True when it ran. Ends with the process and all its children gone."""
        pid = self.pid()
        if pid:
            family = [pid, *children(pid)]
            for sig in (*self.STOP_SIGNALS, signal.SIGKILL):
                if self._end(family, sig, STOP_S):
                    break
        self.run.unlink(missing_ok=True)
        return pid is not None

    def end(self, sig):
        """Sends one signal that ends it, and returns when the last of its children is gone. ServerError: one of them lives on."""
        pid = self.pid()
        family = [pid, *children(pid)] if pid else []
        if not self._end(family, sig, STOP_S):
            raise ServerError(f"{self.name} or a child of it lives on after signal {sig}: {[p for p in family if state(p)]}")

    def kill(self):
        """As after a crash of the server: its children find out by themselves."""
        self.end(signal.SIGKILL)

    def hang(self):
        """It accepts connections and says nothing, until go_on()."""
        self._signal_all(signal.SIGSTOP)

    def go_on(self):
        self._signal_all(signal.SIGCONT)

    def _signal_all(self, sig):
        pid = self.pid()
        for each in [pid, *children(pid)] if pid else []:
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, sig)

    @staticmethod
    def _end(family, sig, timeout_s):
        """Signals the first and waits for all. False when one is still there."""
        if not family:
            return True
        with contextlib.suppress(ProcessLookupError):
            os.kill(family[0], sig)
        ended = await_end(family, timeout_s)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(family[0], os.WNOHANG)  # when it is a child of ours
        return ended
