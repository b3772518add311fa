"""Providers of notifications against servers that speak the real protocols over TLS and misbehave on command (standins/).

Here the providers run without a parleyd around them (standins/deliver.cc), so that each answer is seen as the Delivery it becomes.
"""
import itertools
import json
import queue
import subprocess
import threading
import time
from email.utils import formatdate

import pytest

from harness import BUILD, WAIT_S, free_ports
from standins import Apns, Certificates, Fcm, Smtp, WebPush, Webhook

TIMEOUT_MS, IMPATIENT_MS = 30_000, 1_000  # the second where an answer is not to come
ids = (f"01JD8Z6V5T3Y0N7QF4R2W9{n:04d}" for n in itertools.count())


def notification(**more):
    now_ms = int(time.time() * 1000)
    return {"id": next(ids), "collapse": "00112233445566778899aabbccddeeff", "user": "ada", "room": "lab", "room_title": "The lab",
            "from": "bob", "text": "hi @ada, 🦊", "type": "text", "seq": 17, "mention": True, "count": 2, "badge": 5, "at": now_ms,
            "expires": now_ms + 3_600_000, **more}


class Deliver:
    """The providers, in a process of their own."""

    def __init__(self, settings):
        words = [f"{key}={json.dumps(value) if isinstance(value, str) else value}" for key, value in settings.items()]
        self.popen = subprocess.Popen([BUILD / "tests" / "notify_deliver", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.numbers = itertools.count()
        self.answers = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stdout:
            self.answers.put(json.loads(line))

    def begin(self, provider, told, **to):
        self.popen.stdin.write(json.dumps({"provider": provider, "to": to, "notification": told}) + "\n")
        self.popen.stdin.flush()
        return next(self.numbers)

    def ends(self, count=1):
        """The next `count` deliveries, by their numbers."""
        return {answer["line"]: answer for answer in (self.answers.get(timeout=WAIT_S) for _ in range(count))}

    def send(self, provider, told=None, **to):
        number = self.begin(provider, told or notification(), **to)
        return self.ends()[number]

    def close(self):
        """Ends it with its input; what was still under way."""
        self.popen.stdin.close()
        assert self.popen.wait(WAIT_S) == 0
        self.reader.join(WAIT_S)
        left = []
        while not self.answers.empty():
            left.append(self.answers.get())
        return left


class Ways:
    """A stand-in, how to address a target of it, and providers that know it."""

    def __init__(self, kind, folder):
        self.certificates = Certificates(folder)
        self.standin = kind(folder, self.certificates)
        self.provider = {"smtp": "email"}.get(kind.name, kind.name)
        self.deliver = None
        self.more = {}

    def start(self, **more):
        self.standin.start()
        self.more = more
        self.renew()
        return self

    def renew(self, timeout_ms=TIMEOUT_MS):
        """Providers without open connections or tokens."""
        if self.deliver:
            self.deliver.close()
        self.deliver = Deliver({"notify.ca_file": str(self.certificates.ca_file), "notify.timeout_ms": timeout_ms, **self.standin.settings(),
                                **self.more})

    def target(self):
        """(what the stand-in calls it, the registration)"""
        if self.provider == "webpush":
            browser = self.standin.subscribe()
            keys = json.dumps({"p256dh": browser["p256dh"], "auth": browser["auth"]})
            return browser["name"], {"address": browser["endpoint"], "keys": keys}
        if self.provider == "email":
            return "ada@example.net", {"id": "registration1", "address": "ada@example.net"}
        if self.provider == "webhook":
            return "ada", {"user": "ada"}
        device = self.standin.device()
        return device, {"address": device}

    def send(self, told=None, **more):
        target, to = self.target()
        told = told or notification()
        return target, told, self.deliver.send(self.provider, told, **{**to, **more})

    def stop(self):
        if self.deliver:
            self.deliver.close()
        self.standin.stop()


KINDS = [Apns, Fcm, WebPush, Webhook, Smtp]


@pytest.fixture(scope="module")
def all_ways(tmp_path_factory):
    ways = {}
    try:
        for kind in KINDS:
            ways[kind.name] = Ways(kind, tmp_path_factory.mktemp(kind.name)).start()
        yield ways
    finally:
        for way in ways.values():
            way.stop()


@pytest.fixture
def ways(all_ways):
    for way in all_ways.values():
        way.standin.behave()
        way.standin.certificate("good")
    yield all_ways
    for way in all_ways.values():
        way.standin.behave()
        assert way.standin.violations() == []


@pytest.fixture(params=[kind.name for kind in KINDS])
def way(request, ways):
    return ways[request.param]


def what(answer):
    return answer["what"], answer["reason"]


# --- what arrives ---


def test_a_notification_arrives_whole_and_keeps_the_protocol(way):
    target, told, answer = way.send()
    assert what(answer) == ("sent", "")
    got, = way.standin.received(target)[-1:]
    assert got["id"] == told["id"]
    if way.provider != "email":
        assert got["collapse"] == told["collapse"]
        assert "🦊" in json.dumps(got["payload"], ensure_ascii=False)


def test_apns_is_spoken_to_by_http2_with_apples_headers(ways):
    target, told, _ = ways["apns"].send()
    got, = ways["apns"].standin.received(target)
    assert (got["alpn"], got["push_type"], got["priority"]) == ("h2", "alert", "10")
    assert got["expiration"] == told["expires"] // 1000
    assert got["payload"]["aps"]["alert"] == {"title": "The lab", "body": "bob: hi @ada, 🦊"}
    assert got["payload"]["aps"]["badge"] == 5
    target, _, _ = ways["apns"].send(notification(kind="withdrawn"))
    got, = ways["apns"].standin.received(target)
    assert (got["push_type"], got["priority"], got["payload"]["aps"]["content-available"]) == ("background", "5", 1)
    assert got["tokens"] == 1, "one provider token for all"


def test_fcm_gets_its_access_token_once_for_many(ways):
    way = ways["fcm"]
    way.renew()
    before = way.standin.granted()
    device = way.standin.device()
    sent = [way.deliver.begin("fcm", notification(), address=device) for _ in range(20)]
    answers = way.deliver.ends(20)
    assert {answers[n]["what"] for n in sent} == {"sent"}
    assert way.standin.granted() == before + 1


def test_fcm_gets_another_access_token_when_one_is_good_no_more(ways):
    way = ways["fcm"]
    assert what(way.send()[2]) == ("sent", "")
    granted = way.standin.granted()
    way.standin.forget_tokens()
    assert what(way.send()[2]) == ("sent", "")
    assert way.standin.granted() == granted + 1


def test_fcm_without_an_access_token_says_why(ways):
    way = ways["fcm"]
    for rule, expected in [({"status": 400, "body": {"error": "invalid_grant"}}, "misconfigured"), ({"status": 503}, "retry"),
                           ({"status": 200, "body": "garbage"}, "retry"), ({"how": "hang"}, "retry")]:
        way.renew(IMPATIENT_MS if rule.get("how") == "hang" else TIMEOUT_MS)
        way.standin.misbehave(target="@token", **rule)
        assert way.send()[2]["what"] == expected, rule
    way.renew()


def test_a_browser_reads_what_only_it_can_read(ways):
    target, told, _ = ways["webpush"].send()
    got, = ways["webpush"].standin.received(target)
    assert got["payload"]["text"] == "hi @ada, 🦊" and got["payload"]["room"] == "lab"
    assert got["urgency"] == "high" and 3500 < got["ttl"] <= 3600
    assert got["collapse"] == told["collapse"]


def test_a_long_text_is_cut_so_that_it_fits(way):
    _, _, answer = way.send(notification(text="🦊\u0001" * 300))
    assert what(answer) == ("sent", "")


def test_a_digest_is_a_mail_one_can_unsubscribe_from_with_one_click(ways):
    way = ways["smtp"]
    told = notification(kind="digest", text="", lines=[{"room": "Küche\r\nBcc: eve@evil.org", "from": "bob", "text": "soup?", "count": 3}])
    target, _, answer = way.send(told)
    assert what(answer) == ("sent", "")
    got = way.standin.received(target)[-1]
    headers = got["payload"]["headers"]
    assert got["tls"] and got["login"] and got["sender"] == "chat@example.org" and got["payload"]["defects"] == []
    assert headers["message-id"] == f"<{told['id']}@example.org>" and headers["from"] == "Parley <chat@example.org>"
    assert "Küche" in headers["subject"] and "bcc" not in headers
    assert headers["list-unsubscribe"].startswith("<https://chat.example.org/notify/unsubscribe?t=")
    assert headers["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert "bob: soup?" in got["payload"]["text"] and "bob: soup?" in got["payload"]["html"]


# --- what becomes of answers ---


HTTP_ANSWERS = {
    "apns": [({"status": 410, "body": {"reason": "Unregistered", "timestamp": 1}}, "target_dead"),
             ({"status": 400, "body": {"reason": "BadDeviceToken"}}, "target_dead"),
             ({"status": 429, "body": {"reason": "TooManyRequests"}}, "retry"), ({"status": 500}, "retry"), ({"status": 503}, "retry"),
             ({"status": 403, "body": {"reason": "InvalidProviderToken"}}, "misconfigured"),
             ({"status": 413, "body": {"reason": "PayloadTooLarge"}}, "refused")],
    "fcm": [({"status": 404, "body": {"error": {"details": [{"errorCode": "UNREGISTERED"}]}}}, "target_dead"), ({"status": 404}, "misconfigured"),
            ({"status": 429}, "retry"), ({"status": 500}, "retry"), ({"status": 200, "body": "<html>"}, "retry"),
            ({"status": 403}, "misconfigured"), ({"status": 401}, "misconfigured"), ({"status": 400}, "refused")],
    "webpush": [({"status": 404}, "target_dead"), ({"status": 410}, "target_dead"), ({"status": 413}, "refused"), ({"status": 403}, "refused"),
                ({"status": 429}, "retry"), ({"status": 500}, "retry"), ({"status": 307, "headers": {"location": "/"}}, "refused")],
    "webhook": [({"status": 410}, "refused"), ({"status": 401}, "misconfigured"), ({"status": 429}, "retry"), ({"status": 500}, "retry"),
                ({"status": 302, "headers": {"location": "/"}}, "refused")],
    "smtp": [({"at": "RCPT", "answer": "550 5.1.1 nobody"}, "target_dead"), ({"at": "RCPT", "answer": "450 4.2.1 busy"}, "retry"),
             ({"at": "DATA", "answer": "554 5.7.1 spam"}, "refused"), ({"at": "DATA", "answer": "451 4.3.0 later"}, "retry"),
             ({"at": "MAIL", "answer": "550 5.7.1 not you"}, "misconfigured")],
}


def test_answers_become_what_they_mean(way):
    for rule, expected in HTTP_ANSWERS[way.standin.name]:
        name, to = way.target()
        target = {"target": name} if way.provider == "fcm" else {}  # not FCM's token endpoint
        way.standin.misbehave(times=2 if rule.get("status") == 401 else 1, **target, **rule)
        assert way.deliver.send(way.provider, notification(), **to)["what"] == expected, rule


def test_a_login_that_is_refused_is_misconfigured(ways):
    way = ways["smtp"]
    way.renew()
    way.standin.misbehave(at="AUTH", answer="535 5.7.8 no")
    assert what(way.send()[2]) == ("misconfigured", "SMTP 535")
    way.renew()
    way.standin.misbehave(at="AUTH", answer="454 4.7.0 later")
    assert what(way.send()[2]) == ("retry", "SMTP 454")


@pytest.mark.parametrize("name", ["apns", "fcm", "webpush", "webhook"])
def test_retry_after_is_heard_as_seconds_and_as_a_date(ways, name):
    way = ways[name]
    way.send()
    way.standin.misbehave(status=429, headers={"retry-after": "7"}, times=1)
    assert way.send()[2]["after_ms"] == 7_000
    way.standin.misbehave(status=503, headers={"Retry-After": formatdate(time.time() + 90, usegmt=True)}, times=1)
    answer = way.send()[2]
    assert answer["what"] == "retry" and 0 < answer["after_ms"] <= 90_000


# --- what becomes of no answer ---


@pytest.mark.parametrize("how", ["hang", "reset", "garbage"])
def test_without_an_answer_it_is_tried_again(way, how):
    if how == "hang":
        way.renew(IMPATIENT_MS)
    else:
        way.send()
    way.standin.misbehave(how=how)
    target, told, answer = way.send()
    assert answer["what"] == "retry" and answer["reason"]
    assert target not in answer["reason"] and str(way.standin.port) not in answer["reason"]
    way.standin.behave()
    if how == "hang":
        way.renew()
    assert what(way.send(told)[2]) == ("sent", "")


@pytest.mark.parametrize("name", [kind.name for kind in KINDS])
def test_what_hung_once_is_not_used_again(ways, name):
    way = ways[name]
    way.renew(3 * IMPATIENT_MS)
    way.send()
    target, to = way.target()
    way.standin.misbehave(how="hang", times=1)
    answers = [way.deliver.send(way.provider, notification(), **to)["what"] for _ in range(4)]
    way.renew()
    assert answers[0] == "retry" and answers[-1] == "sent"


def test_an_answer_that_was_lost_leads_to_the_same_id_again(way):
    way.send()
    before = len(way.standin.received())
    way.standin.misbehave(how="lost", times=1)
    target, to = way.target()
    told = notification()
    for _ in range(3):  # over a broken connection libcurl tries once more by itself
        if way.deliver.send(way.provider, told, **to)["what"] == "sent":
            break
    got = way.standin.received()[before:]
    assert len(got) == 2 and {line["id"] for line in got} == {told["id"]} and len({line["collapse"] for line in got}) == 1


@pytest.mark.parametrize("name", ["apns", "fcm", "webhook", "smtp"])  # not webpush: its browsers go with it
def test_a_server_that_is_away_is_tried_again_and_found_when_it_is_back(ways, name):
    way = ways[name]
    way.send()
    way.standin.stop()
    answer = way.send()[2]
    way.standin.start()
    assert answer["what"] == "retry"
    assert what(way.send()[2]) == ("sent", "")


def test_a_certificate_of_nobody_we_know_is_not_believed(way):
    way.send()
    way.standin.certificate("wrong")
    way.renew()
    before = len(way.standin.attempts())
    answer = way.send()[2]
    assert answer["what"] == ("retry" if way.provider == "webpush" else "misconfigured"), answer
    assert len(way.standin.attempts()) == before, "nothing was told to it"
    way.standin.certificate("good")
    assert what(way.send()[2]) == ("sent", "")


def test_the_systems_authorities_are_not_believed_beside_ours_nor_ours_beside_them(ways):
    way = ways["webhook"]
    own = Deliver({"notify.timeout_ms": TIMEOUT_MS, **way.standin.settings()})  # no notify.ca_file: the system's
    assert own.send("webhook", user="ada")["what"] == "misconfigured"
    own.close()


def test_one_that_hangs_delays_no_other_and_ends_in_time(ways):
    slow, quick = ways["apns"], ways["webhook"]
    slow.send()
    both = Deliver({"notify.ca_file": str(slow.certificates.ca_file), "notify.timeout_ms": 5 * IMPATIENT_MS, **slow.standin.settings()})
    slow.standin.misbehave(how="hang")
    hung = [both.begin("apns", notification(), address=slow.standin.device()) for _ in range(5)]
    assert what(quick.send()[2]) == ("sent", "")
    answers = both.ends(5)
    assert {answers[n]["what"] for n in hung} == {"retry"}
    both.close()


def test_what_is_under_way_ends_when_the_providers_stop(way):
    way.send()
    way.standin.misbehave(how="hang")
    target, to = way.target()
    started = [way.deliver.begin(way.provider, notification(), **to) for _ in range(3)]
    left = way.deliver.close()
    way.deliver = None
    way.renew()
    assert sorted(answer["line"] for answer in left) == started
    assert {answer["what"] for answer in left} == {"retry"}


def test_thousands_over_http2_arrive_once_each(ways):
    way, count, at_once = ways["apns"], 2_500, 40  # Node, as others, breaks a connection on which a thousand streams were reset
    device = way.standin.device()
    told = [notification() for _ in range(count)]
    for n, each in enumerate(told):
        way.deliver.begin("apns", each, address=device)
        if n >= at_once:
            assert [answer["what"] for answer in way.deliver.ends().values()] == ["sent"]
    way.deliver.ends(at_once)
    assert sorted(line["id"] for line in way.standin.received(device)) == sorted(each["id"] for each in told)


def test_a_mail_that_hangs_holds_up_no_other(ways):
    way = ways["smtp"]
    way.send()
    way.standin.misbehave(how="hang", target="slow@example.net")
    slow = way.deliver.begin("email", notification(), address="slow@example.net")
    for _ in range(5):
        quick = way.deliver.begin("email", notification(), address="quick@example.net")
        (number, answer), = way.deliver.ends().items()
        assert (number, answer["what"]) == (quick, "sent")
    left, = way.deliver.close()
    way.deliver = None
    way.renew()
    assert (left["line"], left["what"]) == (slow, "retry")


# --- what is not reached for ---


def test_an_endpoint_at_a_private_address_is_refused_unless_allowed(ways):
    way = ways["webpush"]
    strict = Deliver({"notify.ca_file": str(way.certificates.ca_file), "notify.timeout_ms": TIMEOUT_MS, **way.standin.settings(),
                      "webpush.allow_private": "no"})
    browser = way.standin.subscribe()
    keys = json.dumps({"p256dh": browser["p256dh"], "auth": browser["auth"]})
    before = len(way.standin.attempts())
    port = way.standin.port
    for host in ("127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1"):
        answer = strict.send("webpush", address=f"https://{host}:{port}/push/{browser['name']}", keys=keys)
        assert what(answer) == ("refused", "The address is not one of the Internet"), host
    assert len(way.standin.attempts()) == before
    for address in (f"http://127.0.0.1:{port}/x", "file:///etc/passwd", "https://u:p@127.0.0.1/", "gopher://127.0.0.1/"):
        assert strict.send("webpush", address=address, keys=keys)["what"] == "target_dead", address
    strict.close()


def test_apns_without_http2_is_misconfigured(ways, tmp_path):
    webhook = ways["webhook"]  # speaks HTTP/1.1 alone
    settings = {**ways["apns"].standin.settings(), "apns.url": webhook.standin.url}
    http1 = Deliver({"notify.ca_file": str(webhook.certificates.ca_file), "notify.timeout_ms": TIMEOUT_MS, **settings})
    assert what(http1.send("apns", address="ab" * 32)) == ("misconfigured", "The server does not speak HTTP/2")
    http1.close()
    webhook.standin.forget()  # it did not like what it was told


def test_a_port_nobody_listens_on_is_tried_again(ways):
    port, = free_ports(1)
    webhook = ways["webhook"].standin
    nobody = Deliver({**webhook.settings(), "webhook.url": f"http://127.0.0.1:{port}/", "notify.timeout_ms": TIMEOUT_MS})
    assert nobody.send("webhook", user="ada")["what"] == "retry"
    nobody.close()
