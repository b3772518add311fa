"""The checks of tests/containers/run, each a sentence: of the images, of the running containers, and of what they do."""
import traceback

import alive
import behaviour
import walls
from stack import stack

STARTED = ("postgres", "redis", "broker", "parleyd", "prometheus")
# Compilers, and what else has no place beside a server.
TOOLS = ("gcc", "g++", "cc", "ld", "as", "make", "ninja", "cmake", "git", "pkg-config", "ccache", "python3", "gdb", "sudo")
NOT_SHOWN = """not shown: Docker itself; Grafana (Debian has no package of it); the official images of PostgreSQL, Redis and Prometheus (no registry);
what podman-compose 1.0 leaves out of compose.yaml: pids_limit, stop_grace_period, the conditions of depends_on"""


def sizes(images):
    base = images.inspect(images.base)[1]["size"]
    lines = [f"size of the base ({images.suite}): {base}"]
    for target in ("broker", "backend"):
        lines.append(f"size of parley-{target} with it: {images.inspect(f'localhost/parley-{target}:latest')[1]['size']}")
    return "\n".join(lines)


class Report:
    def __init__(self, words):
        self.words, self.passed, self.failed = words, 0, 0

    def check(self, sentence, function, *arguments, chosen=False):
        if not chosen and self.words not in sentence:
            return
        try:
            told = function(*arguments)
        except (Exception, SystemExit) as error:  # whatever it was, the other checks are made
            self.failed += 1
            where = traceback.extract_tb(error.__traceback__)[-1]
            print(f"FAILED  {sentence}: {error} ({where.filename.rsplit('/', 1)[-1]}:{where.lineno})", flush=True)
        else:
            self.passed += 1
            print(f"passed  {sentence}" + (f": {told}" if told else ""), flush=True)


def image_says(images, target, uid):
    config, _ = images.inspect(f"localhost/parley-{target}:latest")
    assert config["User"] == f"{uid}:{uid}", config["User"]
    assert config["Healthcheck"]["Test"][0] == "CMD", config.get("Healthcheck")
    assert config["StopSignal"] == "SIGTERM"
    assert set(config["Volumes"]) and "latest" not in config["Volumes"]


def no_tools(images, target):
    script = f"for tool in {' '.join(TOOLS)}; do command -v $tool; done; test ! -e /src && test ! -e /build && test ! -e /out"
    done = images.run("podman", "run", "--rm", "--network", "none", "--entrypoint", "sh",
                      f"localhost/parley-{target}:latest", "-c", script)
    assert not done.stdout.strip(), done.stdout


def alone_with_sqlite(images):
    """Read-only, without a network, a capability or another container: it can only have written to its volume."""
    done = images.run("podman", "run", "--rm", "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--network", "none",
                      "localhost/parley-backend:latest", "--set=store=sqlite:///var/lib/parley/parley.db", "--set=cache=memory://",
                      "--create-admin", "ada")
    assert done.stdout.startswith("plt_"), done.stdout


def run(images, words, keep):
    report = Report(words)
    for target, uid in (("broker", 17883), ("backend", 17880)):
        report.check(f"parley-{target} names its user by number, its health check, its volumes", image_says, images, target, uid)
        report.check(f"parley-{target} has no compiler and no source", no_tools, images, target)
    report.check("parleyd alone keeps its data in SQLite, in its volume", alone_with_sqlite, images)
    with stack(images, STARTED, keep) as started:
        report.check("everything in compose.yaml starts and is healthy", alive.start, started, chosen=True)
        if report.failed == 0:
            for module in (walls, alive, behaviour):
                for sentence, function in module.CHECKS:
                    report.check(sentence, function, started)
    print(sizes(images))
    print(NOT_SHOWN)
    print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0
