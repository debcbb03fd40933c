"""What an import costs, and that the package works without what one system alone has."""

import os
import subprocess
import sys

import click
import pytest

import crimenb
from crimenb.cli import main

HEAVY = (
    "pandas",
    "numpy",
    "geopandas",
    "altair",
    "duckdb",
    "papermill",
    "distributed",
    "vl_convert",
    "IPython",
)


def commands(group, path=()):
    """Return every command as it is typed, ["archive", "build"] for one of a group."""
    for name, command in group.commands.items():
        yield [*path, name]
        if isinstance(command, click.Group):
            yield from commands(command, [*path, name])


def python(code, **more):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, **more
    ).stdout


@pytest.mark.parametrize(
    "code",
    [
        "import crimenb",
        "import crimenb.cli",
        "import crimenb; dir(crimenb); crimenb.Query",
        "from crimenb.cli import main; main(['--help'], standalone_mode=False)",
        *(
            f"from crimenb.cli import main; main({[*c, '--help']}, standalone_mode=False)"
            for c in commands(main)
        ),
    ],
)
def test_an_import_and_every_help_load_nothing_heavy(code):
    out = python(f"{code}\nimport sys; print(); print([m for m in {HEAVY} if m in sys.modules])")
    assert out.splitlines()[-1] == "[]"


def test_every_public_name_is_found_where_it_lives():
    assert sorted(crimenb._HOME) == crimenb.__all__
    assert all(getattr(crimenb, name) is not None for name in crimenb.__all__)
    with pytest.raises(AttributeError, match="no 'nosuch'; choose one of CrimenbError, Data"):
        crimenb.nosuch  # noqa: B018
    assert python("from crimenb import *; print(Query.__name__, point_map.__name__)") == "Query point_map\n"


WITHOUT = {
    "fcntl": "import sys; sys.modules['fcntl'] = None",
    # What the libraries use of it is looked up before it goes.
    "what Windows has not": """
import altair, distributed, filelock, httpx, ipykernel.kernelapp, jupyter_client.asynchronous.client, papermill
import os, signal, socket
for module, names in {os: "fork geteuid killpg setsid", signal: "SIGKILL SIGCHLD", socket: "AF_UNIX send_fds"}.items():
    for name in names.split():
        delattr(module, name)
""",
    "the extras": "import sys; sys.modules |= dict.fromkeys(['dask', 'distributed', 'jupyterlab', 'nbval'])",
}
EVERY_MODULE = """
import importlib, pkgutil, crimenb
for module in pkgutil.walk_packages(crimenb.__path__, "crimenb."):
    importlib.import_module(module.name)
"""
MAIN = "from crimenb.cli import main; main()"


@pytest.mark.parametrize("what", WITHOUT)
def test_every_module_is_imported_without(what):
    python(f"{WITHOUT[what]}\n{EVERY_MODULE}")


def command(code, *arguments, **more):
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, **more
    )


@pytest.mark.slow
@pytest.mark.parametrize("what", ["fcntl", "the extras"])
def test_a_report_is_made_without(what, tmp_path):
    asked = ["report", "--source", "demo", "--from", "2025-11", "--out", str(tmp_path)]
    done = command(f"{WITHOUT[what]}\n{MAIN}", *asked)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("report.html")


def test_a_batch_without_dask_says_what_to_install(tmp_path):
    (tmp_path / "list.txt").write_text("ZZ9 9ZZ\n")
    asked = ["batch", "list.txt", "--source", "demo", "--from", "2025-12", "--out", "out"]
    done = command(f"{WITHOUT['the extras']}\n{MAIN}", *asked, cwd=tmp_path)
    assert done.returncode == 5
    assert "crimenb[batch]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("system", "switch", "said"),
    [("linux", "1", ""), ("linux", "0", "CRIMENB_WARM=0 is set"), ("win32", "1", "on Linux only")],
)
def test_what_a_batch_does_without_is_said(system, switch, said):
    code = f"import sys; sys.platform = {system!r}; from crimenb.warm import slower; print(slower())"
    out = python(code, env=os.environ | {"CRIMENB_WARM": switch}).strip()
    assert said in out
    assert bool(said) == bool(out)


@pytest.mark.slow
def test_the_bytes_are_the_same_without_the_short_cuts(tmp_path):
    """CRIMENB_WARM=0 turns off the engine, the unchecked charts, the hidden import and warm kernels."""
    made = {}
    for switch in ("0", "1"):
        out = tmp_path / switch
        asked = ["report", "ZZ9 9ZZ", "--source", "demo", "--from", "2025-10", "--out", str(out)]
        done = command(MAIN, *asked, env=os.environ | {"CRIMENB_WARM": switch})
        assert done.returncode == 0, done.stderr
        made[switch] = {p.relative_to(out): p.read_bytes() for p in sorted(out.rglob("*")) if p.is_file()}
    assert made["0"] == made["1"]
    assert len(made["0"]) > 10
