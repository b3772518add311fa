"""docker/compose.yaml, started by podman-compose inside namespaces that hold nothing else."""
import contextlib
import json
import os
import pathlib
import resource
import shutil
import subprocess
import time

from chatter import WAIT_S
from images import ROOT

PROJECT = "parley"


def wait_until(condition, what, timeout_s=WAIT_S):
    """The first true value of condition()."""
    end = time.monotonic() + timeout_s
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout_s} s: {what}")
        time.sleep(0.2)
    return value


class Stack:
    """The containers of `services`. The project's docker/ is copied, so that tests may change configuration there."""

    def __init__(self, images, services):
        self.images, self.services = images, services
        self.folder = images.folder / "stage"
        shutil.rmtree(self.folder, ignore_errors=True)
        shutil.copytree(ROOT / "docker", self.folder / "docker", ignore=shutil.ignore_patterns("secrets"))
        self.secrets = self.folder / "secrets"
        self.make_secrets()
        connections = min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        images.environment.update(PARLEY_SECRETS=str(self.secrets), PARLEY_CONNECTIONS=str(connections))

    def make_secrets(self):
        self.images.run(ROOT / "docker/make-secrets", "--folder", self.secrets)

    # --- the tools ---

    def podman(self, *arguments, check=True, **more):
        return self.images.run("podman", *arguments, check=check, **more)

    def compose(self, *arguments, **more):
        # As Docker does it: podman by itself gives a read-only container three tmpfs to write to. And compose.yaml's ulimits would replace
        # all those of containers.conf.
        extra = "--read-only-tmpfs=false --ulimit nofile=1024:4096 --ulimit nproc=4096:4096"
        command = ["podman-compose", f"--podman-run-args={extra}", "-p", PROJECT, "-f", self.folder / "docker/compose.yaml"]
        return self.images.run(*command, *arguments, **more)

    def up(self, *services):
        """podman-compose 1.0 does not wait for the conditions of depends_on; what it starts too early must wait by itself."""
        said = self.compose("up", "-d", "--no-build", *services)
        for service in services:
            state = self.inspect(service)["State"]
            assert state["Pid"] or state["ExitCode"], f"{service} was not started\n{said.stdout}\n{said.stderr}"

    def down(self):
        self.compose("down")

    def clean(self):
        self.podman("rm", "--force", "--all", check=False)
        self.podman("pod", "rm", "--force", "--all", check=False)
        self.podman("volume", "rm", "--force", "--all", check=False)

    # --- a service ---

    def name(self, service):
        return f"{PROJECT}_{service}_1"

    def inspect(self, service):
        return json.loads(self.podman("inspect", "--type", "container", self.name(service)).stdout)[0]

    def pid(self, service):
        return self.inspect(service)["State"]["Pid"]

    def running(self, service):
        return self.inspect(service)["State"]["Running"]

    def execute(self, service, *command, check=True, **more):
        return self.podman("exec", "-i", self.name(service), *command, check=check, **more)

    def healthy(self, service):
        return self.podman("healthcheck", "run", self.name(service), check=False).returncode == 0

    def wait_healthy(self, service):
        try:
            wait_until(lambda: self.healthy(service), f"{service} is healthy", 3 * WAIT_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs(service)[-3000:]}") from None

    def logs(self, service):
        done = subprocess.run(["podman", "logs", self.name(service)], env=self.images.environment, text=True,
                              check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout

    def stop(self, service):
        """SIGTERM; how it ended: 137 means that it had to be killed."""
        self.podman("stop", "--time", "60", self.name(service))
        return self.inspect(service)["State"]["ExitCode"]

    def start(self, service):
        self.podman("start", self.name(service))

    # --- Parley ---

    def make_admin(self):
        said = self.compose("run", "--rm", "-T", "--no-deps", "parleyd", "--create-admin", "admin")
        token = next((line for line in said.stdout.splitlines() if line.startswith("plt_")), None)
        assert token, f"no token: {said.stdout}\n{said.stderr}"
        (self.secrets / "parleyd/admin_token").write_text(token + "\n")

    def ctl(self, *arguments, **more):
        return self.execute("parleyd", "parleyctl", *arguments, **more)

    def ready(self):
        return self.execute("parleyd", "curl", "-fs", "http://127.0.0.1:7880/readyz", check=False).returncode == 0

    def wait_ready(self):
        try:
            wait_until(lambda: self.running("parleyd") and self.ready(), "parleyd is ready", 3 * WAIT_S)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.logs('parleyd')[-3000:]}") from None

    def history(self, room):
        lines = self.ctl("--json", "history", room, "--limit", "1000").stdout.splitlines()
        return [json.loads(line) for line in lines]

    def texts(self, room):
        return [entry["content"]["text"] for entry in self.history(room) if entry.get("type") == "text"]


@contextlib.contextmanager
def stack(images, services, keep):
    made = Stack(images, services)
    made.clean()
    try:
        yield made
    finally:
        if not keep:
            made.clean()


def processes_of(pid):
    """The processes in the container whose first one this is: those with its mount namespace."""
    namespace = os.readlink(f"/proc/{pid}/ns/mnt")
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.readlink(path / "ns/mnt") == namespace:
                found.append(int(path.name))
    return found
