"""The page as a Word file: the same words in the same order, in styles that a council can change by name.

It is made from the page itself, so that no sentence can differ. What paper leaves out is left out here too:
what only a screen can do, downloads, code, and the findings to copy, which the figures repeat.
`build.word` imports this, as python-docx is an extra.
"""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import docx
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from lxml import html

from crimenb.charts.display import SVG, id_of
from crimenb.charts.theme import VEGALITE
from crimenb.report.handed_on import steady, values
from crimenb.report.html import ON_PAPER, ROLE
from crimenb.warm import painter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import nbformat

EXPLORE = "This part answers to a reader's choices and is only on the page: "
"""What stands in the place of the part that is interactive, before the page's name."""

_INK, _SHADE, _BLUE = "17212B", "F3F4F5", "0B4F9E"
_ROOM_CM, _TALLEST_CM, _CM = 17.0, 14.5, 2.54 / 96
"""Room between the margins of A4, height of a map, and a pixel of the page, in centimetres."""

_STYLES = {
    "Normal": (11, False, 4, 4), "Title": (24, True, 0, 6), "Subtitle": (12, False, 0, 4),
    "Heading 1": (18, True, 22, 6), "Heading 2": (14, True, 14, 4), "Heading 3": (12, True, 10, 2),
    "Caption": (11, True, 12, 2), "Quote": (11, False, 2, 6), "Footer": (9, False, 0, 0),
    "List Bullet": (11, False, 1, 1), "List Number": (11, False, 1, 1), "Large Number": (16, True, 8, 0),
    "Measure": (9.5, True, 3, 3), "Figure": (11, False, 2, 4), "Note": (9.5, False, 2, 3),
    "Note Heading": (9.5, True, 6, 2), "Table Text": (9, False, 1, 1), "Table Number": (9, False, 1, 1),
    "Table Scale": (7, False, 1, 1),
}  # fmt: skip
"""Of each style its size, whether it stays with what follows, and the points before and after it."""

_BY_TAG = {
    "h1": "Title", "h2": "Heading 1", "h3": "Heading 2", "h4": "Heading 3",
    "ul": "List Bullet", "ol": "List Number", "blockquote": "Quote", "details": "Note",
}  # fmt: skip
_BY_CLASS = {
    "subtitle": "Measure", "classes": "Measure", "caption": "Measure", "count": "Large Number",
    "name": "Note Heading", "source": "Note", "note": "Note", "mapkey": "Note",
}  # fmt: skip
_LEFT_OUT = {"screen", "contents", "paste", "code", "download", "run"}
_NOT_SHOWN = "self::summary or self::pre or self::svg or @id='code' or following-sibling::*[1][self::pre]"

_TABLE, _TOGETHER = "Light Shading", {True: 20, False: 8}
"""Style of tables; rows up to which one stays on a page, if it is a figure or not."""

_LETTER_CM, _EDGES_CM, _WIDEST = 0.18, 0.55, 60
"""Width of a letter and of a cell's edges; letters from which a column is made no wider."""

_DRAWN = {"bar": (115, 18.4), "dots": (115, 18.4), "bars": (130, 19)}
"""Width and height of the drawings in a table, in pixels."""

_DECORATIVE = (
    '<a:extLst xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><a:ext '
    'uri="{C183D7F6-B498-43B3-948B-1728B52AA6E4}"><adec:decorative val="1" '
    'xmlns:adec="http://schemas.microsoft.com/office/drawing/2017/decorative"/></a:ext></a:extLst>'
)
"""Tells a screen reader to pass over a drawing, as the page does: its numbers stand beside it."""


def document(nb: nbformat.NotebookNode, page: str) -> bytes:
    """Return a report's page as a Word file. The same notebook and page give the same bytes.

    Parameters
    ----------
    nb
        The executed notebook, which has the drawings.
    page
        What `to_html` made of it.
    """
    tree = html.document_fromstring(page, html.HTMLParser(huge_tree=True))
    writer = _Writer(nb, tree)
    writer.blocks(tree.find(".//header"), "Subtitle")
    writer.paragraph([_Run(values(nb).get("source", ""))], "Subtitle")
    writer.blocks(tree.get_element_by_id("main"), "Normal")
    at = writer.doc.sections[0].footer.paragraphs[0]
    foot = writer.paragraph(_runs(tree.find(".//footer//p")), "Footer", at)
    foot.add_run("\t")
    _wrap(foot.add_run("1"), "fldSimple", instr="PAGE")
    dates = tree.xpath("//tr[th='source: read' or th='source: retrieved']/td/text()")
    known = writer.doc.core_properties
    known.title, known.author = tree.findtext(".//title")[:255], "crimenb"
    known.comments, known.language = "", "en-GB"
    known.created = known.modified = dt.datetime.fromisoformat(min(dates, default="2000-01-01")[:10])
    raw = io.BytesIO()
    writer.doc.save(raw)
    return steady(raw, canonical=False)


