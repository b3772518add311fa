"""What SECURITY.md says is tested is."""
import re

import pytest
from harness import ROOT


@pytest.mark.profile("embedded")
def test_each_threat_names_tests_that_there_are():
    rows = [line for line in (ROOT / "SECURITY.md").read_text().split("## Threats")[1].splitlines() if line.startswith("| ")]
    threats = [row for row in rows[1:] if not row.startswith("| **")]
    assert len(threats) > 20
    for row in threats:
        tests = re.findall(r"`((?:tests|plugin|backend|wire|base|tools)/[^`]+)`", row.rsplit("|", 2)[1])
        assert tests, f"no test: {row}"
        for test in tests:
            path, _, name = test.partition("::")
            assert (ROOT / path).is_file(), test
            assert not name or f"def {name}(" in (ROOT / path).read_text(), test
