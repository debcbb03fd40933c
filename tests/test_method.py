"""docs/method.md describes every rule that the source names, and no other."""

import re
from pathlib import Path

import crimenb

METHOD = (Path(__file__).resolve().parents[1] / "docs" / "method.md").read_text("utf-8")
SOURCE = Path(crimenb.__file__).parent
NAMED = re.compile(r"\bR(\d{1,2})\b")
ANCHORS = [int(n) for n in re.findall(r'<a id="r(\d+)"></a>', METHOD)]


def rules_in_the_source():
    """Map the number of each rule that the source names to the files that name it."""
    found: dict[int, set[str]] = {}
    for pattern in ("*.py", "*.md", "*.j2"):
        for path in SOURCE.rglob(pattern):
            for number in NAMED.findall(path.read_text("utf-8")):
                found.setdefault(int(number), set()).add(path.relative_to(SOURCE).as_posix())
    return found


def test_the_method_describes_every_rule_of_the_source():
    missing = {f"R{n}": sorted(files) for n, files in rules_in_the_source().items() if n not in ANCHORS}
    assert not missing


def test_the_source_names_every_rule_of_the_method():
    named = rules_in_the_source()
    assert [f"R{n}" for n in ANCHORS if n not in named] == []


def test_each_anchor_is_once_and_directly_above_its_heading():
    assert sorted(ANCHORS) == ANCHORS
    assert len(set(ANCHORS)) == len(ANCHORS)
    headings = re.findall(r'^<a id="r(\d+)"></a>\n## R(\d+) \S', METHOD, re.MULTILINE)
    assert [(int(a), int(b)) for a, b in headings] == [(n, n) for n in ANCHORS]


def test_the_table_lists_every_rule_and_links_lead_somewhere():
    listed = re.findall(r"^\| \[R(\d+)\]\(#r(\d+)\) \|", METHOD, re.MULTILINE)
    assert [(int(a), int(b)) for a, b in listed] == [(n, n) for n in ANCHORS]
    assert {int(n) for n in re.findall(r"\]\(#r(\d+)\)", METHOD)} <= set(ANCHORS)


def test_every_rule_mentioned_in_the_method_has_its_section():
    assert {int(n) for n in NAMED.findall(METHOD)} == set(ANCHORS)
