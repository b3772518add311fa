"""What the containers may not: rights, writing, secrets, networks. Looked at from outside, in /proc and by trying."""
import json
import os
import pathlib
import socket

from stack import processes_of

USERS = {"broker": 17883, "parleyd": 17880, "postgres": 999, "redis": 999, "prometheus": 65534}


def status(pid):
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.split() for key, _, value in (line.partition(":") for line in lines)}


def nobody_is_root(stack):
    for service in stack.services:
        for pid in processes_of(stack.pid(service)):
            said = status(pid)
            assert said["Uid"] == [str(USERS[service])] * 4, f"{service}: {said['Name']} has uid {said['Uid']}"
            assert said["Gid"] == [str(USERS[service])] * 4, f"{service}: {said['Name']} has gid {said['Gid']}"


def no_rights(stack):
    for service in stack.services:
        for pid in processes_of(stack.pid(service)):
            said = status(pid)
            for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                assert int(said[kind][0], 16) == 0, f"{service}: {kind} {said[kind]}"
            assert said["NoNewPrivs"] == ["1"], service
            assert said["Seccomp"] == ["2"], f"{service}: no seccomp filter"


def limits_hold(stack):
    for service in stack.services:
        wanted = stack.images.compose["services"][service]
        host = stack.inspect(service)["HostConfig"]
        assert host["Memory"] == in_bytes(wanted["mem_limit"]), f"{service}: {host['Memory']}"
        assert host["NanoCpus"] == wanted["cpus"] * 10**9, f"{service}: {host['NanoCpus']}"
        assert host["PidsLimit"] > 0, service
        assert host["RestartPolicy"]["Name"] == "unless-stopped", service
        assert host["LogConfig"]["Size"] == "10MB", f"{service}: {host['LogConfig']}"


def in_bytes(text):
    return int(text[:-1]) * {"m": 1 << 20, "g": 1 << 30}[text[-1]]


def writable(stack, service):
    """Where the container's own user can make a file, of all folders but those of the kernel."""
    script = "find / -xdev -type d 2>/dev/null; awk '{print $5}' /proc/self/mountinfo"
    folders = set(stack.execute(service, "sh", "-c", script).stdout.splitlines())
    folders = {path for path in folders if not path.startswith(("/proc", "/sys", "/dev"))}
    probe = 'while read -r d; do if touch "$d/.probe" 2>/dev/null; then rm "$d/.probe"; echo "$d"; fi; done'
    return set(stack.execute(service, "sh", "-c", probe, input="\n".join(sorted(folders)) + "\n").stdout.splitlines())


def only_volumes_are_written(stack):
    """By trying every folder."""
    for service in stack.services:
        wanted = stack.images.compose["services"][service]
        named = {entry.split(":")[0] for entry in wanted.get("tmpfs", [])}
        named |= {entry.split(":")[1] for entry in wanted.get("volumes", []) if not entry.endswith(":ro")}
        named |= {os.path.realpath(name) for name in named if name.startswith("/var/run/")}
        found = writable(stack, service)
        strange = [path for path in found if not any(path == name or path.startswith(name + "/") for name in named)]
        assert not strange, f"{service} can write to {sorted(strange)}"
        assert service not in ("broker", "postgres") or found, f"{service} can write nowhere: a wrong test"


def layers_are_untouched(stack):
    """What the container's own layer has beside the places where something is mounted."""
    for service in stack.services:
        mounted = {line.split()[4] for line in pathlib.Path(f"/proc/{stack.pid(service)}/mountinfo").read_text().splitlines()}
        changed = json.loads(stack.podman("diff", "--format", "json", stack.name(service)).stdout or "{}")
        paths = [path for kind in ("added", "changed", "deleted") for path in changed.get(kind) or []]
        strange = [path for path in paths if not any(place == path or place.startswith(path.rstrip("/") + "/") for place in mounted)]
        assert not strange, f"{service}: {strange}"


def secrets_stay_in_files(stack):
    files = [path for path in stack.secrets.rglob("*") if path.is_file() and path.stat().st_size]
    secrets = {line for path in files for line in path.read_text().splitlines() if len(line) > 20 and not line.startswith("-----")
               and path.suffix not in (".crt", ".names")}
    assert len(secrets) >= 5, "too few secrets to look for"
    for service in stack.services:
        seen = json.dumps(stack.inspect(service)) + stack.logs(service)
        for pid in processes_of(stack.pid(service)):
            seen += "".join(pathlib.Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace") for name in ("cmdline", "environ"))
        assert not any(secret in seen for secret in secrets), f"{service} shows a secret in its command line, environment, log or description"
    for path in stack.secrets.rglob("*"):
        if path.suffix not in (".crt", ".names") and path.is_file():
            assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"


def only_tls_is_published(stack):
    published = stack.podman("port", "--all").stdout
    ports = {line.rsplit(":", 1)[1] for line in published.splitlines()}
    assert ports == {"8883", "8084"}, published
    for port in (1883, 8080, 8884, 5432, 6379, 7880, 9090):
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex(("127.0.0.1", port)) != 0, f"{port} answers outside"


def address(stack, service, network):
    return stack.inspect(service)["NetworkSettings"]["Networks"][f"parley_{network}"]["IPAddress"]


def reaches(stack, service, host, port):
    done = stack.execute(service, "timeout", "3", "bash", "-c", f"exec 3<>/dev/tcp/{host}/{port}", check=False)
    return done.returncode == 0


def networks_divide(stack):
    database, cache = address(stack, "postgres", "data"), address(stack, "redis", "data")
    assert reaches(stack, "parleyd", database, 5432) and reaches(stack, "parleyd", cache, 6379)
    for service in ("broker", "prometheus"):
        assert not reaches(stack, service, database, 5432), f"{service} reaches the database"
        assert not reaches(stack, service, cache, 6379), f"{service} reaches the cache"
    assert not reaches(stack, "prometheus", address(stack, "broker", "chat"), 1883), "prometheus reaches the broker"
    for service in ("postgres", "redis", "prometheus"):
        routes = stack.execute(service, "cat", "/proc/net/route").stdout.splitlines()[1:]
        assert not any(line.split()[1] == "00000000" for line in routes), f"{service} has a way out"


CHECKS = (
    ("no process has uid 0, or a group 0", nobody_is_root),
    ("no process has a capability, and none can get one; seccomp filters calls", no_rights),
    ("memory, processors, processes and logs are limited as compose.yaml says", limits_hold),
    ("nothing can be written but volumes and tmpfs of compose.yaml", only_volumes_are_written),
    ("containers' own layers are as they were", layers_are_untouched),
    ("secrets stand in files that one user may read, and nowhere else", secrets_stay_in_files),
    ("TLS and WSS are published, nothing else", only_tls_is_published),
    ("the broker reaches no database; the database reaches nothing outside", networks_divide),
)
