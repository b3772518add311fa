"""A disk that can be filled."""
import contextlib
import subprocess

import pytest


@contextlib.contextmanager
def tmpfs(path, size):
    """A small file system at `path`; skips where none may be mounted. Unmounted at the end, with what is in it."""
    path.mkdir(parents=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", path], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", path], check=True)


def fill(path):
    """Takes all the space that is left; returns the file that holds it."""
    hog = path / "hog"
    with open(hog, "wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    return hog


def enlarge(path, size="1G"):
    """There is room again."""
    subprocess.run(["mount", "-o", f"remount,size={size}", path], check=True)
