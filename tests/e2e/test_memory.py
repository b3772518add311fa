"""What a program holds in memory stays there: no core dump, and nothing to read for others of the same user."""
import os
import pathlib
import resource
import signal
import subprocess
import sys

import pytest
from harness import PARLEYCTL, PARLEYD, wait_until

pytestmark = pytest.mark.profile("embedded")


def crash(argv, begun, cwd):
    """Starts a program that may dump core as large as it likes, waits until begun(pid), kills it as a bug would, and says how it ended."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    child = subprocess.Popen(argv, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, unlimited))
    try:
        wait_until(lambda: begun(child.pid), f"{argv[0]} is under way")
        os.kill(child.pid, signal.SIGABRT)
        return os.waitid(os.P_PID, child.pid, os.WEXITED).si_code
    finally:
        child.kill()
        child.wait()


def dumps_nothing(pid):
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    return next(line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file size")) == ["0", "0"]


@pytest.fixture
def dumps(tmp_path):
    """A folder, where this machine lets programs dump core."""
    if os.geteuid() != 0:
        pytest.skip("unlimited core dumps need root")
    try:
        code = crash([sys.executable, "-c", "import time; open('begun', 'w'); time.sleep(600)"], lambda pid: (tmp_path / "begun").exists(), tmp_path)
    finally:
        for core in tmp_path.glob("core*"):
            core.unlink()
    if code != os.CLD_DUMPED:
        pytest.skip("nothing dumps core on this machine")
    return tmp_path


def test_a_crashed_parleyd_leaves_no_core_dump(make_server, dumps):
    server = make_server().start_broker()
    assert crash([PARLEYD, "--config", server.toml], lambda pid: server.ready(), dumps) == os.CLD_KILLED
    assert not list(dumps.glob("core*"))


def test_a_crashed_parleyctl_leaves_no_core_dump(make_server, dumps):
    server = make_server().start()
    server.add_room("lobby")
    argv = [PARLEYCTL, "--config", server.ctl_config("admin"), "tail", "lobby"]
    assert crash(argv, dumps_nothing, dumps) == os.CLD_KILLED
    assert not list(dumps.glob("core*"))
