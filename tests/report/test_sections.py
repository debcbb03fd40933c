"""The section on policing, from frames written by hand, with text of whoever means harm."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest
import shapely
from markupsafe import escape

from crimenb.data import frame
from crimenb.report.sections import neighbourhood
from crimenb.schema import COLUMNS
from tests.make_data import written
from tests.service import HOSTILE

OVERRIDE = "abc\u202edef\u2067ghi"
LONG = "x" * 1_000_000
TEXTS = [*HOSTILE, OVERRIDE, "</li></ul><h2>Safest place</h2>", "&lt;script&gt;", "' onclick='alert(1)", LONG]
BLOCKS = {"p", "li", "h3", "h4"}
TEAM = {
    "name": "Abbey", "force_name": "Leicestershire Police", "description": "The centre.",
    "url": "https://www.leics.police.uk/abbey", "force_url": "https://www.leics.police.uk/",
    "email": "abbey@example.org", "telephone": "101", "address": "1 Station Road",
    "links": "Twitter\thttps://twitter.com/abbey",
}  # fmt: skip
PERSON = {"name": "A. Field", "rank": "Sergeant", "contact": "a.field@example.org"}
PRIORITY = {"issue": "Bicycle theft", "issue_date": "2025-10-01", "action": "", "action_date": ""}
EVENT = {"title": "Meeting", "start": "2025-11-10T18:30:00", "address": "Town Hall"}


class Page(HTMLParser):
    """What a browser makes of the section: its elements, links, and the text of each block."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.open, self.texts, self.hrefs = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.hrefs += [value for name, value in attrs if name == "href"]
        if tag in BLOCKS:
            self.texts.append("")
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        assert BLOCKS & set(self.open), data
        self.texts[-1] += data


def shown(team=TEAM, people=(PERSON,), priorities=(PRIORITY,), events=(EVENT,)):
    data = written([{"month": "2025-12"}], ["2025-12"])
    rows = {
        "neighbourhoods": [team | {"geometry": shapely.Polygon()}], "people": people,
        "priorities": priorities, "events": events,
    }  # fmt: skip
    frames = {
        name: frame(name, pd.DataFrame([dict.fromkeys(COLUMNS[name], "") | {"postcode": "ZZ5 5AA"} | r for r in listed]))
        for name, listed in rows.items() if listed
    }  # fmt: skip
    return neighbourhood(replace(data, **frames))


def test_a_usual_team():
    page = Page(shown().html)
    assert page.texts == [
        "Abbey, Leicestershire Police", "The centre.", "Email: abbey@example.org", "Telephone: 101",
        "Address: 1 Station Road", "The team's own page", "The force", "Twitter",
        "The team", "Sergeant A. Field: a.field@example.org",
        "Current priorities", "Bicycle theft (set 1 October 2025)What was done: nothing given yet.",
        "Meetings and events", "10 November 2025, Meeting, Town Hall",
    ]  # fmt: skip
    assert page.hrefs == [TEAM["url"], TEAM["force_url"], "https://twitter.com/abbey"]


def test_what_the_source_does_not_give_is_said():
    bare = dict.fromkeys(TEAM, "") | {"name": "Abbey", "force_name": "Leicestershire Police"}
    assert Page(shown(bare, people=(), priorities=(), events=()).html).texts == [
        "Abbey, Leicestershire Police", "The team: none given by the source.",
        "Current priorities: none given by the source.",
        "Meetings and events: none given by the source.",
    ]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS, ids=lambda t: re.sub(r"\W+", "-", ascii(t)[:24]))
def test_text_from_outside_stays_text(text):
    """Whatever a service writes into any field adds no element, attribute or link, and is not lost."""
    usual = Page(shown().html)
    link = f"{text}\thttps://twitter.com/abbey".replace("\u2028", "")
    team = {k: text for k in TEAM if k not in ("url", "force_url", "links")}
    team |= {"url": TEAM["url"], "force_url": TEAM["force_url"], "links": link}
    words = shown(team, [dict.fromkeys(PERSON, text)], [PRIORITY | {"issue": text}],
                  [EVENT | {"title": text, "address": text}])  # fmt: skip
    page = Page(words.html)
    assert page.elements == usual.elements
    assert page.hrefs == usual.hrefs
    assert page.open == []
    assert sum(block.count(text) for block in page.texts) >= 12
    # A right-to-left override ends with its block, so it turns no words of ours above or below.
    assert page.texts[0] == f"{text}, {text}"
    assert page.texts[-1] == f"10 November 2025, {text}, {text}"
    assert len(words.html) < 14 * len(escape(text)) + 2000  # each field once


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)",
     "data:text/html,<script>alert(1)</script>", "vbscript:x", "//evil.example/", "file:///etc/passwd",
     "\x01https://evil.example/", "ftp://evil.example/"],
)  # fmt: skip
def test_only_web_addresses_become_links(address):
    page = Page(shown(TEAM | {"url": address, "force_url": address, "links": f"Twitter\t{address}"}).html)
    assert page.hrefs == []
    assert {"The team's own page", "The force", "Twitter"} <= set(page.texts)


def test_an_address_cannot_leave_its_attribute():
    page = Page(shown(TEAM | {"url": 'https://a.example/" onmouseover="alert(1)'}).html)
    assert page.hrefs[0] == 'https://a.example/" onmouseover="alert(1)'
    assert {names for tag, names in page.elements if tag == "a"} == {("href", "rel")}


@pytest.mark.parametrize("text", TEXTS[:-1], ids=lambda t: re.sub(r"\W+", "-", ascii(t)[:24]))
def test_a_forces_name_stays_text_where_no_team_is_known(text):
    forces = [("leicestershire", 0.6), (text, 0.4)]
    page = Page(neighbourhood(written([{"month": "2025-12"}], ["2025-12"], forces=forces)).html)
    assert page.elements == [("p", ()), ("a", ("href",))]
    assert page.hrefs == ["https://www.police.uk/pu/your-area/"]
    assert "Leicestershire (60% of the area) and " in page.texts[0]
    assert " (40% of the area). " in page.texts[0]


def test_the_foot_of_a_sheet_is_short_enough_for_one_line(demo_report):
    page = (demo_report / "report.html").read_text("utf-8")
    foot = re.search(r'@bottom-left\{content:"(.*?)"\}', page)[1]
    assert foot == "Demonstration: recorded crime in the mile around ZZ1 1AA, January to December 2025"
    assert "(Market, Fablemouth)" in re.search("<title>(.*?)</title>", page)[1]


def test_the_linked_figure_has_the_classes_of_its_streets(demo_report):
    page = (demo_report / "report.html").read_text("utf-8")
    before, _, after = page.partition("Records at a map point:")
    assert "linked" in before
    assert (
        re.findall(r"</svg>([^<]+)</li>", after)[:2]
        == re.findall(r"</svg>([^<]+)</li>", before.partition("Crimes at a map point:")[2])[:2]
    )
