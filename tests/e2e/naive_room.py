"""A room in the plainest form: what topics.md §3 says of edits, deletions, reactions, threads, mentions and counters, without a thought of speed.
Messages are dictionaries by seq; every rule is asked of all of them again, every time."""
import re

MODERATORS = ("moderator", "owner")


class NaiveRoom:
    def __init__(self):
        self.entries = []  # all, in order: seq is the index + 1
        self.roles = {}    # of members
        self.marks = {}    # of members: [received, read]

    # --- what happens ---

    def say(self, user, type, content):
        """An entry of a member; its seq."""
        self.entries.append({"seq": len(self.entries) + 1, "from": user, "role": self.roles.get(user), "type": type, "content": content})
        return len(self.entries)

    def member_entry(self, action, by, user, role=None):
        """An entry of the backend, after which `user` has this role (None: is out)."""
        seq = self.say(by, "member", {"action": action, "user": user})
        if role is None:
            self.roles.pop(user, None)
            self.marks.pop(user, None)
        elif user not in self.roles:
            self.marks[user] = [seq, seq]
        if role is not None:
            self.roles[user] = role
        return seq

    def mark(self, user, received=0, read=0):
        marks = self.marks[user]
        marks[0] = max(marks[0], received, read)
        marks[1] = max(marks[1], read)

    # --- what can be seen ---

    def message(self, seq):
        entry = self.entries[seq - 1] if 1 <= seq <= len(self.entries) else None
        return entry if entry and entry["type"] not in ("edit", "delete", "reaction", "member", "room") else None

    def about(self, target, type):
        """Entries of a type that name a message and come after it, while it is not deleted."""
        deleted = self.deleted(target) if type != "delete" else None
        return [e for e in self.entries if e["type"] == type and e["content"].get("target") == target and e["seq"] > target
                and (deleted is None or e["seq"] < deleted["seq"])]

    def deleted(self, seq):
        """The delete that took a message."""
        author = self.message(seq)["from"]
        return next((e for e in self.about(seq, "delete") if e["from"] == author or e["role"] in MODERATORS), None)

    def edit(self, seq):
        author = self.message(seq)["from"]
        return next((e for e in reversed(self.about(seq, "edit")) if e["from"] == author), None)

    def reactions(self, seq):
        """key → users, of those in force."""
        last = {}
        for e in self.about(seq, "reaction"):
            last[e["content"]["key"], e["from"]] = not e["content"].get("remove", False)
        result = {}
        for (key, user), on in last.items():
            if on:
                result.setdefault(key, set()).add(user)
        return result

    def thread_of(self, seq):
        """The root of the thread in which a message is a reply, or None."""
        root = self.entries[seq - 1]["content"].get("thread")
        return root if root and root < seq and self.message(root) and not self.thread_of(root) else None

    def replies(self, root):
        return [e["seq"] for e in self.entries if self.message(e["seq"]) and self.thread_of(e["seq"]) == root and not self.deleted(e["seq"])]

    def mentioned(self, seq):
        """Names in lower case that the text mentions; "@room" where that counts. As it was sent: edits mention nobody."""
        entry = self.entries[seq - 1]
        names = set()
        for name in re.findall(r"(?<![A-Za-z0-9_-])@([A-Za-z0-9._@-]+)", entry["content"].get("text", "")):
            names.add(name.rstrip(".-@").lower())
        if "room" in names and entry["role"] in MODERATORS:
            names.add("@room")
        return names

    def unread(self, user):
        """(messages, mentions) that wait for a member."""
        waiting = [e["seq"] for e in self.entries
                   if e["seq"] > self.marks[user][1] and self.message(e["seq"]) and e["from"] != user and not self.deleted(e["seq"])]
        return len(waiting), sum(1 for seq in waiting if {user.lower(), "@room"} & self.mentioned(seq))

    def folded(self, seq):
        """What history has to tell of an entry: (content, seq of the edit, seq of the delete, reactions, thread)."""
        entry = self.entries[seq - 1]
        if self.message(seq) is None:
            target = entry["content"].get("target")
            speaks = entry["type"] in ("edit", "reaction") and target < seq and self.message(target)
            return {} if speaks and self.deleted(target) else entry["content"], None, None, {}, None
        replies = self.replies(seq)
        thread = {"replies": len(replies), "last_seq": max(replies)} if replies else None
        deleted = self.deleted(seq)
        if deleted:
            return {}, None, deleted["seq"], {}, thread
        edit, content = self.edit(seq), entry["content"]
        if edit:
            kept = {k: content[k] for k in ("thread", "reply_to") if k in content}
            content = {k: v for k, v in edit["content"].items() if k not in ("type", "target", "ref", "thread", "reply_to")} | kept
        return content, edit and edit["seq"], None, self.reactions(seq), thread
