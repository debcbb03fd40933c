"""Recorded crime around a UK postcode, read honestly.

Pull with `collect(Query.parse("LE1 6RN", "2025-01", "2025-12"), "archive:DIR")`, count with
the functions of `measures`, draw with those of `charts`, and let `show` put the reading
guidance beside every figure. The report notebook does nothing else.
"""

from crimenb.area import read_area
from crimenb.charts import category_chart, theme
from crimenb.errors import CrimenbError
from crimenb.explore import explore_chart
from crimenb.figures import show
from crimenb.findings import change_by_category, compared_shares, outcome_shares
from crimenb.guidance import months_table, note, provenance, title
from crimenb.lab import check_parameters, offline_charts
from crimenb.maps import point_map
from crimenb.measures import (
    count_by_category,
    count_by_month,
    count_by_month_and_category,
    count_by_point,
)
from crimenb.policing import coverage, neighbourhood
from crimenb.query import Query
from crimenb.sections import (
    at_a_glance,
    careful,
    do_not_say,
    how_to_read,
)
from crimenb.shares import change_chart, comparison_chart, outcome_chart
from crimenb.snapshot import collect
from crimenb.tables import Data
from crimenb.timeline import trend_chart
from crimenb.trends import months_with_range

__version__ = "0.1.0"

__all__ = [
    "CrimenbError",
    "Data",
    "Query",
    "at_a_glance",
    "careful",
    "category_chart",
    "change_by_category",
    "change_chart",
    "check_parameters",
    "collect",
    "compared_shares",
    "comparison_chart",
    "count_by_category",
    "count_by_month",
    "count_by_month_and_category",
    "count_by_point",
    "coverage",
    "do_not_say",
    "explore_chart",
    "how_to_read",
    "months_table",
    "months_with_range",
    "neighbourhood",
    "note",
    "offline_charts",
    "outcome_chart",
    "outcome_shares",
    "point_map",
    "provenance",
    "read_area",
    "show",
    "theme",
    "title",
    "trend_chart",
]


def __dir__() -> list[str]:
    return __all__
