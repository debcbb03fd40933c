"""What a notebook asks of its session: parameters checked, charts drawn offline."""

from __future__ import annotations

import ast
from typing import Any

import altair as alt

from crimenb.charts.theme import VEGALITE, steady
from crimenb.errors import QueryError


def offline_charts() -> None:
    """Let Altair's own charts draw in JupyterLab without network, and read as text elsewhere.

    Altair's usual renderer loads its scripts from a server each time a chart is shown. After
    this call a chart is an output that JupyterLab and VS Code draw themselves, the same bytes
    for the same data; where nothing can draw it, its description stands in its place.

    Examples
    --------
    >>> import altair as alt, crimenb as cn
    >>> cn.offline_charts()
    >>> alt.renderers.active
    'crimenb'
    """
    alt.renderers.register("crimenb", _drawn)
    alt.renderers.enable("crimenb")


def _drawn(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    # Without its address JupyterLab takes the specification as of the version it can draw.
    versionless = {key: steady(value) for key, value in spec.items() if key != "$schema"}
    return {VEGALITE: versionless, "text/plain": f"[Chart] {spec.get('description', 'drawn by Altair')}"}


def check_parameters() -> None:
    """Refuse parameters that the notebook does not have, before any source is opened.

    Papermill sets whatever it is given and only warns of a name that the notebook does not
    know: a misspelt `postcode` would report on another place. Where no parameters were
    injected, as in JupyterLab, there is nothing to check.

    Raises
    ------
    QueryError
        A name was given that the parameters cell does not define.

    Examples
    --------
    >>> import crimenb as cn
    >>> cn.check_parameters()
    """
    from IPython import get_ipython

    shell = get_ipython()
    cells = list(shell.user_ns.get("In", [])) if shell is not None else []
    given = [i for i, source in enumerate(cells) if source.startswith("# Parameters\n")]
    if not given or given[0] == 0:
        return
    known, injected = (_assigned(cells[i]) for i in (given[0] - 1, given[0]))
    if unknown := [name for name in injected if name not in known]:
        msg = f"There is no parameter {unknown[0]!r}; the notebook has {', '.join(known)}."
        raise QueryError(msg)


def _assigned(source: str) -> list[str]:
    """Return the names that a cell of parameters sets, in order."""
    names = []
    for node in ast.parse(source).body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names += [t.id for t in targets if isinstance(t, ast.Name)]
    return names