def _drawings(nb: nbformat.NotebookNode) -> dict[str, str]:
    """Return each chart's drawing by its name on the page, which shares the shapes of a map between drawings."""
    outputs = [out for cell in nb["cells"] for out in cell.get("outputs", [])]
    charts = [out for out in outputs if {SVG, VEGALITE} <= set(out.get("data", {}))]
    names = [id_of(str(out.get("metadata", {}).get(ROLE, {}).get("name", "figure"))) for out in charts]
    known = dict(zip(names, (out["data"][SVG] for out in charts), strict=True))
    # A map is cut off by the picture's edge; to cut each of its layers takes twelve times as long.
    cut = re.compile(r' clip-path="[^"]*"')
    return {name: cut.sub("", svg) if 'class="metres"' in svg else svg for name, svg in known.items()}


# ------------------------------------------------------------------------- words


class _Run(NamedTuple):
    """Words of a paragraph that look alike: bold or not, a link or none; or a small drawing."""

    text: str
    bold: bool = False
    link: str = ""
    drawing: str = ""


def _runs(node: Any, *, bold: bool = False, link: str = "") -> Iterator[_Run]:
    """Yield what a paragraph of the page holds."""
    before, after = ("“", "”") if node.tag == "q" else ("", "")
    yield _Run(before + (node.text or ""), bold, link)
    for child in node:
        if child.tag == "svg":
            yield _Run("", drawing=_alone(child))
            yield _Run(" " if node.tag == "li" else "")
        elif child.get("class") == "scale":  # its ends and its middle, above the dots
            yield _Run("\t".join(child.xpath("*[@class='']/text()")))
        else:
            yield _Run({"br": "\n", "li": "\u2002"}.get(child.tag, ""))  # the key of a map is one line
            yield from _runs(child, bold=bold or child.tag in ("b", "strong"), link=child.get("href", link))
        yield _Run(child.tail or "", bold, link)
    yield _Run(after, bold, link)


def _alone(svg: Any) -> str:
    """Return a small drawing of the page as one of its own; not stretched, as that would stretch its lines."""
    inside = "".join(html.tostring(part, encoding="unicode") for part in svg)
    wide, high = _DRAWN.get(svg.get("class"), (svg.get("width"), svg.get("height")))
    box = svg.get("viewbox", "") if svg.get("class") == "bars" else "0 -3 100 16" if svg.get("class") else ""
    shown = f' viewBox="{box}" preserveAspectRatio="none"' if box else ""
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{high}"{shown}>{inside}</svg>'


def _tidy(runs: Iterable[_Run]) -> list[_Run]:
    """Return runs without the white space that HTML does not show, and without what no XML can hold."""
    tidy: list[_Run] = []
    for run in runs:
        text = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", "", run.text)
        text = text if "\t" in text or text == "\n" else re.sub(r"[ \r\n]+", " ", text)
        text = text.lstrip(" ") if not tidy or tidy[-1].text.endswith((" ", "\n")) else text
        tidy += [run._replace(text=text)] if text or run.drawing else []
    return [*tidy[:-1], *(last._replace(text=last.text.rstrip(" ")) for last in tidy[-1:])]


def _element(tag: str, **attributes: str) -> Any:
    element = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element


def _wrap(run: Any, tag: str, **attributes: str) -> Any:
    """Put a run into an element of its own: a link, or a number that Word works out."""
    element = _element(tag, **attributes)
    run._r.addprevious(element)
    element.append(run._r)
    return element


def _mark(anchor: str) -> str:
    """Return a name of the page as Word has those of its marks."""
    return anchor.replace("-", "_")[:40]


# ---------------------------------------------------------------------- the file


