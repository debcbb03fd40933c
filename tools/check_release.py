"""Build wheel and sdist twice, compare them, install each in an empty environment and use it there.

Run it by `make release-check`. It needs a package index, and minutes.
"""

import filecmp
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
EPOCH = {"SOURCE_DATE_EPOCH": "1735689600"}  # 2025-01-01; any moment will do, if it is the same

COMMANDS = """\
crimenb --version
crimenb report "ZZ9 9ZZ" --from 2025-01 --to 2025-12 --source demo --out reports
crimenb verify reports/zz9-9zz_2025-01_2025-12
crimenb batch list.txt --source demo --from 2025-12 --to 2025-12 --out many --workers 1
crimenb notebook --into notebooks
papermill notebooks/report.ipynb out.ipynb -p postcode "ZZ9 9ZZ" -p start 2025-12 --no-progress-bar
python -c "import crimenb as cn; print(len(cn.collect('ZZ9 9ZZ').crimes))"
"""


def build(into: Path) -> list[Path]:
    """Build both files and return them, wheel first."""
    for target in ("wheel", "sdist"):
        command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(into)]
        subprocess.run(command, cwd=ROOT, env=os.environ | EPOCH, check=True, capture_output=True)
    return sorted(into.glob("crimenb-*"), key=lambda p: p.suffix != ".whl")


def use(package: Path, folder: Path) -> None:
    """Install one file with the extra for batches where nothing else is, and run the commands elsewhere."""
    venv.create(folder / "env", with_pip=True)
    python = folder / "env" / "bin" / "python"
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"{package}[batch]"]
    subprocess.run([python, *install], cwd=folder, check=True)
    work = folder / "anywhere"
    work.mkdir()
    (work / "list.txt").write_text("ZZ9 9ZZ\nZZ2 2BB\n")
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    env = clean | {
        "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
        "CRIMENB_CACHE_DIR": str(folder / "cache"),
    }
    for line in COMMANDS.splitlines():
        begun = time.monotonic()
        done = subprocess.run(
            ["bash", "-euc", line], cwd=work, env=env, capture_output=True, text=True, check=False
        )
        print(f"{'ok' if done.returncode == 0 else 'FAILS'} {time.monotonic() - begun:6.1f} s  {line}")
        if done.returncode:
            sys.exit(done.stdout + done.stderr)


def main() -> None:
    DIST.mkdir(exist_ok=True)
    for old in DIST.glob("crimenb-*"):
        old.unlink()
    first = build(DIST)
    with tempfile.TemporaryDirectory() as again:
        for one, other in zip(first, build(Path(again)), strict=True):
            if not filecmp.cmp(one, other, shallow=False):
                sys.exit(f"{one.name} is another one when it is built again")
            print(f"ok  {one.name} is the same twice, {one.stat().st_size:,} bytes")
    for package in first:
        with tempfile.TemporaryDirectory() as folder:
            print(f"{package.name}:")
            use(package, Path(folder))


if __name__ == "__main__":
    main()
