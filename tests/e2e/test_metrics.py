"""What operators watch: the metrics and their document, the alarms, the dashboard.

After a change of the metrics, `PARLEY_WRITE_METRICS=1 /usr/bin/python3 -m pytest tests/e2e/test_metrics.py` (on both profiles) writes metrics.md's tables anew.
"""
import os
import re
import sqlite3

import pytest
import yaml

import prometheus
from harness import Server, running, wait_until
from prometheus import ALERTS_TEST, DOCUMENT, ONLY, Prometheus, alerts, dashboard_expressions, dashboard_panels, documented, families, promtool, row

pytestmark = pytest.mark.xdist_group("metrics")


@pytest.fixture(scope="module")
def watched(tmp_path_factory, profile):
    """A server on which all that can be measured is on, after a little traffic."""
    folder = tmp_path_factory.mktemp("watched")
    server = Server(folder, profile, backend_opts={"http.top_rooms": 5, "http.certificate_files": [str(folder / "none.crt")], "notify.stdout": "yes",
                                                     "tracing.otlp_url": "http://127.0.0.1:9"})
    with running(server, "alice"):
        with server.client("alice") as alice:
            alice.subscribe("rooms/lobby/messages")
            alice.send("lobby", {"text": "hello"})
            alice.wait_text("hello")
            assert alice.publish("rooms/lobby/messages", "forged") >= 0x80
            alice.ok("history", room="lobby")
        wait_until(server.all_stored, "all is stored")
        # The busiest rooms and the notifications come a moment after the storing.
        wait_until(lambda: server.metric("parley_busy_room_messages", room="lobby"), "the room is busy")
        wait_until(lambda: server.metric("parley_notify_jobs", provider="stdout", state="waiting") is not None, "the outbox is counted")
        yield server


def served(server):
    return families(server.http("/metrics")[1])


def of_this_profile(names, profile):
    others = tuple(prefix for name, prefixes in ONLY.items() if name != profile.name for prefix in prefixes)
    return {name for name in names if not name.startswith(others)}


def test_promtool_finds_nothing_wrong(watched):
    code, said = promtool("check", "metrics", input=watched.http("/metrics")[1])
    assert code == 0, said


def test_names_follow_the_conventions(watched):
    for name, (kind, text, labels) in served(watched).items():
        assert name.startswith(("parley_", "process_")), name
        assert text.endswith("."), f"{name} has no sentence as HELP: {text!r}"
        assert (kind == "counter") == name.endswith("_total"), f"{name} is a {kind}"
        assert not re.search(r"_(ms|milliseconds|kb|mb|minutes)(_|$)", name), f"{name}: base units are seconds and bytes"
        assert not labels & {"user", "device", "id"}, f"{name}: labels without end {labels}"


def write_document(now, profile):
    """Puts in what is served, keeps what only the other profile serves."""
    known = documented()
    kept = {name: family for name, family in known.items() if name not in of_this_profile(known, profile)}
    lines = [row(name, family) for name, family in sorted({**kept, **now}.items())]
    head = DOCUMENT.read_text().split("|---|---|---|---|\n")[0]
    DOCUMENT.write_text(head + "|---|---|---|---|\n" + "\n".join(lines) + "\n")


def test_the_document_names_what_is_served_and_nothing_else(watched, profile):
    now = served(watched)
    if os.environ.get("PARLEY_WRITE_METRICS"):
        write_document(now, profile)
    known = documented()
    how = "(PARLEY_WRITE_METRICS=1 writes metrics.md anew, see this file's first lines)"
    assert set(now) == of_this_profile(known, profile), how
    assert {name: family[:2] for name, family in now.items()} == {name: known[name][:2] for name in now}, how
    for name, (_, _, labels) in now.items():
        assert labels <= known[name][2], f"{name} {how}"


def test_the_numbers_are_those_of_the_traffic(watched):
    assert watched.metric("parley_ready") == 1
    assert watched.metric("parley_broker_messages_total") == 1
    assert watched.metric("parley_broker_deliveries_total") == 1  # to the one who is subscribed
    assert watched.metric("parley_broker_refusals_total", code="not_allowed") == 1
    assert watched.metric("parley_busy_room_messages", room="lobby") >= 1
    assert watched.metric("parley_certificate_end_time_seconds", file=str(watched.folder / "none.crt")) == 0
    assert watched.metric("parley_store_seconds_count", operation="messages.store") >= 1
    assert watched.metric("parley_queue_capacity", queue="feed") == 256
    assert abs(watched.metric("parley_broker_clock_skew_seconds")) < 60  # one machine, one clock


