"""The records themselves, for questions that no other measure answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.data import once
from crimenb.measures.counts import checked_month, checked_series, first_days, key_of, name_of, records, scope
from crimenb.schema import ASB, BTP

if TYPE_CHECKING:
    import geopandas as gpd

    from crimenb.data import Data
    from crimenb.query import Month

_MAY_BE_MISSING = ["outcome", "crime_id", "snapped_to"]


@once
def list_records(data: Data, *, place: str = "", category: str = "", month: Month = "") -> gpd.GeoDataFrame:
    """Return a place's records, one row each: those that the counts count, as they count them.

    Parameters
    ----------
    place
        A place of the data; the report's own by default.
    category
        "crime", "asb", "btp", or a category by its slug or its name; by default crimes and reports
        of anti-social behaviour, which are never to be added.
    month
        One month; by default all that may be summed.

    Returns
    -------
    GeoDataFrame
        In the source's order: `place`, `month`, `month_start` (its first day: the day of a record is
        not published), `category`, `label`, `is_crime`, `outcome`, `reported_by`, `crime_id`,
        `snapped_to` and the snapped point; EPSG:4326. What the source leaves out is missing. Copies
        of a record are kept, as they are counted (R2). A month that may not be summed has no row.
        British Transport Police is left out unless asked for.

    Raises
    ------
    QueryError
        The data hold no such place or month, or there is no such category.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ9 9ZZ", "2025-11", "2025-12")
    >>> cn.list_records(data, category="crime")["is_crime"].all()
    np.True_
    """
    data = data.of(place)
    months = scope(data).months
    if month:
        chosen = checked_month(data, month)
        months = [m for m in months if m == chosen]
    series = checked_series(data, category) if category else ""
    if series == "btp":
        rows = data.crimes[(data.crimes["reported_by"] == BTP) & data.crimes["month"].isin(months)]
    else:
        rows = records(data, months)
        if series:
            asb = rows["category"] == ASB
            rows = rows[
                asb if series in ("asb", ASB) else ~asb if series == "crime" else rows["category"] == series
            ]
    rows = rows.rename(columns={"postcode": "place"}).reset_index(drop=True)
    rows["place"] = key_of(data)
    rows.insert(2, "month_start", first_days(rows["month"]))
    rows.insert(4, "label", rows["category"].map(name_of).astype("str"))
    rows.insert(5, "is_crime", (rows["category"] != ASB) & (rows["reported_by"] != BTP))
    rows[_MAY_BE_MISSING] = rows[_MAY_BE_MISSING].mask(rows[_MAY_BE_MISSING] == "")
    return rows
