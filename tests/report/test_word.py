"""The Word file says what the page says, in its order; its tables, figures and links are real ones."""

import io
import re
import shutil
import subprocess
import sys
import zipfile

import docx
import nbformat
import pandas as pd
import pytest
from docx.oxml.ns import qn
from lxml import html

from crimenb.report.handed_on import summary_json
from crimenb.report.html import Column, Words, table
from crimenb.report.page import to_html
from crimenb.report.verify import _other_pages, verify
from crimenb.report.word import EXPLORE, document
from tests.real import ROOT

NOT_IN_WORD = """
    //svg | //script | //nav | //summary | //button | //pre | //*[@id='code'] | //p[following-sibling::*[1][self::pre]]
    | //*[contains(concat(' ', @class, ' '), ' paste ') or name()='div' and @class='run' or @class='download' or @class='screen']
    | //figure[.//*[contains(@class, 'linked')]]
"""


@pytest.fixture(scope="module")
def example():
    folder = ROOT / "reports" / "example"
    return nbformat.read(folder / "report.ipynb", as_version=4), (folder / "report.html").read_text()


@pytest.fixture(scope="module")
def raw(example):
    return document(*example)


@pytest.fixture(scope="module")
def word(raw):
    return docx.Document(io.BytesIO(raw))


@pytest.fixture(scope="module")
def page(example):
    """Return the page without what the Word file leaves out."""
    tree = html.document_fromstring(example[1])
    for quote in tree.iter("q"):
        quote.text, quote.tail = f"“{quote.text}”", quote.tail
    for node in tree.xpath(NOT_IN_WORD):
        parent, before = node.getparent(), node.getprevious()
        if node.tail and before is not None:
            before.tail = (before.tail or "") + node.tail
        elif node.tail:
            parent.text = (parent.text or "") + node.tail
        parent.remove(node)
    return tree


def words(text: str) -> list[str]:
    return text.split()


def all_text(paragraph) -> str:
    """Return a paragraph's words, those in links and numbers of captions too."""
    return "".join(t.text or "" for t in paragraph._p.iter(qn("w:t"), qn("w:br"), qn("w:tab")))


def pictures(word):
    return [node for node in word.element.body.iter(qn("wp:docPr"))]


def test_it_is_british_a4_and_knows_its_title_and_no_clock(word, raw):
    known = word.core_properties
    assert (known.language, known.author) == ("en-GB", "crimenb")
    assert known.title.startswith("Demonstration: recorded crime in the mile around ZZ1 1AA")
    assert known.created.isoformat() == known.modified.isoformat() == "2026-02-20T00:00:00+00:00"
    assert {lang.get(qn("w:val")) for lang in word.styles.element.iter(qn("w:lang"))} == {"en-GB"}
    assert (round(word.sections[0].page_width.cm), round(word.sections[0].page_height.cm, 1)) == (21, 29.7)
    with zipfile.ZipFile(io.BytesIO(raw)) as parts:
        assert {(i.date_time, i.compress_type) for i in parts.infolist()} == {((1980, 1, 1, 0, 0, 0), 0)}
        assert "docProps/thumbnail.jpeg" not in parts.namelist()


def test_the_cover_says_whose_data_these_are_and_when_they_were_taken(word, example):
    cover = [p.text for p in word.paragraphs if p.style.name == "Subtitle"]
    [said] = re.findall(r'"source": "(Recorded crime .*)"', summary_json(example[0]))
    assert cover[-1] == said
    foot = word.sections[0].footer.paragraphs[0]
    assert all_text(foot) == "Invented records: a demonstration of crimenb.1"
    assert [f.get(qn("w:instr")) for f in foot._p.iter(qn("w:fldSimple"))] == ["PAGE"]


def test_headings_are_those_of_the_page_in_its_order(word, page):
    styles = {"h1": "Title", "h2": "Heading 1", "h3": "Heading 2", "h4": "Heading 3"}
    wanted = [
        (styles[h.tag], words(h.text_content()))
        for h in page.iter(*styles)
        if h.getparent().tag != "figcaption"
    ]
    found = [(p.style.name, words(all_text(p))) for p in word.paragraphs if p.style.name in styles.values()]
    assert found == wanted
    assert len(found) > 15
    assert all(word.styles[name].paragraph_format.keep_with_next for name in styles.values())


