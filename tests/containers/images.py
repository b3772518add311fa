"""Builds the images by buildah, in a store of their own below the cache folder."""
import json
import os
import pathlib
import shutil
import subprocess

import yaml

import base

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
STANDINS = ("postgres", "redis", "prometheus")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Images:
    """`folder`: everything that is kept for a next run. Output of the tools goes to `log` there."""

    def __init__(self, folder, suite, verbose):
        self.folder, self.suite, self.verbose = folder, suite, verbose
        self.compose = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
        self.base = f"localhost/parley-base:{suite}"
        for name in ("tmp", "networks"):
            (folder / name).mkdir(exist_ok=True)
        # Without systemd nobody asks for health by the clock; the checks ask.
        self.environment = dict(os.environ, TMPDIR=str(folder / "tmp"), DISABLE_HC_SYSTEMD="true", **self._settings())

    def _settings(self):
        """A store of our own; and no rights that a machine may lack: limits as they are here, cgroups without systemd."""
        (self.folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "/run/parley-containers"\ngraphroot = "{self.folder}/storage"\n')
        (self.folder / "containers.conf").write_text(f"""[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "{self.folder}/networks"
""")
        return {"CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"), "CONTAINERS_CONF": str(self.folder / "containers.conf")}

    def run(self, *command, check=True, **more):
        done = subprocess.run([str(part) for part in command], env=self.environment, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=None if self.verbose else subprocess.PIPE, **more)
        if check and done.returncode:
            raise SystemExit(f"{' '.join(map(str, command))}\n{(done.stderr or '')[-4000:]}\n{done.stdout[-2000:]}")
        return done

    def buildah(self, *arguments, **more):
        return self.run("buildah", *arguments, **more).stdout.strip()

    def has(self, name):
        return self.run("buildah", "inspect", "--type", "image", name, check=False).returncode == 0

    def make_base(self, mirror):
        if self.has(self.base):
            return
        root = base.debootstrap(self.folder, self.suite, mirror)
        container = self.buildah("from", "scratch")
        self.buildah("add", "-q", container, root, "/")
        self.buildah("config", "--env", f"PATH={PATH}", "--cmd", "bash", container)
        self.buildah("commit", "-q", "--rm", "--format", "docker", container, self.base)
        shutil.rmtree(root)

    def _build(self, dockerfile, context, target, name, *more):
        self.buildah("bud", "-q", "--format", "docker", "--layers", "--network", "host", "--build-arg", f"BASE={self.base}",
                     *more, "--target", target, "-t", name, "-f", dockerfile, context)

    def build(self, target, jobs):
        """One of docker/Dockerfile, under the name compose.yaml has for it."""
        self._build(ROOT / "docker/Dockerfile", ROOT, target, f"localhost/parley-{target}:latest", "--build-arg", f"JOBS={jobs}")

    def build_standin(self, service):
        """One of standins/, under the name of the official image that compose.yaml has for it."""
        self._build(HERE / "standins/Dockerfile", HERE / "standins", service, self.compose["services"][service]["image"])

    def use_ccache(self, folder):
        """The compiler cache of the Dockerfile's cache mount. buildah keeps it below TMPDIR, by the path in the container."""
        place = self.folder / "tmp/buildah-cache/root/.cache/ccache"
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_symlink():
            place.unlink()
        if folder and not place.exists():
            place.symlink_to(folder.resolve())

    def inspect(self, name):
        """What the image says of itself, and its size in bytes."""
        described = json.loads(self.buildah("inspect", "--type", "image", name))
        listed = json.loads(self.buildah("images", "--json", name))
        return described["Docker"]["config"], listed[0]
