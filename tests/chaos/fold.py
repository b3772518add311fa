"""The folding rule of topics.md §3.1 in its plainest form, written from that page alone: what a client's author would write."""

SPEAKING = ("edit", "delete", "reaction")
NO_MESSAGE = (*SPEAKING, "member", "room")
USERS_TOLD, KEYS_TOLD = 20, 50


def may(entry, target):
    """Does an edit, delete or reaction count, deletions apart?"""
    if target is None or target["type"] in NO_MESSAGE or target["seq"] >= entry["seq"]:
        return False
    if entry["type"] == "delete":
        return entry["from"] == target["from"] or entry.get("role") in ("moderator", "owner")
    return entry["type"] == "reaction" or entry["from"] == target["from"]


def thread_of(entry, threads, entries):
    """The root of the thread a message is a reply in."""
    if "deleted" in entry:
        return entry["deleted"].get("thread")
    root = entries.get(entry["content"].get("thread"))
    if entry["type"] in NO_MESSAGE or root is None or root["seq"] >= entry["seq"] or root["type"] in NO_MESSAGE or threads.get(root["seq"]):
        return None
    return root["seq"]


def fold(envelopes):
    """{seq: envelope as it was delivered or as sync gave it} → {seq: envelope as history tells it}."""
    entries = dict(sorted(envelopes.items()))
    threads, deletions, edits, reactions = {}, {}, {}, {}
    for seq, entry in entries.items():
        threads[seq] = thread_of(entry, threads, entries)
        about = entry["content"].get("target") if entry["type"] in SPEAKING else None
        if not may(entry, entries.get(about)) or about in deletions:
            continue
        if entry["type"] == "delete":
            deletions[about] = {"seq": seq, "at": entry["at"], "by": entry["from"]}
        elif entry["type"] == "edit":
            edits[about] = entry
        elif entry["content"].get("remove"):
            reactions.get(about, {}).pop((entry["content"]["key"], entry["from"]), None)
        else:
            standing = reactions.setdefault(about, {})
            standing.pop((entry["content"]["key"], entry["from"]), None)
            standing[entry["content"]["key"], entry["from"]] = seq
    replies = {}
    for seq, root in threads.items():
        if root is not None and seq not in deletions and "deleted" not in entries[seq]:
            replies.setdefault(root, []).append(seq)
    told = {}
    for seq, entry in entries.items():
        told[seq] = entry = dict(entry)
        gone = deletions.get(seq) or (entry["type"] in ("edit", "reaction") and deletions.get(entry["content"].get("target")))
        if gone:
            entry["content"] = {}
            entry["deleted"] = gone | ({"thread": threads[seq]} if seq in deletions and threads[seq] else {})
        elif seq in edits:
            kept = {k: v for k, v in entry["content"].items() if k in ("thread", "reply_to")}
            around = ("type", "target", "ref", "thread", "reply_to")
            entry["content"] = {k: v for k, v in edits[seq]["content"].items() if k not in around} | kept
            entry["edited"] = {"seq": edits[seq]["seq"], "at": edits[seq]["at"]}
        if not gone and reactions.get(seq):
            users = {}
            for (key, user), _ in sorted(reactions[seq].items(), key=lambda one: one[1]):
                users.setdefault(key, []).append(user)
            entry["reactions"] = [{"key": key, "count": len(who), "users": who[:USERS_TOLD]} for key, who in users.items()][:KEYS_TOLD]
        if seq in replies:
            entry["thread"] = {"replies": len(replies[seq]), "last_seq": max(replies[seq])}
    return told
