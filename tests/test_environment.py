"""The files that describe the environment say the same, and name no registry."""

import re
import tomllib

import pytest

from tests.real import ROOT

CONDA_NAMES = {"duckdb": "python-duckdb"}


def test_environment_yml_names_the_dependencies_of_pyproject():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = re.findall(
        r"^\s+- ([a-z0-9-]+)((?:[<>=!]=?[^\s]+)?)\s*$", (ROOT / "environment.yml").read_text(), re.MULTILINE
    )
    found = {name: bound for name, bound in listed if name not in ("conda-forge", "python", "pip", "crimenb")}
    wanted = {}
    extras = project["optional-dependencies"]
    for item in [*project["dependencies"], *extras["lab"], *extras["batch"], *extras["docx"]]:
        name, bound = re.fullmatch(r"([a-z0-9-]+)(?:\[.*\])?(.*)", item).groups()
        wanted[CONDA_NAMES.get(name, name)] = bound
    assert found == wanted


@pytest.mark.parametrize(("name", "least"), [("requirements.lock", 80), ("docs/requirements.lock", 20)])
def test_the_lock_holds_hashes_and_no_address(name, least):
    lock = (ROOT / name).read_text()
    assert "://" not in lock
    pins = re.findall(r"^[a-z0-9._-]+==", lock, re.MULTILINE)
    assert len(pins) > least
    assert lock.count("--hash=sha256:") >= len(pins)


def test_the_two_locks_agree():
    """The packages of the site are put into the environment of all others."""
    site, whole = (
        set(re.findall(r"^([a-z0-9._-]+)==([^ ]+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("docs/requirements.lock", "requirements.lock")
    )
    shared = {name for name, _ in whole} & {name for name, _ in site}
    assert {pin for pin in site if pin[0] in shared} <= whole
    assert len(shared) > 5
