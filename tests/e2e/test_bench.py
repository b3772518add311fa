"""parley-bench: every scenario runs through, with numbers too small to mean anything."""
import json
import subprocess

import pytest
from harness import BUILD

BENCH = BUILD / "bin" / "parley-bench"

pytestmark = [pytest.mark.skipif(not BENCH.exists(), reason="parley-bench is not built"), pytest.mark.profile("embedded")]

SCENARIOS = {
    "throughput": ["--senders", "2", "--receivers", "2", "--rooms", "2"],
    "throughput over WebSocket, QoS 0": ["--senders", "1", "--receivers", "1", "--rooms", "1", "--ws", "--qos", "0"],
    "throughput to many, MQTT 5": ["--fanout", "30", "--window", "2", "--v5"],
    "throughput, more rooms than users": ["--senders", "2", "--receivers", "2", "--rooms", "6"],
    "peer": ["--senders", "2", "--receivers", "2", "--rooms", "2"],
    "latency": ["--rate", "200", "--senders", "2", "--receivers", "2", "--rooms", "2"],
    "p7": ["--rate", "200", "--senders", "2", "--receivers", "2", "--rooms", "2"],
    "connect": ["--at-once", "3", "--first", "3"],
    "memory": ["--connections", "10", "--rooms", "100", "--memberships", "1000", "--queued", "100"],
    "recovery": ["--journal", "1000000", "--rooms", "1000"],
    "acl": ["--memberships", "10000"],
    "store": ["--rows", "2000", "--history", "2000"],
}


def bench(*args):
    return subprocess.run([BENCH, *args], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_scenario_runs_and_tells_its_numbers(scenario, monkeypatch, tmp_path):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    name = scenario.replace(",", "").split()[0]
    out = bench("--json", "--rounds", "1", "--seconds", "0.2", name, *SCENARIOS[scenario])
    assert out.returncode == 0, out.stderr
    report = json.loads(out.stdout)
    assert report["scenario"] == name
    assert report["results"]
    for row in report["results"]:
        assert row["min"] <= row["median"] <= row["max"], row
        assert len(row["rounds"]) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_can_not_be_measured_is_said():
    out = bench("throughput", "--rooms", "3", "--receivers", "2")
    assert out.returncode == 1
    assert "multiple" in out.stderr
    assert bench("throughput", "--no-such-option").returncode == 2
