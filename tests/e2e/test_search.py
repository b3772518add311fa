"""Full text over what the asker may read."""
import json
import secrets

import pytest
from harness import have_node, wait_until
from wsclient import WsClient


@pytest.fixture
def word():
    return f"w{secrets.token_hex(6)}"


def find(chat, user, query, **params):
    return chat.request(user, "search", query=query, **params)["result"]


def texts(page):
    return [m["content"].get("text") for m in page["messages"]]


def found(chat, user, expected, query, **params):
    """The index follows within moments. What was said in one millisecond in several rooms comes in any order."""
    wait_until(lambda: sorted(texts(find(chat, user, query, **params))) == sorted(expected), f"{user} finds {expected} by {query}")


def test_one_finds_what_one_may_read_and_nothing_else(chat, word):
    with chat.client("alice") as alice:
        for room, text in (("lobby", f"{word} one"), ("den", f"{word} private"), ("lobby", f"{word} Größe")):
            assert alice.send(room, text) < 0x80
    found(chat, "alice", [f"{word} Größe", f"{word} private", f"{word} one"], word)
    found(chat, "bob", [f"{word} Größe", f"{word} one"], word)
    assert texts(find(chat, "bob", f"{word} GROSSE")) == [f"{word} Größe"]
    assert texts(find(chat, "alice", word, room="den")) == [f"{word} private"]
    assert texts(find(chat, "alice", word, **{"from": "bob"})) == []
    assert texts(find(chat, "eve", word)) == []
    assert chat.request("eve", "search", query=word, room="lobby")["error"]["code"] == "not_a_member"
    assert texts(find(chat, "admin", word, room="den")) == [f"{word} private"]


def test_who_was_removed_finds_nothing_more(chat, word):
    chat.add_room(f"s-{word}", alice="member", bob="member")
    with chat.client("alice") as alice:
        assert alice.send(f"s-{word}", word) < 0x80
    found(chat, "bob", [word], word)
    chat.ctl("member", "remove", f"s-{word}", "bob")
    assert texts(find(chat, "bob", word)) == []


def test_edits_and_deletions_are_followed(chat, word):
    with chat.client("alice") as alice:
        alice.subscribe("rooms/lobby/messages")
        assert alice.send("lobby", f"{word} first") < 0x80
        seq = alice.wait_text(f"{word} first")["seq"]
        found(chat, "bob", [f"{word} first"], word)
        assert alice.send("lobby", {"type": "edit", "target": seq, "text": f"{word} second"}) < 0x80
        found(chat, "bob", [f"{word} second"], f"{word} second")
        assert texts(find(chat, "bob", f"{word} first")) == []
        assert alice.send("lobby", {"type": "delete", "target": seq}) < 0x80
        wait_until(chat.all_stored, "all is stored")
        assert texts(find(chat, "bob", word)) == []


def test_pages_lead_to_the_first_message(chat, word):
    with chat.client("alice") as alice:
        for i in range(25):
            assert alice.send("lobby", f"{word} {i}") < 0x80
    wait_until(lambda: len(find(chat, "bob", word, limit=100)["messages"]) == 25, "all are found")
    seen, page = [], find(chat, "bob", word, limit=10)
    while True:
        seen += texts(page)
        if not page["more"]:
            break
        page = find(chat, "bob", word, limit=10, next=page["next"])
    assert seen == [f"{word} {i}" for i in reversed(range(25))]


@pytest.mark.parametrize("params", [{}, {"query": ""}, {"query": "***"}, {"query": "x", "limit": 101}, {"query": "x", "next": "y"},
                                    {"query": 7}, {"query": "x" * 2000}])
def test_wrong_parameters_are_named(chat, params):
    assert chat.request("bob", "search", **params)["error"]["code"] == "invalid_argument"


def test_mqtt_js_and_parleyctl_search_too(chat, word):
    assert have_node(), "MQTT.js is not installed: tools/test does it (npm ci in tests/e2e)"
    with chat.client("alice") as alice:
        assert alice.send("lobby", f"東京 {word}") < 0x80
    found(chat, "bob", [f"東京 {word}"], f"{word} 東京")
    web = WsClient(chat, "bob", "bob-search-web")
    try:
        web.wait_event("connected")
        web.command(subscribe="users/bob/replies")
        web.wait_event("suback")
        web.command(publish="users/bob/requests/search", payload=json.dumps({"id": word, "query": word}), qos=1)
        reply = json.loads(web.wait(lambda e: e["event"] == "message" and e["topic"] == "users/bob/replies", "reply")["payload"])
        assert texts(reply["result"]) == [f"東京 {word}"]
    finally:
        web.close()
    assert texts({"messages": chat.ctl("search", word, "--room", "lobby")[1]}) == [f"東京 {word}"]
