"""Where two notebooks or two pages differ, a sentence for each difference. Pure: nothing is run.

Outputs are compared as nbval does, and strictly: metadata, order and kind count too, nothing is
sanitised, and no tag or comment exempts a cell.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple

from crimenb.charts.display import SVG
from crimenb.charts.theme import VEGALITE
from crimenb.plurals import counted
from crimenb.report.page import BUNDLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DRAWING = ("altair", "vl-convert-python")
"""Packages whose other versions may draw the same numbers differently."""

Versions = dict[str, tuple[str, str]]
"""Packages by name whose version is another: the one a report was made with, and ours."""


class Finding(NamedTuple):
    """One difference: in which step, one sentence, and whether it fails the report."""

    step: str
    text: str
    grave: bool = True


def drawn_by(others: Versions) -> Versions:
    """Return those of the other versions that may change a drawing."""
    return {name: pair for name, pair in others.items() if name in DRAWING}


def named(others: Versions) -> str:
    """Write versions: "altair 6.0.0, here 6.1.0"."""
    return ", ".join(f"{name} {made_with}, here {here}" for name, (made_with, here) in others.items())


# ------------------------------------------------------------------ the notebook


def foreign_cells(stored: Any, packaged: Any) -> Iterator[str]:
    """Say where a notebook is not, cell for cell and tag for tag, the packaged one."""
    ours = {cell["id"]: _without_results(cell) for cell in packaged["cells"]}
    for i, cell in enumerate(stored["cells"]):
        if change := _foreign(cell, ours.get(cell.get("id"))):
            yield f"{_name(i, cell)} {change}"
    stored_ids, our_ids = [cell.get("id") for cell in stored["cells"]], list(ours)
    for cell in packaged["cells"]:
        if cell["id"] not in stored_ids:
            yield f"the cell {line(cell['source'])} was removed"
    if set(stored_ids) == set(our_ids) and stored_ids != our_ids:
        doubled = len(stored_ids) != len(our_ids)
        yield "a cell stands there twice" if doubled else "the cells are in another order"
    if any(stored.get(k) != packaged.get(k) for k in {*stored, *packaged} - {"cells"}):
        yield "the notebook's own metadata were changed"


def _foreign(cell: Mapping[str, Any], ours: Mapping[str, Any] | None) -> str:
    if ours is None:
        return "is not in the packaged notebook"
    if _without_results(cell) == ours:
        return ""
    if cell["source"] != ours["source"]:
        return "was changed"
    return f"has other tags or metadata: {json.dumps(cell['metadata'])[:80]}"


def _without_results(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return a cell without what running it adds."""
    return {k: v for k, v in cell.items() if k not in ("outputs", "execution_count")}


def _name(number: int, cell: Mapping[str, Any]) -> str:
    return f"cell {number + 1} ({line(cell['source'])})"


def line(source: str) -> str:
    """Return the first telling line of a cell, quoted and short."""
    lines = [text.strip() for text in source.splitlines() if text.strip()]
    return repr(f"{lines[0][:50]}{'…' if len(lines) > 1 or len(lines[0]) > 50 else ''}" if lines else "")


# -------------------------------------------------------------------- the outputs


def other_outputs(stored: Sequence[Any], fresh: Sequence[Any], others: Versions) -> Iterator[Finding]:
    """Say of every cell whose outputs differ where they do."""
    if len(stored) != len(fresh):
        yield Finding("outputs", f"{counted(len(stored), 'cell')} stored, {len(fresh)} run")
        return
    for i, (old, new) in enumerate(zip(stored, fresh, strict=True)):
        if new["cell_type"] == "code":
            for text, grave in _other_cell(old, new, others):
                yield Finding("outputs", f"{_name(i, new)}{text}", grave)


def _other_cell(old_cell: Any, new_cell: Any, others: Versions) -> Iterator[tuple[str, bool]]:
    olds, news = old_cell["outputs"], new_cell["outputs"]
    if len(olds) != len(news):
        yield f" has {counted(len(olds), 'output')} kept, {len(news)} computed", True
        return
    drawn = drawn_by(others)
    for old, new in zip(olds, news, strict=True):
        if old == new:
            continue
        if drawn and _numbers(old) == _numbers(new):
            yield f" is drawn otherwise by other versions ({named(drawn)}); its numbers agree", False
        else:
            hint = f" (made with {named(others)})" if others else ""
            yield f": {difference(old, new)}{hint}", True
    if old_cell.get("execution_count") != new_cell.get("execution_count"):
        yield " was run as another cell: its count differs", True


def _numbers(output: Mapping[str, Any]) -> Any:
    """Return an output with its chart reduced to what it says: the data, the words, the scales."""
    spec = output.get("data", {}).get(VEGALITE)
    if spec is None:
        return output
    rows = sorted(json.dumps(d, sort_keys=True) for d in _datasets(spec))
    drawn = [spec.get("description"), rows, sorted(_words(spec))]
    svg = output["data"].get(SVG, "")
    return {**output, "data": output["data"] | {VEGALITE: drawn, SVG: _SVG.sub(_words_drawn, svg)}}


_MEANING = {
    "title", "text", "labelExpr", "format", "field", "aggregate", "bin", "timeUnit", "stack", "impute",
    "scale", "transform", "datum",
}  # fmt: skip
"""What a chart says: its words, what it draws, and on which scale; the rest is how it looks."""