class _Writer:
    """A Word file that is being written: its styles, what it can link to, and how far its captions count."""

    def __init__(self, nb: nbformat.NotebookNode, tree: Any) -> None:
        self.doc, self.drawings = docx.Document(), _drawings(nb)
        self.anchors = tree.xpath("//h2[@id!='code']/@id | //figure/@id")
        self.count = {"Figure": 0, "Table": 0}
        section = self.doc.sections[0]
        section.page_width, section.page_height = Cm(21), Cm(29.7)
        section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Cm(2)
        self._style()
        self._clean()
        self.ids = {style.name: style.style_id for style in self.doc.styles}

    def _style(self) -> None:
        """Set the named styles, and what they have beyond size and space."""
        styles = self.doc.styles
        for name, (size, keep, before, after) in _STYLES.items():
            style = styles[name] if name in styles else styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
            style.font.size, style.font.italic = Pt(size), False
            style.font.color.rgb = RGBColor.from_string(_INK)
            style.font.bold = name.startswith(("Heading", "Caption", "Note H")) or None
            style.hidden, style.quick_style, known = False, True, style.paragraph_format
            known.keep_with_next, known.space_before, known.space_after = keep, Pt(before), Pt(after)
            for odd in style.element.xpath("w:rPr/w:spacing | w:pPr/w:pBdr"):
                odd.getparent().remove(odd)
        link = styles.add_style("Hyperlink", WD_STYLE_TYPE.CHARACTER, builtin=True)
        link.font.underline, link.font.color.rgb = True, RGBColor.from_string(_BLUE)
        styles["Quote"].paragraph_format.left_indent = Cm(0.75)
        styles["Table Number"].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        foot, scale = (styles[name].paragraph_format.tab_stops for name in ("Footer", "Table Scale"))
        foot.clear_all()
        foot.add_tab_stop(Cm(_ROOM_CM), WD_TAB_ALIGNMENT.RIGHT)
        scale.add_tab_stop(Cm(1.5), WD_TAB_ALIGNMENT.CENTER)
        scale.add_tab_stop(Cm(3), WD_TAB_ALIGNMENT.RIGHT)

    def _clean(self) -> None:
        """Make python-docx's own file British English, in a face without serifs, and drop what is not used here."""
        part, styles = self.doc.part, self.doc.styles
        for style in [s for s in styles if s.type == WD_STYLE_TYPE.TABLE]:
            if style.name not in ("Normal Table", _TABLE):
                style.delete()
        for lang in (
            styles.element.find(f".//{qn('w:lang')}"),
            self.doc.settings.element.find(qn("w:themeFontLang")),
        ):
            lang.set(qn("w:val"), "en-GB")
        for shade in styles.element.iter(qn("w:shd")):
            shade.set(qn("w:fill"), _SHADE)
        unused = ("/thumbnail", "/stylesWithEffects")
        for rels in (part.rels, part.package.rels):
            for key in [k for k, r in rels.items() if r.reltype.endswith(unused)]:
                del rels[key]
        theme: Any = part.part_related_by(RELATIONSHIP_TYPE.THEME)
        theme._blob = re.sub(rb'(<a:latin typeface=")[^"]+', rb"\1Arial", theme.blob)

    def blocks(self, node: Any, style: str) -> None:
        """Write what stands in an element of the page, paragraphs in a style."""
        for child in node.xpath(f"*[not({_NOT_SHOWN})]"):
            classes = child.get("class", "").split()
            if not _LEFT_OUT.intersection(classes):
                named = [_BY_CLASS[c] for c in classes if c in _BY_CLASS] or [_BY_TAG.get(child.tag, style)]
                self._block(child, classes, named[-1])

    def _block(self, child: Any, classes: list[str], style: str) -> None:
        if child.tag in ("h1", "h2", "h3", "h4"):
            self._heading(child, style)
        elif child.tag in ("p", "li") or "classes" in classes:
            self.paragraph(_runs(child), style)
        elif child.tag == "table":
            self._table(child)
        elif "chart" in classes:
            known = self._draw(self.paragraph([], "Figure").add_run(), self.drawings[child.get("data-chart")])
            known.set("descr", child.xpath(".//svg/@aria-label")[0])
        elif child.xpath("self::figure[.//*[contains(@class, 'linked')]]"):
            link = _Run("report.html", link=f"report.html#{child.get('id', '')}")
            self.paragraph([_Run(EXPLORE), link, _Run(".")], style)
        else:
            self.blocks(child, style)

    def paragraph(self, runs: Iterable[_Run], style: str, at: Any = None, *, keep: bool = False) -> Any:
        """Write a paragraph, or into one that is there."""
        paragraph = self.doc.add_paragraph() if at is None else at
        paragraph._p.style = self.ids[style]  # python-docx looks for a name in all styles, each time
        paragraph.paragraph_format.keep_with_next = keep or None
        for run in _tidy(runs):
            written, to = paragraph.add_run(run.text), run.link.removeprefix("#")
            written.bold = run.bold or None
            if run.drawing:
                self._draw(written, run.drawing).append(parse_xml(_DECORATIVE))
            elif to in self.anchors:
                written.style = "Hyperlink"
                _wrap(written, "hyperlink", anchor=_mark(to))
            elif to.startswith(("http://", "https://", "mailto:", "report.html")):
                written.style = "Hyperlink"
                known = paragraph.part.relate_to(to, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
                _wrap(written, "hyperlink").set(qn("r:id"), known)
        return paragraph

    def _heading(self, node: Any, style: str) -> None:
        """Write a heading, or the caption of a figure, with a mark that links lead to."""
        figure, number = node.xpath("parent::figcaption/parent::figure"), node.find("a")
        if figure and number is not None:
            written = self._caption("Figure", int(re.sub(r"\D", "", number.text)), [_Run(number.tail)])
        else:
            written = self.paragraph(_runs(node), "Caption" if figure else style)
        for anchor in [*node.xpath("@id"), *(f.get("id") for f in figure if f.get("id"))]:
            known = str(self.anchors.index(anchor))
            written._p.insert(1, _element("bookmarkEnd", id=known))
            written._p.insert(1, _element("bookmarkStart", id=known, name=_mark(anchor)))

    def _caption(self, kind: str, number: int, runs: Iterable[_Run]) -> Any:
        """Write a caption with a number that Word counts; where the page left one out, it begins anew there."""
        self.count[kind] += 1
        anew = "" if number == self.count[kind] else rf"\r {number} "
        self.count[kind] = number
        paragraph = self.paragraph([_Run(f"{kind}\u00a0")], "Caption")
        _wrap(paragraph.add_run(str(number)), "fldSimple", instr=rf" SEQ {kind} \* ARABIC {anew}")
        return self.paragraph([_Run("."), *runs], "Caption", paragraph)

    def _draw(self, run: Any, svg: str) -> Any:
        """Put a drawing into a run, as wide as on the page where there is room; return what describes it."""
        wide, high = (float(size) * _CM for size in re.findall(r'(?:width|height)="([\d.]+)"', svg)[:2])
        shrink = min(1, _ROOM_CM / wide, _TALLEST_CM / high)
        inline = run.add_picture(io.BytesIO(painter.png(svg)), width=Cm(wide * shrink))._inline
        for side in "TBLR":  # LibreOffice takes three millimetres where none is given
            inline.set(f"dist{side}", "0")
        return inline.docPr

    def _table(self, node: Any) -> None:
        """Write a table with its caption; its head is repeated on each page."""
        head, body = ([list(tr) for tr in node.xpath(f"{part}/tr")] for part in ("thead", "tbody"))
        classes, caption, across = node.get("class", "").split(), node.find("caption"), len(head[0])
        rows = head + body[: min((ON_PAPER[c] for c in classes if c in ON_PAPER), default=None)]
        if not (figure := "bars" in classes):  # the caption of a figure stands above it
            self._caption("Table", self.count["Table"] + 1, [_Run(" "), *_runs(caption)])
        table = self.doc.add_table(len(rows), across, _TABLE)
        table.autofit = False
        known = table._tbl.tblPr
        known.remove(known.find(qn("w:tblLook")))
        known.append(_element("tblLook", val="0420", firstRow="1", firstColumn="0", noHBand="0", noVBand="1"))
        known.append(_element("tblCaption", val=caption.text_content()))
        wide = [Cm(width) for width in _widths([row for row in rows if len(row) == across])]
        for column, width in zip(table.columns, wide, strict=True):
            column.width = width
        for y, (line, row) in enumerate(zip(table.rows, rows, strict=True)):
            for tag in ("cantSplit", "tblHeader")[: 2 if y < len(head) else 1]:
                line._tr.get_or_add_trPr().append(_element(tag))
            whole = len(row) == across
            cells = line.cells if whole else [line.cells[0].merge(line.cells[-1])]
            keep = y <= len(head) or not whole or (len(rows) <= _TOGETHER[figure] and y < len(rows) - 1)
            for cell, own, width in zip(
                cells, row, wide if whole else [Cm(sum(w.cm for w in wide))], strict=True
            ):
                cell.width = width
                style = "Table Scale" if own.xpath("span[@class='scale']") else "Table Text"
                style = "Table Number" if own.get("class") == "n" else style
                self.paragraph(_runs(own, bold=not whole), style, cell.paragraphs[0], keep=keep)


def _widths(rows: list[list[Any]]) -> list[float]:
    """Return how wide each column is in centimetres: as its texts and drawings need, narrower where room is scarce."""
    least, wished = [], []
    for column in zip(*rows, strict=True):
        drawn = [_DRAWN[svg.get("class")][0] * _CM for cell in column for svg in cell.iter("svg")]
        texts = [] if drawn else [cell.text_content().strip() for cell in column]
        words = [len(word) * _LETTER_CM for text in texts for word in re.split("[ -]", text)]
        longest = min(max(map(len, texts), default=0), _WIDEST) * _LETTER_CM
        least.append(max([*drawn, *words]) + _EDGES_CM)
        wished.append(max(least[-1], longest + _EDGES_CM))
    spare = (_ROOM_CM - sum(least)) / max(sum(wished) - sum(least), 0.01)
    return [some + (most - some) * min(1, spare) for some, most in zip(least, wished, strict=True)]
