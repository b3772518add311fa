"""Traces: a traceparent comes in with a PUBLISH, and spans of the message's way go to an OpenTelemetry collector."""
import http.server
import json
import threading

import pytest
from harness import wait_until
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Collector:
    """Stands in for a collector that takes OTLP over HTTP."""

    def __init__(self):
        self.spans, self.bad = [], []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path != "/v1/traces" or self.headers["Content-Type"] != "application/json":
                    collector.bad.append((self.path, dict(self.headers)))
                for resource in json.loads(body)["resourceSpans"]:
                    names = {a["key"]: a["value"]["stringValue"] for a in resource["resource"]["attributes"]}
                    assert names["service.name"] == "parley"
                    for scope in resource["scopeSpans"]:
                        collector.spans.extend(scope["spans"])
                self.send_response(200)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, trace):
        return {span["name"]: span for span in self.spans if span["traceId"] == trace}

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def collector():
    collector = Collector()
    yield collector
    collector.close()


def send_traced(client, text, traceparent):
    properties = Properties(PacketTypes.PUBLISH)
    properties.UserProperty = ("traceparent", traceparent)
    client.mqtt.publish("rooms/lobby/send", json.dumps({"text": text}), qos=1, properties=properties).wait_for_publish(60)


def attributes(span):
    return {a["key"]: next(iter(a["value"].values())) for a in span.get("attributes", [])}


def test_one_message_from_publish_to_notification(make_server, collector):
    server = make_server(plugin_opts={"trace_rate": 100},
                         backend_opts={"tracing.otlp_url": collector.url, "notify.stdout": "yes", "notify.delay_s": 0}).start()
    for user in ("alice", "bob"):
        server.add_user(user)
    server.add_room("lobby", alice="member", bob="member")
    with server.client("alice") as alice:
        alice.subscribe("rooms/lobby/messages")
        send_traced(alice, "follow me", f"00-{TRACE}-{PARENT}-01")
        envelope = alice.wait_text("follow me", "lobby")
        spans = wait_until(lambda: (s := collector.of(TRACE)) and len(s) >= 3 and s, "three spans", log=server.backend)
        publish, store, notify = spans["publish lobby"], spans["store"], spans["notify stdout"]
        assert publish["parentSpanId"] == PARENT
        assert store["parentSpanId"] == notify["parentSpanId"] == publish["spanId"]
        assert attributes(publish)["messaging.message.id"] == attributes(store)["messaging.message.id"] == envelope["id"]
        assert int(attributes(publish)["parley.seq"]) == envelope["seq"]
        for span in spans.values():
            assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        # Neither what the client does not sample nor what no standard knows, nor what has no traceparent at all, is traced.
        for wrong in (f"00-{'c' * 32}-{PARENT}-00", f"00-{'C' * 32}-{PARENT}-01", "nonsense"):
            send_traced(alice, "not me", wrong)
        alice.send("lobby", "nor me")
        send_traced(alice, "me again", f"00-{'d' * 32}-{PARENT}-01")
        wait_until(lambda: "store" in collector.of("d" * 32), "the last one")
        assert {span["traceId"] for span in collector.spans} == {TRACE, "d" * 32}
    assert not collector.bad


@pytest.mark.profile("embedded")
def test_messages_are_sampled_where_no_client_traces(make_server, collector):
    server = make_server(plugin_opts={"trace_rate": 5, "trace_sample": 1}, backend_opts={"tracing.otlp_url": collector.url}).start()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    with server.client("alice", v=4) as alice:
        for i in range(50):
            assert alice.send("lobby", f"m{i}") is not None
    wait_until(lambda: len([s for s in collector.spans if s["name"] == "store"]) >= 5, "as many as the rate lets through", log=server.backend)
    roots = [span for span in collector.spans if span["name"] == "publish lobby"]
    assert all("parentSpanId" not in span for span in roots)
    assert len({span["traceId"] for span in roots}) == len(roots) < 50


@pytest.mark.profile("embedded")
def test_without_a_collector_chat_goes_on(make_server):
    server = make_server(plugin_opts={"trace_rate": 100, "trace_sample": 1}, backend_opts={"tracing.otlp_url": "http://127.0.0.1:1"}).start()
    server.add_user("alice")
    server.add_room("lobby", alice="member")
    with server.client("alice") as alice:
        assert all(alice.send("lobby", f"m{i}") < 0x80 for i in range(20))
    wait_until(lambda: (server.metric("parley_trace_spans_total", outcome="failed") or 0) > 0, "spans are lost, and counted")
    assert len([e for e in server.history("lobby") if e["type"] == "text"]) == 20