def test_each_section_says_what_the_page_says(word, page):
    """Every paragraph and item between two headings, the captions too; tables are compared below."""
    wanted, found, section = {}, {}, ""
    for node in page.get_element_by_id("main").iter("h2", "h3", "h4", "p", "li", "caption"):
        if node.tag == "h2":
            section = node.text_content()
        elif node.get("class") != "unseen":
            wanted.setdefault(section, []).extend(words(node.text_content()))
    section = ""
    for paragraph in word.paragraphs:
        said = re.sub(r"^Table\s\d+\. ", "", all_text(paragraph))
        if paragraph.style.name == "Heading 1":
            section = said
        else:
            found.setdefault(section, []).extend(words(said))
    first = words(" ".join(p.text for p in word.paragraphs[:3]))
    assert found.pop("")[len(first) :] == wanted.pop("")
    assert found.pop("Explore") == words(f"{EXPLORE}report.html.")
    assert found == wanted
    assert len(found) > 9


def test_every_figure_has_its_caption_and_every_picture_its_words(word, page):
    captions = [words(all_text(p)) for p in word.paragraphs if re.match(r"Figure\s", all_text(p))]
    assert captions == [words(h.text_content()) for h in page.xpath("//figcaption/h3")]
    assert [f.get(qn("w:instr")).strip() for f in word.element.body.iter(qn("w:fldSimple"))].count(
        r"SEQ Figure \* ARABIC"
    ) == len(captions)
    told = [d.get("descr") for d in pictures(word) if d.get("descr")]
    assert told == [
        "December 2025: 329 crimes, within the normal range (252 to 418); 1 month missing; September 2023 suspiciously "
        "low Bar chart of crimes recorded by month, 2023-01 to 2025-12.",
        "December 2025: 32 reports, within the normal range (14 to 58); 1 month missing; September 2023 suspiciously "
        "low Bar chart of reports of anti-social behaviour by month, 2023-01 to 2025-12.",
        "Half of the 11,146 crimes are mapped to 55 of 478 points Map of the streets in the area, colour and width by "
        "the number of crimes; places as circles.",
        "Enlarged map of the 600 metres where map points are closest together, with the names of streets; colours and "
        "circles as on the whole map.",
    ]
    # The bars in tables and the key of a map are hidden from screen readers, here as on the page.
    assert all(
        bool(d.get("descr")) != any(e.tag.endswith("}decorative") for e in d.iter()) for d in pictures(word)
    )
    room = word.sections[0].page_width - word.sections[0].left_margin - word.sections[0].right_margin
    assert max(int(e.get("cx")) for e in word.element.body.iter(qn("wp:extent"))) <= room


def test_tables_have_the_cells_of_the_page_and_heads_that_repeat(word, page):
    tables = page.get_element_by_id("main").xpath(".//table")
    assert len(word.tables) == len(tables) > 15
    for made, own in zip(word.tables, tables, strict=True):
        most = {"long": 20, "brief": 8}.get(own.get("class"))
        rows = own.xpath("thead/tr") + own.xpath("tbody/tr")[:most]
        wanted = [
            [words(c.text_content()) for c in row if not c.xpath("span[@class='scale']")] for row in rows
        ]
        found = [
            [words(c.text) for c in row.cells if c.paragraphs[0].style.name != "Table Scale"]
            for row in made.rows
        ]
        for named, row in zip(wanted, found, strict=True):
            assert (row if len(named) > 1 else row[:1]) == named
        heads = [row._tr.trPr.find(qn("w:tblHeader")) is not None for row in made.rows]
        assert heads == [True] + [False] * (len(rows) - 1)
        assert made._tbl.tblPr.find(qn("w:tblCaption")).get(qn("w:val")) == own.findtext("caption")
        assert sum(column.width for column in made.columns) <= 6130000, "17 cm are between the margins"


def test_links_lead_where_those_of_the_page_lead(word, page):
    wanted = [
        a.get("href")
        for a in page.xpath("//main//a[not(parent::h3)] | //header//a")
        if not a.get("href").startswith("data:")
    ]
    marks = {b.get(qn("w:name")) for b in word.element.body.iter(qn("w:bookmarkStart"))}
    found = []
    for link in word.element.body.iter(qn("w:hyperlink")):
        inside = link.get(qn("w:anchor"))
        assert inside is None or inside in marks
        found.append(
            f"#{inside.replace('_', '-')}" if inside else word.part.rels[link.get(qn("r:id"))].target_ref
        )
    found.remove("report.html#figure-9")
    assert found == wanted
    assert "#how-to-read-it" in found


def test_the_same_bytes_twice(example, raw):
    assert document(*example) == raw


