"""What is asked at the end of a run, for counters.py to judge."""
import json

from collect import Archive
from counters import check_counters, check_marks


def rows_of(archive, room):
    """All rows of a room as `sync` gives them: a deleted message has `deleted`, and the others what was sent."""
    rows, since = [], 0
    while True:
        reply = archive.connection.ask("sync", 20, rooms={room: {"since": since}}, limit=500)
        answer = json.loads(reply) if reply else {"ok": False}
        assert answer["ok"] and "error" not in answer["result"]["rooms"][room], f"sync of {room} was answered {answer}"
        page = answer["result"]["rooms"][room]
        rows += page["messages"]
        if not page["more"]:
            return rows
        since = rows[-1]["seq"]


def all_of(archive, method, name, key, **params):
    """All elements of a list, page after page, by their name."""
    found, after = {}, {}
    while True:
        reply = archive.connection.ask(method, 20, limit=1000, **params, **after)
        answer = json.loads(reply) if reply else {"ok": False}
        assert answer["ok"], f"{method} was answered {answer}"
        found |= {item[key]: item for item in answer["result"][name]}
        if not answer["result"]["more"]:
            return found
        after = {"after": max(found)}


class Census:
    """All that is asked at the end."""

    def __init__(self, server, rooms, users):
        with Archive(server) as archive:
            self.rows = {room: rows_of(archive, room) for room in rooms}
            self.marks = {room: all_of(archive, "marks", "marks", "user", room=room) for room in rooms}
        self.overviews = {}
        for user in users:
            with Archive(server, user) as archive:
                self.overviews[user] = all_of(archive, "rooms", "rooms", "room")

    def check(self, told, findings):
        check_marks(self.rows, self.marks, told, findings)
        check_counters(self.rows, self.overviews, findings)

    def compared(self):
        return sum(len(rooms) for rooms in self.overviews.values())
