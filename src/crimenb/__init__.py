"""Recorded crime around a UK postcode, read honestly.

Pull with `data = collect("LE1 6RN", "2025-01", "2025-12", source="archive:DIR")`, count with
the functions of `measures`, draw with those of `charts`, and let `show` put the reading
guidance beside every figure. The report notebook does nothing else.

Measures take the data first, charts a frame or the data, and all the rest goes by name:
`trend_chart(data, place="LE1 6RN", category="shoplifting")`. To import this package is enough for
Altair's charts to be drawn in a notebook without network.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from crimenb.version import __version__ as __version__

if TYPE_CHECKING:
    from crimenb.area_file import named_area, named_areas, read_area, read_areas
    from crimenb.charts.bars import category_chart, outcome_chart
    from crimenb.charts.dot_plots import change_chart, comparison_chart
    from crimenb.charts.linked import explore_chart
    from crimenb.charts.map import enlarged_map, point_map
    from crimenb.charts.theme import theme
    from crimenb.charts.timeline import search_chart, small_multiples, trend_chart
    from crimenb.data import Data
    from crimenb.errors import CrimenbError
    from crimenb.measures.changes import before_and_after, change_by_category
    from crimenb.measures.counts import (
        count_by_category,
        count_by_group,
        count_by_month,
        count_by_month_and_category,
        count_by_point,
        summed_months,
    )
    from crimenb.measures.like import like_positions
    from crimenb.measures.listing import list_records
    from crimenb.measures.months import months_with_range
    from crimenb.measures.outcomes import outcome_shares, outcome_times
    from crimenb.measures.rates import rates
    from crimenb.measures.searches import count_searches, searches_by_month
    from crimenb.query import Query
    from crimenb.report.bar_tables import (
        category_bars,
        change_dots,
        like_dots,
        outcome_bars,
        rate_bars,
        share_dots,
    )
    from crimenb.report.export import export
    from crimenb.report.figures import search_tables, show
    from crimenb.report.notebook import check_parameters
    from crimenb.report.notes import note
    from crimenb.report.sections import (
        at_a_glance,
        careful,
        coverage,
        do_not_say,
        first_screen,
        groups_table,
        how_to_read,
        months_table,
        neighbourhood,
        provenance,
        title,
    )
    from crimenb.snapshot import collect, locate
    from crimenb.wording.comparisons import compared_shares

__all__ = [
    "CrimenbError",
    "Data",
    "Query",
    "at_a_glance",
    "before_and_after",
    "careful",
    "category_bars",
    "category_chart",
    "change_by_category",
    "change_chart",
    "change_dots",
    "check_parameters",
    "collect",
    "compared_shares",
    "comparison_chart",
    "count_by_category",
    "count_by_group",
    "count_by_month",
    "count_by_month_and_category",
    "count_by_point",
    "count_searches",
    "coverage",
    "do_not_say",
    "enlarged_map",
    "explore_chart",
    "export",
    "first_screen",
    "groups_table",
    "how_to_read",
    "like_dots",
    "like_positions",
    "list_records",
    "locate",
    "months_table",
    "months_with_range",
    "named_area",
    "named_areas",
    "neighbourhood",
    "note",
    "outcome_bars",
    "outcome_chart",
    "outcome_shares",
    "outcome_times",
    "point_map",
    "provenance",
    "rate_bars",
    "rates",
    "read_area",
    "read_areas",
    "search_chart",
    "search_tables",
    "searches_by_month",
    "share_dots",
    "show",
    "small_multiples",
    "summed_months",
    "theme",
    "title",
    "trend_chart",
]

_HOME = {
    "CrimenbError": "errors",
    "Data": "data",
    "Query": "query",
    "at_a_glance": "report.sections",
    "before_and_after": "measures.changes",
    "careful": "report.sections",
    "category_bars": "report.bar_tables",
    "category_chart": "charts.bars",
    "change_by_category": "measures.changes",
    "change_chart": "charts.dot_plots",
    "change_dots": "report.bar_tables",
    "check_parameters": "report.notebook",
    "collect": "snapshot",
    "compared_shares": "wording.comparisons",
    "comparison_chart": "charts.dot_plots",
    "count_by_category": "measures.counts",
    "count_by_group": "measures.counts",
    "count_by_month": "measures.counts",
    "count_by_month_and_category": "measures.counts",
    "count_by_point": "measures.counts",
    "count_searches": "measures.searches",
    "coverage": "report.sections",
    "do_not_say": "report.sections",
    "explore_chart": "charts.linked",
    "export": "report.export",
    "first_screen": "report.sections",
    "groups_table": "report.sections",
    "how_to_read": "report.sections",
    "like_dots": "report.bar_tables",
    "like_positions": "measures.like",
    "list_records": "measures.listing",
    "locate": "snapshot",
    "months_table": "report.sections",
    "months_with_range": "measures.months",
    "named_area": "area_file",
    "named_areas": "area_file",
    "neighbourhood": "report.sections",
    "note": "report.notes",
    "outcome_bars": "report.bar_tables",
    "outcome_chart": "charts.bars",
    "outcome_shares": "measures.outcomes",
    "outcome_times": "measures.outcomes",
    "enlarged_map": "charts.map",
    "point_map": "charts.map",
    "provenance": "report.sections",
    "rate_bars": "report.bar_tables",
    "rates": "measures.rates",
    "read_area": "area_file",
    "read_areas": "area_file",
    "share_dots": "report.bar_tables",
    "search_chart": "charts.timeline",
    "search_tables": "report.figures",
    "searches_by_month": "measures.searches",
    "show": "report.figures",
    "small_multiples": "charts.timeline",
    "summed_months": "measures.counts",
    "theme": "charts.theme",
    "title": "report.sections",
    "trend_chart": "charts.timeline",
}
"""Where each public name lives. It is imported when it is first used: `import crimenb` loads nothing else."""


if not TYPE_CHECKING:  # a module with __getattr__ would let a type checker accept any name

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            from crimenb.errors import no_such_name

            raise no_such_name(name, "The functions of crimenb", __all__)
        value = getattr(importlib.import_module(f"crimenb.{_HOME[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return __all__


def draw_offline() -> None:
    """Let a notebook draw Altair's charts without network; nothing is imported before the first."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        formatter = shell.display_formatter.mimebundle_formatter
        formatter.for_type_by_name("altair.vegalite.v6.api", "TopLevelMixin", _drawn)


def _drawn(chart: Any) -> Any:
    from crimenb.charts.display import mimebundle

    return mimebundle(chart)


draw_offline()
