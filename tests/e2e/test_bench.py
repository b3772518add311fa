"""parley-bench: every scenario runs through, with numbers too small to mean anything."""
import json
import subprocess

import pytest
from harness import BUILD

BENCH = BUILD / "bin" / "parley-bench"

pytestmark = [pytest.mark.transport("tcp"), pytest.mark.skipif(not BENCH.exists(), reason="parley-bench is not built")]

SCENARIOS = {
    "throughput": ["--senders", "2", "--receivers", "2", "--rooms", "2"],
    "throughput over WebSocket, QoS 0": ["--senders", "1", "--receivers", "1", "--rooms", "1", "--qos", "0", "--transport", "ws"],
    "throughput to many, MQTT 5": ["--fanout", "30", "--window", "2", "--v5"],
    "throughput, more rooms than users": ["--senders", "2", "--receivers", "2", "--rooms", "6"],
    "peer": ["--senders", "2", "--receivers", "2", "--rooms", "2"],
    "latency": ["--rate", "200", "--senders", "2", "--receivers", "2", "--rooms", "2"],
    "p7": ["--rate", "200", "--senders", "2", "--receivers", "2", "--rooms", "2"],
    "flood": ["--rate", "60", "--senders", "2", "--receivers", "2", "--rooms", "2"],
    "connect over TLS": ["--at-once", "3", "--first", "3", "--transport", "tls"],
    "connect": ["--at-once", "3", "--first", "3"],
    "memory": ["--connections", "10", "--rooms", "100", "--memberships", "1000", "--queued", "100"],
    "recovery": ["--journal", "1000000", "--rooms", "1000"],
    "acl": ["--memberships", "10000"],
    "presence": ["--members", "5", "--changes", "1"],
}


def bench(*args):
    return subprocess.run([BENCH, *args], capture_output=True, text=True, timeout=120)


@pytest.mark.profile("embedded")
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


def report_of(out):
    assert out.returncode == 0, out.stderr
    return {(row["measure"], row["contender"]): row for row in json.loads(out.stdout)["results"]}


def store_of(profile, folder, monkeypatch):
    """The options that name the profile's own database server."""
    storage = profile.storage(folder)
    storage.drop()  # its server is up now; the database to measure in is made by parley-bench
    postgres = getattr(storage, "postgres", None)
    if postgres is None:
        return None, []
    monkeypatch.setenv("PARLEY_STORE_PASSWORD", postgres.password("postgres"))
    return postgres, ["--store", f"postgresql://postgres@127.0.0.1:{postgres.port()}/postgres"]


def test_the_store_is_measured_beside_the_bare_database(profile, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    postgres, options = store_of(profile, tmp_path, monkeypatch)
    rows = report_of(bench("--json", "--rounds", "1", "store", *options, "--rows", "2000", "--batch", "100", "--batch", "1000",
                           "--readers", "3", "--history", "2000", "--depth", "0", "--depth", "0.999"))
    for measure in ("feed", "storing, batches of 100", "storing, batches of 1000", "page at depth 0", "page at depth 0.999"):
        assert rows[measure, "bare"]["median"] > 0
        ours = rows[measure, "parley"]
        assert ours["ratio_min"] <= ours["ratio"] <= ours["ratio_max"]
    assert rows["storing, 3 readers", "parley, no readers"]["ratio"] == 1
    assert list((tmp_path / "tmp").iterdir()) == []
    if postgres:
        assert postgres.sql("SELECT datname FROM pg_database WHERE datname LIKE 'parley_bench_%'") == []


def test_searching_is_measured_with_the_text_given(profile, tmp_path, monkeypatch):
    _, options = store_of(profile, tmp_path, monkeypatch)
    text = tmp_path / "text"
    text.write_text("".join(f"the number {i} stands beside {i * i}, common talk of room{i % 7}\n" for i in range(1500)))
    out = bench("--json", "--rounds", "1", "search", *options, "--text", text, "--messages", "3000", "--rooms", "5")
    rows = report_of(out)
    assert rows["stored and indexed", "parley"]["median"] > 0
    for measure in ("rare", "common", "two words", "phrase", "prefix", "in one room", "by one sender"):
        assert 0 < rows[measure, "median"]["median"] <= rows[measure, "slowest"]["median"], measure
    text.write_text("too little\n")
    assert "only 1 lines" in bench("search", *options, "--text", text).stderr


def test_an_overview_of_many_rooms_is_measured(profile, tmp_path, monkeypatch):
    _, options = store_of(profile, tmp_path, monkeypatch)
    rows = report_of(bench("--json", "--rounds", "1", "rooms", *options, "--rooms", "50", "--messages", "500"))
    assert 0 < rows["rooms alone", "median"]["median"] <= rows["rooms alone", "slowest"]["median"]
    assert rows["with counters", "median"]["median"] > 0
    assert bench("rooms", *options, "--rooms", "50", "--messages", "60").returncode == 1


@pytest.mark.profile("embedded")
def test_what_can_not_be_measured_is_said():
    out = bench("throughput", "--rooms", "3", "--receivers", "2")
    assert out.returncode == 1
    assert "multiple" in out.stderr
    assert bench("throughput", "--no-such-option").returncode == 2


@pytest.mark.profile("embedded")
def test_a_database_that_can_not_be_measured_in_is_said_and_no_password_goes_into_the_command_line():
    assert "--store is sqlite or postgresql" in bench("store", "--store", "mysql://here").stderr
    refused = bench("store", "--store", "postgresql://postgres:secret@127.0.0.1/postgres")
    assert refused.returncode == 1
    assert "--store-password-file" in refused.stderr
    assert "secret" not in refused.stderr
    unreachable = bench("store", "--store", "postgresql://postgres@127.0.0.1:1/postgres")
    assert unreachable.returncode == 1
    assert "PostgreSQL" in unreachable.stderr
