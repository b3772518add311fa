#!/usr/bin/env python3
"""Counts the tests of a JUnit file: prints "passed failed skipped", and the failed ones' names to stderr."""
import sys
import xml.etree.ElementTree as ElementTree

passed = failed = skipped = 0
for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
    if case.find("failure") is not None or case.find("error") is not None:
        failed += 1
        print("FAILED", case.get("classname", ""), case.get("name", ""), file=sys.stderr)
    elif case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        skipped += 1
    else:
        passed += 1
print(passed, failed, skipped)