def test_text_from_outside_stays_text():
    rows = pd.DataFrame({"name": ["=1+1", "a\x07b <b>c</b>", "x" * 300]})
    cells = [
        Words("<h1>A\x0b&amp;B</h1>", "A", "title", state="", running="Of A&B" * 60, foot="A"),
        Words("<h3>Figure 7. Own</h3>", "Figure 7. Own", "head", number="7"),
        Words(
            '<p><a href="javascript:alert(1)">no</a> <a href="https://example.org/?a=1&amp;b">yes</a></p>',
            "no",
        ),
        table(rows, [Column("name", "Name")], "A table", name="own"),
    ]
    cell = nbformat.v4.new_code_cell("1")
    for shown in cells:
        data, metadata = shown._repr_mimebundle_()
        cell["outputs"].append(nbformat.v4.new_output("display_data", data=data, metadata=metadata))
    nb = nbformat.v4.new_notebook(cells=[cell])
    made = docx.Document(io.BytesIO(document(nb, to_html(nb))))
    assert made.paragraphs[0].text == "A&B"
    # The figures before it are not there; Word counts on from its number.
    numbers = [f.get(qn("w:instr")).strip() for f in made.element.body.iter(qn("w:fldSimple"))]
    assert numbers == [r"SEQ Figure \* ARABIC \r 7", r"SEQ Table \* ARABIC"]
    assert [c.text for c in made.tables[0].columns[0].cells] == ["Name", "=1+1", "ab <b>c</b>", "x" * 300]
    linked = [r.target_ref for r in made.part.rels.values() if r.is_external]
    assert linked == ["https://example.org/?a=1&b"]


# ------------------------------------------------------------------- the folder


def packed_again(raw: bytes, change) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name), change(name, old.read(name)))
    return out.getvalue()


def saved_again(raw: bytes) -> bytes:
    out = io.BytesIO()
    docx.Document(io.BytesIO(raw)).save(out)
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda raw: packed_again(raw, lambda _, part: part.replace(b">329<", b">328<")),
            r"\(word/document.xml\)",
        ),
        (
            lambda raw: packed_again(raw, lambda name, part: part + b" " * name.endswith(".png")),
            r"\(word/media/image1.png\)",
        ),
        (saved_again, "was saved by another program"),
        (lambda _: b"", "is not packed as crimenb packs it"),
    ],
)
def test_a_changed_word_file_is_found(change, says, example, raw, tmp_path):
    folder = shutil.copytree(ROOT / "reports" / "example", tmp_path / "r")
    (folder / "report.docx").write_bytes(raw)
    assert list(_other_pages(folder, example[0], {})) == []
    (folder / "report.docx").write_bytes(change(raw))
    [found] = _other_pages(folder, example[0], {})
    assert found.grave
    assert re.search(f"report.docx {says}", found.text)


def test_a_report_with_its_word_file_holds_and_an_edited_one_does_not(tmp_path):
    asked = ["report", "ZZ9 9ZZ", "--source", "demo", "--from", "2025-12", "--docx", "--out", str(tmp_path)]
    subprocess.run(
        [sys.executable, "-c", "from crimenb.cli import main; main()", *asked],
        check=True,
        capture_output=True,
    )
    [folder] = tmp_path.iterdir()
    assert "  report.docx\n" in (folder / "SHA256SUMS").read_text()
    assert verify(folder).holds
    (folder / "report.docx").write_bytes(saved_again((folder / "report.docx").read_bytes()))
    assert [f.text for f in verify(folder).findings] == [
        "report.docx was changed after SHA256SUMS was written"
    ]


@pytest.mark.parametrize(
    "asked", [["report", "ZZ9 9ZZ", "--from", "2025-12"], ["batch", "list.txt", "--from", "2025-12"]]
)
def test_without_the_extra_one_sentence_says_what_to_install(asked, tmp_path):
    (tmp_path / "list.txt").write_text("ZZ9 9ZZ\n")
    code = "import sys; sys.modules['docx'] = None; from crimenb.cli import main; main()"
    command = [sys.executable, "-c", code, *asked, "--source", "demo", "--docx"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 5
    assert re.fullmatch(
        r"(Error: )?A Word file needs python-docx \(.*\); install crimenb .*crimenb\[docx\]\.\n", done.stderr
    )
    assert [p.name for p in tmp_path.iterdir()] == ["list.txt"]


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_opens_it(raw, tmp_path):
    (tmp_path / "report.docx").write_bytes(raw)
    command = [
        "soffice", f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}", "--headless", "--convert-to",
        "pdf", "--outdir", str(tmp_path), str(tmp_path / "report.docx"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, timeout=180)
    pages = re.findall(rb"/Type ?/Page\b", (tmp_path / "report.pdf").read_bytes())
    assert 12 <= len(pages) <= 20
