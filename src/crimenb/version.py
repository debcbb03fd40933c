"""The version and the variables of the environment, each in one place."""

__version__ = "0.2.0"

VARIABLES = {
    "CRIMENB_CACHE_DIR": "Folder for what is kept between runs, in place of the usual one of your system.",
    "CRIMENB_CHROMIUM": "The Chromium that --pdf uses, where it is not on the PATH.",
    "CRIMENB_CONTACT": "An address that the live services can see, in case your requests cause trouble.",
    "CRIMENB_WARM": "0 turns off the processes that are kept ready. Reports stay the same, and take longer.",
    "CRIMENB_POLICE_URL": "Another address of police.uk's service, for tests.",
    "CRIMENB_POSTCODES_URL": "The address of your own postcodes.io, in place of the public one.",
    "CRIMENB_DOWNLOADS_URL": "Another address of police.uk's archive; after a space, where else its files are kept.",
    "CRIMENB_OS_URL": "The same of Ordnance Survey's downloads service.",
    "CRIMENB_ONS_URL": "The same of the ONS's catalogue and areas.",
    "CRIMENB_NOMIS_URL": "Another address of Nomis, which has residents, households and jobs.",
    "AWS_ENDPOINT_URL": "The service that s3://... means, where it is not Amazon's.",
    "AWS_ACCESS_KEY_ID": "With AWS_SECRET_ACCESS_KEY: its keys, where you have no other way to sign in.",
    "HTTPS_PROXY": "The proxy of your office. HTTP_PROXY, ALL_PROXY and NO_PROXY are read too.",
    "SSL_CERT_FILE": "A file with the certificates to trust, such as the one of your office.",
}
"""What each variable does. A test holds the list and the source together."""


def versions() -> str:
    """Return the versions that a fault may depend on, a line each."""
    import platform
    from importlib.metadata import version

    packages = ("pandas", "geopandas", "altair", "papermill", "duckdb")
    lines = [f"crimenb {__version__}", f"Python {platform.python_version()}"]
    return "\n".join([*lines, *(f"{name} {version(name)}" for name in packages)])
