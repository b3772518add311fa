"""Reads back, from outside, what a run has left in history."""
import json

from checker import Entry
from connection import Connection, raw_messages
from ledger import digest


def entry_of(raw):
    envelope = json.loads(raw)
    if envelope.get("ref", "").startswith("talker"):  # its text may be edited or gone
        key = envelope["ref"].removesuffix(".ref")
        return Entry(envelope["room"], envelope["seq"], envelope["id"], envelope["epoch"], envelope["type"], envelope["from"],
                     envelope["ref"], key, digest(key), digest(raw), (), envelope)
    text = envelope["content"].get("text", "")
    return Entry(envelope["room"], envelope["seq"], envelope["id"], envelope["epoch"], envelope["type"], envelope["from"],
                 envelope.get("ref"), text.partition(" ")[0], digest(text), digest(raw),
                 (envelope["content"]["action"], envelope["content"]["user"]) if envelope["type"] == "member" else ())


class Archive:
    """A connection that asks for history and sync, and gives envelopes byte for byte."""

    def __init__(self, server, user="admin"):
        self.connection = Connection(self, server, user, f"{user}-archive")

    def __enter__(self):
        self.connection.connect()
        return self

    def __exit__(self, *exc):
        self.connection.close()

    def on_ack(self, mid, code):
        pass

    on_envelope = on_inbox = lambda self, message: None

    def page(self, room, after=0, limit=500):
        """(envelopes as text, through); None when there was no answer, or none that is well."""
        reply = self.connection.ask("history", 20, room=room, after=after, limit=limit)
        result = json.loads(reply) if reply else {"ok": False}
        return (raw_messages(reply), result["result"]["through"]) if result["ok"] else None

    def tail(self, room, limit=20):
        """The newest entries, oldest first; none when there was no answer."""
        reply = self.connection.ask("history", 20, room=room, limit=limit)
        return [entry_of(raw) for raw in raw_messages(reply)] if reply else []

    def room(self, room, entries=()):
        """All entries of a room, oldest first. `entries`: those known already."""
        entries = list(entries)
        while True:
            page = self.page(room, after=entries[-1].seq if entries else 0)
            assert page is not None, f"history of {room} after {entries[-1].seq if entries else 0} was not answered"
            if not page[0]:
                return entries
            entries += map(entry_of, page[0])
