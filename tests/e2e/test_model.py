"""Random operations of many users, one after another, through everything there is, beside a naive room in memory: what can be seen must be
the same. The seed is printed; PARLEY_MODEL_SEED sets it, PARLEY_MODEL_STEPS how long it goes on."""
import json
import os
import random
import secrets

from harness import wait_until
from naive_room import NaiveRoom

USERS = ("ann", "Ben", "cem", "dee", "eve.x")
KEYS = ("👍", "x", "long key")


class Model:
    """A real room and a naive one, to which the same things happen."""

    def __init__(self, chat, rng):
        self.chat, self.rng, self.name = chat, rng, f"model-{secrets.token_hex(4)}"
        self.naive = NaiveRoom()
        for user in USERS:
            if user not in chat.passwords:
                chat.add_user(user)
        self.clients = {user: chat.client(user, v=rng.choice((4, 5))) for user in USERS}
        self.admin = chat.client("admin")
        self.admin.ok("room.create", room=self.name, public=True)
        self.naive.roles["admin"], self.naive.marks["admin"] = "owner", [0, 0]
        self.naive.say("admin", "room", {"action": "created"})
        self.watch = chat.client("admin")
        self.watch.subscribe(f"rooms/{self.name}/messages")
        for user in USERS[:3]:
            self.let_in(user, rng.choice(("member", "member", "moderator")))

    def close(self):
        for client in (self.watch, self.admin, *self.clients.values()):
            client.close()

    # --- what can happen; each leaves both rooms with the same entries ---

    def members(self):
        return [user for user in USERS if user in self.naive.roles]

    def entry(self, seq):
        """The entry just made came to the watcher under the number the naive room gave it."""
        self.watch._wait(lambda: any(e["seq"] == seq for e in self.watch.envelopes()), f"entry {seq}")

    def send(self, user, content):
        type = content.get("type", "text")
        assert self.clients[user].send(self.name, content) < 0x80
        self.entry(self.naive.say(user, type, content))

    def some_seq(self):
        return self.rng.randint(max(1, len(self.naive.entries) - 25), len(self.naive.entries))

    def talk(self):
        user, text = self.rng.choice(self.members()), self.rng.choice(("hi", "@ben look", "@ann @EVE.X.", "mail@dee.org", "@room now"))
        content = {"text": f"{text} {len(self.naive.entries)}"}
        if self.rng.random() < 0.3:
            content["thread"] = self.some_seq()
        if self.rng.random() < 0.2:
            content["reply_to"] = self.some_seq()
        self.send(user, content)

    def edit(self):
        self.send(self.rng.choice(self.members()), {"type": "edit", "target": self.some_seq(), "text": f"edited {len(self.naive.entries)} @cem"})

    def delete(self):
        self.send(self.rng.choice(self.members()), {"type": "delete", "target": self.some_seq()})

    def react(self):
        more = {"remove": True} if self.rng.random() < 0.3 else {}
        self.send(self.rng.choice(self.members()), {"type": "reaction", "target": self.some_seq(), "key": self.rng.choice(KEYS), **more})

    def read(self):
        user = self.rng.choice(self.members())
        last = len(self.naive.entries)
        marks = {"read": self.rng.randint(1, last)}
        if self.rng.random() < 0.5:
            marks["received"] = self.rng.randint(marks["read"], last)
        if self.rng.random() < 0.5:
            self.clients[user].ok("read", room=self.name, **marks)
        else:
            self.clients[user].publish(f"rooms/{self.name}/receipts/{user}", marks)
        self.naive.mark(user, **marks)

    def let_in(self, user, role):
        self.admin.ok("member.add", room=self.name, user=user, role=role)
        self.entry(self.naive.member_entry("added", "admin", user, role))

    def come(self):
        out = [user for user in USERS if user not in self.naive.roles]
        if not out:
            return
        user = self.rng.choice(out)
        if self.rng.random() < 0.5:
            self.clients[user].ok("room.join", room=self.name)
            self.entry(self.naive.member_entry("joined", user, user, "member"))
        else:
            self.let_in(user, self.rng.choice(("member", "moderator")))

    def go(self):
        if len(self.members()) < 2:
            return
        user = self.rng.choice(self.members())
        if self.rng.random() < 0.5:
            self.clients[user].ok("room.leave", room=self.name)
            self.entry(self.naive.member_entry("left", user, user))
        else:
            self.admin.ok("member.remove", room=self.name, user=user)
            self.entry(self.naive.member_entry("removed", "admin", user))
            self.clients[user].wait_disconnected()  # whoever is removed is put out of all sessions
            self.clients[user].connect()

    def promote(self):
        user = self.rng.choice(self.members())
        role = {"member": "moderator", "moderator": "member"}[self.naive.roles[user]]
        self.admin.ok("member.role", room=self.name, user=user, role=role)
        self.entry(self.naive.member_entry("role", "admin", user, role))

    STEPS = ((talk, 40), (edit, 12), (delete, 8), (react, 12), (read, 14), (come, 5), (go, 4), (promote, 3))

    def step(self):
        kinds, weights = zip(*self.STEPS)
        self.rng.choices(kinds, weights)[0](self)

    # --- what can be seen ---

    def history(self):
        messages, after = [], 0
        while True:
            page = self.admin.ok("history", room=self.name, after=after, limit=self.rng.randint(20, 500))
            messages += page["messages"]
            if not page["more"]:
                return messages
            after = messages[-1]["seq"]

    def compare_history(self):
        naive = self.naive
        wait_until(lambda: self.admin.ok("history", room=self.name, limit=1)["through"] == len(naive.entries), "all is stored")
        messages = self.history()
        assert [m["seq"] for m in messages] == list(range(1, len(naive.entries) + 1))
        for m in messages:
            entry = naive.entries[m["seq"] - 1]
            assert (m["type"], m["from"]) == (entry["type"], entry["from"]), m
            if entry["type"] in ("member", "room"):
                continue
            content, edited, deleted, reactions, thread = naive.folded(m["seq"])
            assert m["content"] == content, (m, content)
            if naive.message(m["seq"]):
                assert m.get("edited", {}).get("seq") == edited, (m, edited)
                assert m.get("deleted", {}).get("seq") == deleted, (m, deleted)
            assert {r["key"]: set(r["users"]) for r in m.get("reactions", [])} == reactions, (m, reactions)
            assert m.get("thread") == thread, (m, thread)

    def compare_counters(self):
        naive = self.naive
        told = lambda: {m["user"]: [m["received"], m["read"]] for m in self.admin.ok("marks", room=self.name)["marks"]}
        wait_until(lambda: told() == naive.marks, f"marks are {naive.marks}")
        for user in self.members():
            room = next(r for r in self.clients[user].ok("rooms", limit=1000)["rooms"] if r["room"] == self.name)
            assert (room["unread"], room["mentions"]) == naive.unread(user), (user, naive.marks[user], room)
            assert [room["received"], room["read"], room["last_seq"]] == [*naive.marks[user], len(naive.entries)]
            last = next((e["seq"] for e in reversed(naive.entries) if naive.message(e["seq"])), None)
            assert (room["last"] or {}).get("seq") == last
            if last:
                assert room["last"]["content"] == naive.folded(last)[0]


def test_random_operations_leave_what_a_naive_room_says(chat):
    seed = int(os.environ.get("PARLEY_MODEL_SEED", random.SystemRandom().randrange(10**9)))
    steps = int(os.environ.get("PARLEY_MODEL_STEPS", 400))
    print(f"seed {seed}, {steps} steps")
    model = Model(chat, random.Random(seed))
    try:
        for done in range(1, steps + 1):
            model.step()
            if done % 100 == 0 or done == steps:
                model.compare_history()
                model.compare_counters()
    finally:
        model.close()
    print(json.dumps({"entries": len(model.naive.entries), "kinds": {t: sum(e["type"] == t for e in model.naive.entries) for t in ("text", "edit", "delete", "reaction", "member")}}))
