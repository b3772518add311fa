"""A small Debian made by debootstrap, as an image: what debian:bookworm-slim is to whoever reaches a registry."""
import pathlib
import shutil
import subprocess

# As in the images of the Docker library: no manuals, no translations.
LEFT_OUT = ("doc", "groff", "info", "linda", "lintian", "locale", "man")
DPKG = "force-unsafe-io\n" + "".join(f"path-exclude /usr/share/{name}/*\n" for name in LEFT_OUT) + "path-include /usr/share/doc/*/copyright\n"
APT = 'Acquire::Languages "none";\nAcquire::GzipIndexes "true";\nAcquire::Check-Valid-Until "false";\n' \
      'APT::Install-Recommends "false";\nDPkg::Use-Pty "0";\n'


def debootstrap(folder, suite, mirror):
    """The system's root below `folder`. It grows beside its place, so an interrupted one is never used."""
    root, new = folder / suite, folder / f"{suite}.new"
    if root.exists():
        return root
    shutil.rmtree(new, ignore_errors=True)
    log = folder / f"{suite}.log"
    with log.open("w") as output:
        done = subprocess.run(["debootstrap", "--variant=minbase", "--include=ca-certificates", suite, str(new), mirror],
                              stdout=output, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        raise SystemExit(f"debootstrap could not make {suite}:\n" + "\n".join(log.read_text().splitlines()[-15:]))
    slim(new, suite, mirror)
    new.rename(root)
    return root


def slim(root, suite, mirror):
    (root / "etc/dpkg/dpkg.cfg.d/slim").write_text(DPKG)
    (root / "etc/apt/apt.conf.d/container").write_text(APT)
    (root / "etc/apt/sources.list").write_text(
        f"deb {mirror} {suite} main\ndeb {mirror} {suite}-updates main\ndeb {mirror}-security {suite}-security main\n")
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    for name in LEFT_OUT:
        for path in (root / "usr/share" / name).glob("*"):
            remove(path, keep="copyright" if name == "doc" else None)
    for pattern in ("var/cache/apt/*", "var/lib/apt/lists/*", "var/cache/debconf/*-old", "var/log/*.log", "var/log/apt"):
        for path in root.glob(pattern):
            remove(path)
    for name in ("etc/hostname", "etc/resolv.conf", "etc/machine-id"):
        (root / name).unlink(missing_ok=True)
    # This machine's own authorities, where it has any: packages may come through something that only they vouch for.
    for path in pathlib.Path("/usr/local/share/ca-certificates").glob("*.crt"):
        shutil.copy(path, root / "usr/local/share/ca-certificates")


def remove(path, keep=None):
    if path.is_dir() and not path.is_symlink():
        if keep:
            for below in path.iterdir():
                if below.name != keep:
                    remove(below)
        else:
            shutil.rmtree(path)
    else:
        path.unlink()
