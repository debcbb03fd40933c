"""JupyterLab, driven by a real browser on the loopback: both notebooks, run and drawn."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest

from crimenb.charts.display import SVG
from crimenb.charts.theme import VEGALITE
from crimenb.files import notebook_path
from tests.real import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
TOKEN = "loopback"
# So that a cell far down is there to be looked at.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
}
RUN_ALL = """async () => {  // what Run > Run All Cells does, once the kernel is there
  await jupyterapp.restored;
  await jupyterapp.shell.currentWidget.sessionContext.ready;
  await jupyterapp.commands.execute('notebook:run-all-cells');
}"""
DONE = """() => {
  const prompts = [...document.querySelectorAll('.jp-Notebook .jp-CodeCell .jp-InputPrompt')];
  return prompts.length > 9 && prompts.every(p => /\\[\\d+\\]/.test(p.textContent));
}"""
DRAWN = """() => [...document.querySelectorAll('.jp-RenderedVegaCommon5')].map(
  e => { const drawn = e.querySelector('svg, canvas');
         return drawn ? Math.round(drawn.getBoundingClientRect().width) : 0; })"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Start what `make lab` starts, on copies of the notebooks; end it afterwards."""
    home = tmp_path_factory.mktemp("lab")
    folder = shutil.copytree(
        notebook_path().parent, home / "notebooks", ignore=shutil.ignore_patterns("exports")
    )
    for name, said in SETTINGS.items():
        path = home / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(said))
    port = free_port()
    jupyter = str(Path(sys.executable).parent / "jupyter")
    command = [
        jupyter, "lab", str(folder),
        "--no-browser", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={TOKEN}", "--ServerApp.allow_root=True", "--LabApp.expose_app_in_browser=True",
        f"--LabApp.user_settings_dir={home / 'settings'}", f"--LabApp.workspaces_dir={home / 'spaces'}",
    ]  # fmt: skip
    nowhere = "http://127.0.0.1:9"
    env = os.environ | {
        "HOME": str(home), "JUPYTER_CONFIG_DIR": str(home / "config"), "JUPYTER_RUNTIME_DIR": str(home / "run"),
        "IPYTHONDIR": str(home / "ipython"), "https_proxy": nowhere, "http_proxy": nowhere, "no_proxy": "127.0.0.1",
    }  # fmt: skip
    [disable] = re.findall(r"jupyter (labextension .*?) #", (ROOT / "Makefile").read_text())
    here = [word.replace("sys_prefix", "user") for word in disable.split()]
    subprocess.run([jupyter, *here], env=env, check=True, capture_output=True)
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        address = f"http://127.0.0.1:{port}"
        for _ in range(150):
            try:
                urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=2)
                break
            except OSError:
                assert server.poll() is None, (home / "log").read_text()
                time.sleep(0.2)
        yield address, folder
    finally:
        server.terminate()
        server.wait(timeout=20)


@pytest.fixture(scope="module")
def browser():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["report", "explore"])
def test_every_cell_runs_and_every_chart_is_drawn(name, lab, browser):
    address, folder = lab
    page = browser.new_page(viewport={"width": 1300, "height": 1000})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{address}/lab/workspaces/{name}/tree/{name}.ipynb?token={TOKEN}")
    page.wait_for_selector(".jp-Notebook .jp-CodeCell", timeout=30_000)
    page.evaluate(RUN_ALL)
    page.wait_for_function(DONE, timeout=60_000)
    nb = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    page.wait_for_function(f"{DRAWN.replace('=>', '=> (', 1)}).every(w => w > 100)", timeout=30_000)
    widths = page.evaluate(DRAWN)
    sources = [
        c["source"] for c in nb["cells"] if "stops" not in c["metadata"].get("tags", [])
    ]  # not asked for
    assert len(widths) == any('"snapped-points"' in s for s in sources) + sum(  # the map's enlarged part
        bool(
            re.search(
                r"^(cn\.show(?!\(cn\.\w+_(?:bars|dots))|cn\.\w+_chart|cn\.point_map|cn\.small|lines\.encode|figure$)",
                s.splitlines()[-1],
            )
        )
        for s in sources
        if s
    )
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator(".jp-Dialog, .Toastify__toast").count() == 0  # no question about news
    assert [
        url for url in asked if not url.startswith((address, "data:", "blob:", address.replace("http", "ws")))
    ] == []
    for theme, light in (("Light", "true"), ("Dark", "false")):
        page.evaluate(
            f"jupyterapp.commands.execute('apputils:change-theme', {{theme: 'JupyterLab {theme}'}})"
        )
        page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached", timeout=10_000)
        assert page.evaluate(DRAWN) == widths
        picture(page, f"{name}-{theme.lower()}")
    page.close()


def picture(page, name: str) -> None:
    """Keep pictures of the charts where CRIMENB_SHOTS names a folder, for eyes."""
    if folder := os.environ.get("CRIMENB_SHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        for i, chart in enumerate(page.locator(".jp-RenderedVegaCommon5").all()):
            chart.scroll_into_view_if_needed()
            page.wait_for_timeout(150)
            page.screenshot(path=f"{folder}/{name}-{i}.png")


def sanitised(svg: str) -> ElementTree.Element:
    """Strip a drawing as GitHub says that it strips what it shows: no script, no style, no class, no event."""
    root = ElementTree.fromstring(svg)
    for parent in root.iter():
        for child in [c for c in parent if c.tag.rpartition("}")[2] in ("script", "style", "foreignObject")]:
            parent.remove(child)
        for name in [n for n in parent.attrib if re.match(r"style$|class$|role$|on|aria-", n)]:
            del parent.attrib[name]
    return root


def test_on_github_every_figure_is_there_with_its_finding(demo_report):
    """GitHub draws no Vega-Lite. What it does to a notebook is simulated by its published rules."""
    nb = nbformat.read(demo_report / "report.ipynb", as_version=4)
    nbformat.validate(nb)
    outputs = [[o.get("data", {}) for o in c["outputs"]] for c in nb["cells"] if c["cell_type"] == "code"]
    figures = [cell for cell in outputs if any(re.match(r"Figure \d", o.get("text/plain", "")) for o in cell)]
    assert len(figures) >= 6
    for cell in figures:
        assert all("text/plain" in data for data in cell)
        assert any("<table" in data.get("text/html", "") for data in cell)
        for chart in (data for data in cell if VEGALITE in data):
            assert re.match(r"\[Chart\] \S.{40,}\.", chart["text/plain"]), chart["text/plain"]
            whole, left = ElementTree.fromstring(chart[SVG]), sanitised(chart[SVG])
            lost = {
                n
                for a, b in zip(whole.iter(), left.iter(), strict=True)
                for n in a.attrib
                if n not in b.attrib
            }
            assert lost == {"class", "role", "aria-label"}  # none of which draws
            ids = {e.get("id") for e in left.iter()}
            assert {*re.findall(r"url\(#([^)]+)\)", chart[SVG])} <= ids
            seen = [e for e in left.iter() if e.get("fill") not in (None, "none") or e.get("stroke")]
            assert len(seen) > 20
    bars, *_ = [o["text/html"] for cell in figures for o in cell if 'class="bars"' in o.get("text/html", "")]
    bare = re.sub(r"<svg.*?</svg>| class=\"[^\"]*\"", "", bars)  # of small bars in HTML nothing is left there
    assert len(re.findall(r'<tr><th scope="row">[^<]+</th><td>[\d,]+</td>', bare)) == 14
