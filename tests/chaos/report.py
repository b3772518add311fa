"""A run's figures as a table for people; --json prints them as they are."""

TITLES = {
    "seed": "seed", "elapsed_s": "seconds in all", "kills_survived": "kills survived", "sent": "messages sent",
    "publishes": "PUBLISH packets, with retries and repeats", "acknowledged": "accepted", "refused_and_retried": "refused, then retried",
    "lost": "lost", "doubled": "doubled", "unsent": "in history though nobody sent it", "repeats": "repeats of accepted messages",
    "duplicates_told": "duplicate notices", "duplicates_told_wrong": "… with a wrong seq", "duplicates_not_told": "… missing",
    "rooms": "rooms", "history": "entries in history", "dense": "numbered 1, 2, 3 …",
    "live_deliveries_compared": "live deliveries compared",
    "synced_compared": "synced entries compared", "live_wrong": "… other bytes or order than history",
    "not_healed": "gaps that sync did not heal", "talk_folded": "entries that speak of others, folded by readers",
    "folds_wrong": "… to something else than history", "epochs_changed": "rooms whose epoch changed",
    "member_changes": "joins and leaves confirmed", "rights_probed": "… tried at once at the broker", "members_wrong": "… not so",
    "receipts": "receipts told", "marks_wrong": "… marks that are not what was told",
    "counters_compared": "overviews of a room recounted", "counters_wrong": "… other than the recount",
    "connects": "connections made by clients", "slowest_broker_start_ms": "slowest start of the broker, ms",
}


def table(outcome):
    lines = []
    for name, title in TITLES.items():
        value = outcome.figures[name]
        value = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
        lines.append(f"{title:44} {value:>12}")
        if name == "kills_survived":
            lines += [f"    {kind:40} {count:>12}" for kind, count in outcome.figures["kills"].items()]
    lines += list(outcome.findings.lines()) + outcome.problems
    lines.append("PASSED" if outcome.ok else "FAILED")
    return "\n".join(lines)
