"""What SECURITY.md and README.md say is tested is."""
import re

import pytest
from harness import ROOT

pytestmark = pytest.mark.profile("embedded")


def rows_of(document, chapter):
    """The rows of the chapter's table, without its head."""
    text = (ROOT / document).read_text().split(f"\n## {chapter}\n")[1].partition("\n## ")[0]
    return [line for line in text.splitlines() if line.startswith("| ")][1:]


def test_each_threat_names_tests_that_there_are():
    threats = [row for row in rows_of("SECURITY.md", "Threats") if not row.startswith("| **")]
    assert len(threats) > 30
    for row in threats:
        tests = re.findall(r"`((?:tests|plugin|backend|wire|base|tools)/[^`]+)`", row.rsplit("|", 2)[1])
        assert tests, f"no test: {row}"
        for test in tests:
            path, _, name = test.partition("::")
            assert (ROOT / path).is_file(), test
            assert not name or f"def {name}(" in (ROOT / path).read_text(), test


def test_every_fuzz_target_is_named():
    document = (ROOT / "SECURITY.md").read_text()
    targets = sorted((ROOT / "tests/fuzz").glob("*_fuzz.cc"))
    assert targets and not [target.name for target in targets if f"`tests/fuzz/{target.name}`" not in document]


def test_each_step_of_an_operator_leads_to_a_chapter_and_names_what_shows_it():
    readme = (ROOT / "README.md").read_text()
    chapters = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"(?m)^##+ (.*)$", readme)}
    steps = rows_of("README.md", "Running it for real")
    assert len(steps) >= 9
    for step in steps:
        for anchor in re.findall(r"\]\(#([^)]+)\)", step):
            assert anchor in chapters, anchor
        shown = step.rsplit("|", 2)[1]
        files = re.findall(r"`(tests/[^` ]+)`", shown) + ["tests/e2e/" + name for name in re.findall(r"`(test_[^`]+)`", shown)]
        assert files or "tools/test" in shown, f"nothing shows it: {step}"
        for file in files:
            assert (ROOT / file).is_file(), file