def _words(spec: Any, channel: str = "") -> Iterator[str]:
    """Yield every title, text, field and scale inside a chart's specification, each with its channel."""
    for key, value in spec.items() if isinstance(spec, dict) else enumerate(spec):
        if key in _MEANING:
            yield json.dumps([channel, key, value], sort_keys=True)
        elif isinstance(value, dict | list) and key not in ("datasets", "values", "config"):
            yield from _words(value, key if isinstance(key, str) else channel)


def _datasets(spec: Any) -> Iterator[Any]:
    """Yield every table inside a chart's specification, wherever it stands."""
    if isinstance(spec, dict):
        yield from (spec.get("datasets") or {}).values()
        if isinstance(spec.get("values"), list):
            yield spec["values"]
        for key, value in spec.items():
            if key != "datasets":
                yield from _datasets(value)
    elif isinstance(spec, list):
        for value in spec:
            yield from _datasets(value)


def difference(old: Any, new: Any, at: str = "") -> str:
    """Say where two values first differ.

    Examples
    --------
    >>> difference({"text/html": "1,318 crimes"}, {"text/html": "1,317 crimes"})
    "text/html: '1,318' kept, '1,317' computed"
    """
    if isinstance(old, dict) and isinstance(new, dict):
        key = next(k for k in sorted({*old, *new}, key=str) if old.get(k) != new.get(k))
        # "data" and "datasets" tell a reader nothing; the rest is the way to the value.
        inner = at if key in ("data", "datasets") or key.startswith("data-") else f"{at} {key}".strip()
        return difference(old.get(key), new.get(key), inner)
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return f"{at}: {counted(len(old), 'item')} kept, {len(new)} computed"
        i = next(i for i, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1])
        return difference(old[i], new[i], f"{at}[{i}]")
    if isinstance(old, str) and isinstance(new, str):
        old, new = _around(old, new)
    return f"{at}: {_short(old)} kept, {_short(new)} computed".removeprefix(": ")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 70 else f"{text[:70]}…"


def _around(old: str, new: str) -> tuple[str, str]:
    """Return the words at which two texts part."""
    i = parting(old, new)
    start = i - len(re.findall(r"[\w.,%-]{0,20}$", old[:i])[0])
    word = re.compile(r"[\w.,%-]{1,40}")
    one, two = (m[0] if (m := word.match(t, start)) else t[start : start + 20] for t in (old, new))
    return (one, two) if one != two else (old[start : start + 60], new[start : start + 60])


def parting(one: str, two: str) -> int:
    """Return the number of characters with which both texts begin."""
    most = min(len(one), len(two))
    low, high = 0, most
    while low < high:  # halving: comparing slices is quicker than characters one by one
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == two[low:middle] else (low, middle - 1)
    return low


# ----------------------------------------------------------------------- the page

_SVG = re.compile(r"<svg .*?</svg>", re.DOTALL)


def other_page(name: str, old: str, new: str, others: Versions) -> Finding:
    """Say where two unequal pages differ: in drawings only, or in words and numbers."""
    if drawn := drawn_by(others):
        old, new = (_undrawn(page, bundle="vl-convert-python" not in drawn) for page in (old, new))
        if old == new:
            why = f"the charts are drawn otherwise by other versions ({named(drawn)})"
            return Finding("page", f"{why}; every word and number agrees", grave=False)
    number = new.count("\n", 0, parting(old, new)) + 1
    return Finding("page", f"{name} line {number}: {difference(old, new)}")


def other_tables(old: bytes, new: bytes) -> str:
    """Say where two unequal workbooks or Word files differ: in which part, and there in what."""
    try:
        with zipfile.ZipFile(io.BytesIO(old)) as one, zipfile.ZipFile(io.BytesIO(new)) as other:
            if any(part.compress_type != zipfile.ZIP_STORED for part in one.infolist()):
                return "was saved by another program"
            for name in other.namelist():
                kept, computed = (b.read(name).decode("utf-8", "replace") for b in (one, other))
                if kept != computed:
                    return f"({name}): {difference(kept, computed)}"
    except (zipfile.BadZipFile, KeyError, OSError, EOFError, NotImplementedError, RuntimeError):
        pass
    return "is not packed as crimenb packs it"


def _undrawn(page: str, *, bundle: bool) -> str:
    """Return a page with its drawings reduced to the words and numbers in them.

    Without `bundle` the scripts that draw, which come with the drawing library, go too, if they are
    those of a version of it that we know.
    """
    page = _SVG.sub(_words_drawn, page)
    if bundle:
        return page
    page = re.sub(r"script-src [^\"]*", "script-src", page, count=1)
    return re.sub(r"<script>(\(function\(\)\{.*?)</script>", _unless_known, page, flags=re.DOTALL)


def _words_drawn(match: re.Match[str]) -> str:
    svg = match[0]
    texts = re.findall(r'aria-label="([^"]*)"', svg) + re.findall(r">([^<]+)<", svg)
    # What could act instead of being drawn counts as a word: it must be in both.
    return "|".join(["<svg>", *texts, *re.findall(r"<script|\son\w+\s*=|\bhref\s*=", svg)])


def _unless_known(match: re.Match[str]) -> str:
    known = hashlib.sha256(match[1].encode()).hexdigest() in BUNDLES.values()
    return "<script></script>" if known else match[0]
