"""Prometheus' side of the tests: what /metrics serves, what metrics.md, the alarms and the dashboard say of it, and a real Prometheus that reads it."""
import json
import re
import subprocess
import urllib.parse
import urllib.request

import yaml

from harness import ROOT, Process, free_ports, wait_until

ALERTS = ROOT / "docker" / "prometheus" / "alerts.yml"
ALERTS_TEST = ROOT / "docker" / "prometheus" / "alerts_test.yml"
CONFIG = ROOT / "docker" / "prometheus" / "prometheus.yml"
DASHBOARD = ROOT / "docker" / "grafana" / "dashboards" / "parley.json"
DOCUMENT = ROOT / "metrics.md"

METRIC = re.compile(r"\b(?:parley|process)_[a-z0-9_]*[a-z0-9]\b")
# Written by the metrics of one kind of installation alone.
ONLY = {"production": ("parley_postgres_",), "embedded": ("parley_disk_",)}


def families(text):
    """name: (type, help, names of labels), of an answer of /metrics."""
    helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.M))
    types = dict(re.findall(r"^# TYPE (\S+) (.*)$", text, re.M))
    labels = {name: set() for name in types}
    for name, inner in re.findall(r"^([a-z_]+)\{(.*)\} ", text, re.M):
        base = name if name in labels else re.sub(r"_(bucket|sum|count)$", "", name)
        labels[base] |= set(re.findall(r'([a-z_]+)="', inner)) - {"le"}
    return {name: (kind, helps.get(name, ""), labels[name]) for name, kind in types.items()}


def documented():
    """The same, of metrics.md's tables."""
    rows = re.findall(r"^\| `([a-z0-9_]+)` \| (\w+) \| (.*?) \| (.*) \|$", DOCUMENT.read_text(), re.M)
    assert len(rows) == len({row[0] for row in rows}), "metrics.md names one twice"
    return {name: (kind, text, set(re.findall(r"`([a-z_]+)`", labels))) for name, kind, labels, text in rows}


def row(name, family):
    kind, text, labels = family
    return f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in sorted(labels))} | {text} |"


def names_in(expression):
    """Metrics an expression asks for, histograms without their suffix; names of labels aside."""
    bare = re.sub(r"\bby \([^)]*\)", "", expression)
    bare = re.sub(r'"[^"]*"', "", bare) if "__name__" not in bare else bare
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in METRIC.findall(bare)}


def alerts():
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def dashboard_panels():
    return json.loads(DASHBOARD.read_text())["panels"]


def dashboard_expressions():
    return [target["expr"] for panel in dashboard_panels() for target in panel.get("targets", [])]


def promtool(*args, **kwargs):
    """Its exit code and all it said."""
    done = subprocess.run(["promtool", *map(str, args)], capture_output=True, text=True, timeout=60, **kwargs)
    return done.returncode, done.stdout + done.stderr


class Prometheus:
    """A private one, with our own prometheus.yml and alarms, that scrapes one parleyd each second."""

    def __init__(self, folder, target):
        folder.mkdir(exist_ok=True)
        config = yaml.safe_load(CONFIG.read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["rule_files"] = [str(ALERTS)]
        config["scrape_configs"][0]["static_configs"][0]["targets"] = [target]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
        (self.port,) = free_ports(1)
        self.process = Process(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                f"--web.listen-address=127.0.0.1:{self.port}"], folder / "prometheus.log")

    def ask(self, path, **parameters):
        """The answer's JSON; one that is an error is an answer, too; None while it is not ready."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as e:
            return None if e.code == 503 else json.loads(e.read())
        except OSError:
            return None

    def wait_for(self, expression):
        """Until it gives a value."""
        found = lambda: (answer := self.ask("query", query=expression)) and answer.get("data", {}).get("result")
        return wait_until(found, expression, log=self.process)

    def stop(self):
        self.process.stop()
