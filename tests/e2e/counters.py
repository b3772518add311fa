"""Every counter against its recount, as pure functions: what overviews and `marks` say, and what the rows of `sync` say."""
import re

NO_MESSAGE = ("edit", "delete", "reaction", "member", "room")
MENTION = re.compile(r"(?<![A-Za-z0-9_-])@([A-Za-z0-9._@-]+)")


def mentioned(row):
    names = {name.rstrip(".-@").lower() for name in MENTION.findall(row["content"].get("text", ""))}
    return names | ({"@room"} if "room" in names and row.get("role") in ("moderator", "owner") else set())


def recount(rows, user, read):
    """(unread, mentions) of a member who has read so far."""
    waiting = [row for row in rows if row["seq"] > read and row["type"] not in NO_MESSAGE and row["from"] != user
               and "deleted" not in row and not row.get("imported")]
    return len(waiting), sum(1 for row in waiting if {user.lower(), "@room"} & mentioned(row))


def members_of(rows, creator):
    """user → seq of the entry with which they came in last (0: they made the room), of those who are in."""
    since = {creator: 0}
    for row in rows:
        if row["type"] != "member":
            continue
        user, action = row["content"]["user"], row["content"]["action"]
        if action in ("added", "joined"):
            since[user] = row["seq"]
        elif action in ("left", "removed", "banned"):
            since.pop(user, None)
    return since


def check_marks(rows, marks, told, findings):
    """marks_wrong: a member's marks are not the highest they ever told, or the entry of their coming in.
    rows, marks: by room; told: {(room, user): (received, read)}."""
    for room, of_room in rows.items():
        expected = {user: tuple(max(since, mark) for mark in told.get((room, user), (0, 0)))
                    for user, since in members_of(of_room, "admin").items()}
        found = {user: (m["received"], m["read"]) for user, m in marks[room].items()}
        for user in sorted(expected.keys() | found.keys()):
            if expected.get(user) != found.get(user):
                findings.add("marks_wrong", f"{user} in {room} is at {found.get(user)}, not {expected.get(user)}")


def check_counters(rows, overviews, findings):
    """counter_wrong: an overview says another number than the rows. overviews: user → room → overview."""
    for user, rooms in overviews.items():
        for room, overview in rooms.items():
            if room not in rows:
                continue
            found, counted = (overview["unread"], overview["mentions"]), recount(rows[room], user, overview["read"])
            if found != counted:
                findings.add("counter_wrong", f"{user} in {room}, who read {overview['read']}, has {found}; a recount gives {counted}")
