"""What a release changed of the one before: worked out when an archive is built in the place of an older one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from crimenb.data import frame
from crimenb.plurals import counted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

FILE = "revised.parquet"

_SAME = "force || ' ' || month"
_COMPARED = f"""
COPY (
WITH old AS (SELECT * FROM read_parquet($before) WHERE list_contains($revised, {_SAME})),
new AS (SELECT * FROM street WHERE longitude IS NOT NULL AND list_contains($revised, {_SAME})),
o AS (SELECT longitude, latitude, force, month, category, count(*) AS n FROM old GROUP BY ALL),
w AS (SELECT longitude, latitude, force, month, category, count(*) AS n FROM new GROUP BY ALL),
counted AS (SELECT longitude, latitude, force, month, category,
    greatest(coalesce(w.n, 0) - coalesce(o.n, 0), 0) AS added,
    greatest(coalesce(o.n, 0) - coalesce(w.n, 0), 0) AS removed, 0 AS decided
  FROM o FULL JOIN w USING (longitude, latitude, force, month, category) WHERE o.n IS DISTINCT FROM w.n),
-- An id that several records share tells nothing of one of them.
one AS (SELECT crime_id, any_value(outcome) AS outcome FROM old WHERE crime_id <> '' GROUP BY 1 HAVING count(*) = 1),
two AS (SELECT crime_id, any_value(COLUMNS(* EXCLUDE (crime_id))) FROM new WHERE crime_id <> '' GROUP BY 1
    HAVING count(*) = 1),
decided AS (SELECT longitude, latitude, force, month, category, 0 AS added, 0 AS removed, count(*) AS decided
  FROM two JOIN one USING (crime_id) WHERE one.outcome <> two.outcome GROUP BY ALL)
FROM (
  SELECT longitude, latitude, month, category, sum(added)::INTEGER AS added, sum(removed)::INTEGER AS removed,
    sum(decided)::INTEGER AS decided
  FROM (FROM counted UNION ALL BY NAME FROM decided) GROUP BY ALL)
ORDER BY floor((latitude - 49) / 0.01)::INT, floor((longitude + 9) / 0.016)::INT, month, category, longitude, latitude
) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)
"""


def compare(
    db: duckdb.DuckDBPyConnection,
    before: Path,
    old: dict[str, Any],
    files: Sequence[dict[str, Any]],
    work: Path,
) -> dict[str, Any]:
    """Write what the table `street` changes of the version before; return the release compared and the new months.

    Parameters
    ----------
    db
        Has the located and other records of the new version as table `street`.
    before, old
        The folder of the version before, and its inventory.
    files
        The street files of the new version.
    work
        Where the file is written: a row a map point, month and category with records `added`, `removed`, and
        crimes that have another outcome (`decided`).
    """
    was = {(f["force"], f["month"]): f["sha256"] for f in old["files"]}
    newest: dict[str, str] = {}
    for force, month in was:
        newest[force] = max(month, newest.get(force, ""))
    revised = [
        f"{f['force']} {f['month']}"
        for f in files
        if was.get((f["force"], f["month"]), f["sha256"]) != f["sha256"]
    ]
    db.execute(
        _COMPARED, {"before": str(before / "street.parquet"), "revised": revised, "path": str(work / FILE)}
    )
    new: dict[str, list[str]] = {}
    for file in sorted(files, key=lambda f: (f["force"], f["month"])):
        if file["month"] > newest.get(file["force"], "9999"):
            new.setdefault(file["force"], []).append(file["month"])
    sums = db.execute(
        "SELECT coalesce(sum(added), 0), coalesce(sum(removed), 0), coalesce(sum(decided), 0) FROM read_parquet(?)",
        [str(work / FILE)],
    ).fetchall()[0]
    totals = dict(zip(("added", "removed", "decided"), map(int, sums), strict=True))
    return {"release": old["release"], "months": new, **totals}


def new_months(since: dict[str, Any]) -> set[str]:
    """Return the months that are new of any force."""
    return {month for months in since["months"].values() for month in months}


def in_words(since: dict[str, Any]) -> str:
    """Say what a release changed of the one before, in a line."""
    months = sorted(new_months(since))
    new = f"new: {', '.join(months)}" if months else "no new month"
    return (
        f"Since release {since['release']}: {new}; of the months it had, "
        f"{counted(since['added'], 'record')} added, {since['removed']:,} removed, "
        f"{counted(since['decided'], 'crime')} with another outcome."
    )


def around(rows: pd.DataFrame, postcode: str) -> pd.DataFrame:
    """Return the frame `revised` of the rows in an area."""
    sums = rows.groupby(["month", "category"])[["added", "removed", "decided"]].sum().reset_index()
    return frame("revised", sums.assign(postcode=postcode))
