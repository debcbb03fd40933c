"""The version, in one place."""

__version__ = "0.2.0"


def versions() -> str:
    """Return the versions that a fault may depend on, a line each."""
    import platform
    from importlib.metadata import version

    packages = ("pandas", "geopandas", "altair", "papermill", "duckdb")
    lines = [f"crimenb {__version__}", f"Python {platform.python_version()}"]
    return "\n".join([*lines, *(f"{name} {version(name)}" for name in packages)])
