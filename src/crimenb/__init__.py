"""Recorded crime around a UK postcode, read honestly.

Pull with `collect(Query.parse("LE1 6RN", "2025-01", "2025-12"), "archive:DIR")`, count with
the functions of `measures`, draw with those of `charts`, and let `show` put the reading
guidance beside every figure. The report notebook does nothing else.
"""

from crimenb.area_file import read_area
from crimenb.charts.bars import category_chart, outcome_chart
from crimenb.charts.dot_plots import change_chart, comparison_chart
from crimenb.charts.linked import explore_chart
from crimenb.charts.map import point_map
from crimenb.charts.theme import theme
from crimenb.charts.timeline import trend_chart
from crimenb.data import Data
from crimenb.errors import CrimenbError
from crimenb.measures.changes import change_by_category
from crimenb.measures.counts import (
    count_by_category,
    count_by_month,
    count_by_month_and_category,
    count_by_point,
    summed_months,
)
from crimenb.measures.months import months_with_range
from crimenb.measures.outcomes import outcome_shares
from crimenb.query import Query
from crimenb.report.figures import show
from crimenb.report.notebook import check_parameters, offline_charts
from crimenb.report.notes import note
from crimenb.report.sections import (
    at_a_glance,
    careful,
    coverage,
    do_not_say,
    how_to_read,
    months_table,
    neighbourhood,
    provenance,
    title,
)
from crimenb.snapshot import collect
from crimenb.wording.comparisons import compared_shares

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
    "summed_months",
    "theme",
    "title",
    "trend_chart",
]


def __dir__() -> list[str]:
    return __all__
