"""The real log of a busy channel as a conversation of today: every nick an account, joins and parts as membership, every line published by its
speaker, who has read what came before. Then everybody's counters, and what the room is, against the log.

PARLEY_REPLAY_LOGS says how many of the logs (1); each is a room. Figures are printed."""
import collections
import json
import os
import pathlib
import re
import time

import pytest
from counters import check_counters, members_of, recount
from harness import ROOT, wait_until

LOGS = ROOT.parent / "shared" / "data" / "irc"
LINE = re.compile(r"^\[\d\d:\d\d\] (?:<([^>]+)> ?(.*)| \* (\S+) ?(.*))$")
MOVE = re.compile(r"^=== (\S+) .*has (joined|left) #")
ADDRESSED = re.compile(r"^([^\s:,]+)[:,]\s")
CONNECTED_MAX = 60  # clients at once: whoever spoke longest ago is disconnected

pytestmark = pytest.mark.skipif(not LOGS.is_dir(), reason="the real IRC logs are not beside this checkout")


class Findings(list):
    def add(self, kind, sentence):
        self.append(f"{kind}: {sentence}")


class Replay:
    def __init__(self, server):
        self.server, self.admin = server, server.client("admin")
        self.names, self.clients, self.counts = {}, collections.OrderedDict(), collections.Counter()

    def name(self, nick):
        """The account of a nick: its own letters where they are legal, and nobody else's."""
        key = nick.lower()
        if key not in self.names:
            name = re.sub(r"[^A-Za-z0-9._@-]", "-", nick)[:50].encode("ascii", "replace").decode()
            name = name if name[0].isalnum() else "n" + name
            taken = {n.lower() for n in self.names.values()} | {"admin"}
            while name.lower() in taken:
                name += "-"
                name = name if len(name) < 60 else f"{name[:40]}.{len(taken)}"
            self.names[key] = name
            self.admin.ok("user.create", user=name)
            self.server.passwords[name] = self.admin.ok("token.create", user=name)["token"]
        return self.names[key]

    def client(self, name):
        if name not in self.clients:
            if len(self.clients) >= CONNECTED_MAX:
                self.clients.popitem(last=False)[1].close()
            self.clients[name] = self.server.client(name, v=4 + len(self.clients) % 2)
        self.clients.move_to_end(name)
        return self.clients[name]

    def close(self):
        for client in [*self.clients.values(), self.admin]:
            client.close()

    def file(self, room, path):
        """What of the log is to be in the room: [(user, text)], and who is in it at the end."""
        self.admin.ok("room.create", room=room, public=True)
        said, inside, read, last = [], set(), {}, 1
        for line in path.read_text(errors="replace").split("\n"):
            line = line.replace("\0", "")
            if moved := MOVE.match(line):
                name = self.name(moved[1])
                joins = moved[2] == "joined"
                if joins != (name in inside):
                    self.client(name).ok("room.join" if joins else "room.leave", room=room)
                    last += 1
                    self.counts["joins" if joins else "parts"] += 1
                    (inside.add if joins else inside.discard)(name)
                    read.pop(name, None)
                continue
            spoken = LINE.match(line)
            text = (spoken[2] if spoken[1] else spoken[4]) if spoken else ""
            if not text.strip():
                continue
            name = self.name(spoken[1] or spoken[3])
            if name not in inside:  # was there before the log begins
                self.client(name).ok("room.join", room=room)
                last += 1
                inside.add(name)
                self.counts["there before"] += 1
            if (to := ADDRESSED.match(text)) and to[1].lower() in self.names:
                text = f"@{self.names[to[1].lower()]}" + text[len(to[1]):]
                self.counts["addressed"] += 1
            client = self.client(name)
            client.publish(f"rooms/{room}/receipts/{name}", {"read": last})
            read[name] = last
            assert client.send(room, {"text": text}) < 0x80, text
            last += 1
            self.counts["messages"] += 1
            said.append((name, text))
        return said, inside, read, last

    def rows(self, room, last):
        wait_until(lambda: self.admin.ok("history", room=room, limit=1)["through"] >= last, f"{room} is stored")
        rows = []
        while len(rows) < last:
            rows += self.admin.ok("sync", rooms={room: {"since": len(rows)}}, limit=500)["rooms"][room]["messages"]
        return rows

    def compare(self, room, said, inside, read, last):
        rows = self.rows(room, last)
        assert [r["seq"] for r in rows] == list(range(1, last + 1))
        assert [(r["from"], r["content"]["text"]) for r in rows if r["type"] == "text"] == said
        since = members_of(rows, "admin")
        assert set(since) == inside | {"admin"}
        told = lambda: {m["user"]: m["read"] for m in self.admin.ok("marks", room=room, limit=1000)["marks"]}
        expected = {user: max(since[user], read.get(user, 0)) for user in since}
        wait_until(lambda: told() == expected, f"the marks of {room}")
        findings = Findings()
        for user in inside:
            overview = next(r for r in self.client(user).ok("rooms", limit=1000)["rooms"] if r["room"] == room)
            check_counters({room: rows}, {user: {room: overview}}, findings)
            self.counts["counters compared"] += 2
            self.counts["unread"] += overview["unread"]
            self.counts["mentions unread"] += overview["mentions"]
            assert overview["last"]["content"].get("text", "")[:100] == said[-1][1][:100]
        assert not findings, findings[:5]
        assert recount(rows, "admin", 0)[0] == len(said)


def test_a_real_channel_lives_again(make_server):
    server = make_server().start()
    logs = sorted(LOGS.glob("*.txt"), key=lambda p: p.stat().st_size)[:int(os.environ.get("PARLEY_REPLAY_LOGS", 1))]
    replay = Replay(server)
    try:
        began, rooms = time.monotonic(), []
        for i, path in enumerate(logs):
            rooms.append((f"log{i}", *replay.file(f"log{i}", path)))
        replay.counts["replayed in s"] = round(time.monotonic() - began)
        for room in rooms:
            replay.compare(*room)
        replay.counts["accounts"] = len(replay.names)
        replay.counts["members at the end"] = sum(len(room[2]) for room in rooms)
        print(json.dumps(replay.counts))
    finally:
        replay.close()
