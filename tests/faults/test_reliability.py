"""docs/reliability.md names tests that are there, and every file of faults is named in it."""

import re

from tests.real import ROOT

TEXT = (ROOT / "docs" / "reliability.md").read_text("utf-8")
TESTS = {
    path: set(re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE))
    for path in (ROOT / "tests").rglob("test_*.py")
}


def test_every_promise_names_a_test_that_is_there():
    rows = [line for line in TEXT.splitlines() if re.match(r"\| (?!promise)[^-|]", line)]
    assert len(rows) > 20
    known = set().union(*TESTS.values())
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= known, set(named) - known