@pytest.mark.profile("embedded")
def test_rooms_are_not_named_unless_asked_for(make_server):
    server = make_server().start()
    server.add_room("secret-plans")
    wait_until(server.all_stored, "all is stored")
    assert "secret-plans" not in server.http("/metrics")[1]


@pytest.mark.profile("embedded")
def test_age_and_depth_of_what_is_not_stored(make_server):
    """While nothing is stored the journal grows older; parleyd is attached, but its database is locked."""
    server = make_server().start()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    wait_until(server.all_stored, "all is stored")
    lock = sqlite3.connect(server.folder / "backend" / "parley.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    with server.client("alice") as alice:
        assert alice.send("lobby", {"text": "kept"}) < 0x80
    wait_until(lambda: (server.metric("parley_broker_journal_age_seconds") or 0) > 1, "the journal grows older")
    assert server.metric("parley_broker_journal_backlog_bytes") > 0
    lock.execute("ROLLBACK")
    lock.close()
    wait_until(lambda: server.metric("parley_broker_journal_age_seconds") == 0, "all is stored again")
    assert server.metric("parley_broker_journal_backlog_bytes") == 0


# --- alarms, dashboard ---


@pytest.mark.profile("embedded")
def test_each_alarm_is_raised_and_not_raised_as_promtool_shows():
    code, said = promtool("test", "rules", ALERTS_TEST.name, cwd=ALERTS_TEST.parent)
    assert code == 0, said
    cases = [case["name"] for case in yaml.safe_load(ALERTS_TEST.read_text())["tests"]]
    for alert in alerts():
        for how in ("is raised", "is not raised"):
            assert f"{alert['alert']} {how}" in cases, f"alerts_test.yml lacks: {alert['alert']} {how}"


@pytest.mark.profile("embedded")
def test_each_alarm_says_what_is_wrong_and_what_to_do():
    for alert in alerts():
        assert alert["labels"]["severity"] in ("critical", "warning"), alert["alert"]
        assert alert["annotations"]["summary"] and alert["annotations"]["description"].endswith("."), alert["alert"]
    assert len({alert["alert"] for alert in alerts()}) == len(alerts())


def test_alarms_and_dashboard_ask_for_metrics_that_are_served(watched, profile):
    known = set(documented())
    asked = {name: expression for expression in [alert["expr"] for alert in alerts()] + dashboard_expressions() for name in prometheus.names_in(expression)}
    assert len(asked) > 30, "the names are not found in the expressions any more"
    for name in of_this_profile(asked, profile):
        assert name in served(watched), f"{name} is not served: {asked[name]}"
    assert set(asked) <= known


@pytest.mark.profile("embedded")
def test_the_dashboard_is_sound():
    panels = dashboard_panels()
    numbers = [panel["id"] for panel in panels]
    assert len(numbers) == len(set(numbers))
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24, panel["title"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, f"{panel['title']} lies over another panel"
        taken |= cells
        assert panel["type"] == "row" or panel["targets"], panel["title"]
        refs = [target["refId"] for target in panel.get("targets", [])]
        assert len(refs) == len(set(refs)), panel["title"]
        for target in panel.get("targets", []):
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}, panel["title"]
    titles = [panel["title"] for panel in panels]
    assert len(titles) == len(set(titles))
    for file in (prometheus.DASHBOARD.parents[1] / "provisioning").rglob("*.yml"):
        assert yaml.safe_load(file.read_text())["apiVersion"] == 1


@pytest.mark.profile("embedded")
def test_a_prometheus_reads_parleyd_and_understands_every_question(watched, tmp_path):
    server = Prometheus(tmp_path / "prometheus", f"127.0.0.1:{watched.http_port}")
    try:
        assert server.wait_for('parley_ready{job="parleyd"} == 1')
        assert server.wait_for("parley_broker_messages_total > 0")
        for expression in dashboard_expressions():
            answer = server.ask("query", query=expression.replace("$__rate_interval", "1m"))
            assert answer and answer["status"] == "success", f"{expression}: {answer}"
        rules = lambda: [rule for group in server.ask("rules")["data"]["groups"] for rule in group["rules"]]
        wait_until(lambda: all(rule["health"] == "ok" for rule in rules()), "all alarms are evaluated", log=server.process)
        # Of a server in good health only the certificate that is not there can be complained of; the first look may have been before the first scrape.
        state = lambda name: next(rule["state"] for rule in rules() if rule["name"] == name)
        for name in ("ParleyNotReady", "ParleydDown", "ParleyBrokerAway", "ParleyBreakerOpen", "ParleyQueueNearlyFull"):
            wait_until(lambda: state(name) == "inactive", f"{name} is not raised", log=server.process)
        wait_until(lambda: state("ParleyCertificateEnding") == "pending", "the certificate is complained of", log=server.process)
    finally:
        server.stop()
