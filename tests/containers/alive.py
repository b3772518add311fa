"""That everything starts, and that its health check knows when it does not work."""
import json
import os
import signal

from stack import wait_until


def start(stack):
    """In the order README tells: secrets (there by now), the first administrator, everything."""
    stack.up("postgres")
    stack.wait_healthy("postgres")
    stack.make_admin()
    stack.up(*stack.services)
    for service in stack.services:
        stack.wait_healthy(service)
    stack.wait_ready()


def administrator_logs_in(stack):
    status = json.loads(stack.ctl("--json", "status").stdout)
    assert status, status


def frozen_is_unhealthy(stack):
    """Stopped by SIGSTOP: the port still takes connections, and nobody answers."""
    for service in ("broker", "parleyd"):
        pid = stack.pid(service)
        os.kill(pid, signal.SIGSTOP)
        try:
            assert not stack.healthy(service), f"{service} passes for healthy while it hangs"
        finally:
            os.kill(pid, signal.SIGCONT)
        wait_until(lambda service=service: stack.healthy(service), f"{service} is healthy again")
    stack.wait_ready()


def health_is_quiet(stack):
    """A check every half a minute for years: it must not fill the log."""
    before = len(stack.logs("broker").splitlines())
    for _ in range(10):
        assert stack.healthy("broker")
    new = stack.logs("broker").splitlines()[before:]
    assert len(new) < 10, new


def prometheus_scrapes(stack):
    def targets():
        said = stack.execute("prometheus", "wget", "-qO-", "http://127.0.0.1:9090/api/v1/targets").stdout
        active = json.loads(said)["data"]["activeTargets"]
        return active and all(target["health"] == "up" for target in active)
    wait_until(targets, "Prometheus has scraped all its targets", 120)
    said = stack.execute("prometheus", "wget", "-qO-", "http://127.0.0.1:9090/api/v1/rules").stdout
    rules = [rule for group in json.loads(said)["data"]["groups"] for rule in group["rules"]]
    assert rules, "no alert rules are loaded"
    return f"{len(rules)} alert rules"


CHECKS = (
    ("parleyctl in parleyd's container logs in as administrator", administrator_logs_in),
    ("a broker or parleyd that hangs is unhealthy, and healthy again afterwards", frozen_is_unhealthy),
    ("the broker's health check writes no line to its log", health_is_quiet),
    ("Prometheus scrapes parleyd and has the alert rules", prometheus_scrapes),
)
