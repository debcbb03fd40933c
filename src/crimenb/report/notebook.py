"""The packaged notebooks: copied to a folder, and their parameters checked."""

from __future__ import annotations

import ast
from pathlib import Path

from crimenb.errors import QueryError, ReportError
from crimenb.files import notebook_path


def copy_notebooks(into: Path, *, replace: bool = False) -> list[str]:
    """Copy the notebooks, and the small files they read, to a folder; return what was done, a line each.

    Parameters
    ----------
    replace
        Whether a file of that name with other content is replaced. Else it is left as it is, which
        its line says.

    Raises
    ------
    ReportError
        The folder cannot be written.
    """
    copied = []
    try:
        into.mkdir(parents=True, exist_ok=True)
        for packaged in sorted(notebook_path().parent.glob("*.*")):
            target, raw = into / packaged.name, packaged.read_bytes()
            same = target.is_file() and target.read_bytes() == raw
            if target.exists() and not same and not replace:
                copied.append(
                    f"Left as it is, for it is not the packaged one: {target} (--replace replaces it)"
                )
                continue
            if not same:
                target.write_bytes(raw)
            copied.append(str(target))
    except OSError as error:
        msg = f"Cannot write into {str(into)!r}: {error.strerror}; choose another folder."
        raise ReportError(msg) from error
    return copied


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
