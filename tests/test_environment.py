"""The files that describe the environment say the same, and name no registry."""

import re
import tomllib

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
    for item in [*project["dependencies"], *extras["lab"], *extras["batch"]]:
        name, bound = re.fullmatch(r"([a-z0-9-]+)(?:\[.*\])?(.*)", item).groups()
        wanted[CONDA_NAMES.get(name, name)] = bound
    assert found == wanted


def test_the_lock_holds_hashes_and_no_address():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    pins = re.findall(r"^[a-z0-9._-]+==", lock, re.MULTILINE)
    assert len(pins) > 80
    assert lock.count("--hash=sha256:") >= len(pins)
