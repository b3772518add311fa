"""Promises P1 to P4 and P8 under SIGKILL, for a short while. tests/chaos/run does the same for as long as one likes."""
import random

import drive
import report


def test_nothing_is_lost_doubled_or_told_wrong_whatever_is_killed(tmp_path, profile, request):
    seed = request.config.getoption("--chaos-seed", None)
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    print(f"seed {seed}")
    outcome = drive.run(tmp_path, profile, drive.Options(seconds=request.config.getoption("--chaos-seconds", 20), seed=seed), print)
    print(report.table(outcome))
    assert outcome.ok, "\n".join([*outcome.findings.lines(), *outcome.problems])
    assert outcome.figures["kills_survived"] > 0 and outcome.figures["acknowledged"] > 500
