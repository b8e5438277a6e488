"""A real browser and the pages that tests open in it."""

import dataclasses
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest

from sr_bench.imaging import images
from sr_bench.report.site.pictures import Picture, Viewer
from sr_bench.report.site.write import Surroundings, write_page
from sr_bench.report.tables.quality import quality_tables

SHARED = runpy.run_path(str(Path(__file__).with_name("site_report.py")))
HOSTILE, made_up = SHARED["HOSTILE"], SHARED["made_up"]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
ARGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
if not CHROMIUM:
    pytest.skip(
        "no chromium or google-chrome on this machine: apt-get install chromium",
        allow_module_level=True,
    )
playwright = pytest.importorskip("playwright.sync_api", reason="pip install playwright")


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield opened
        opened.close()


def distances(report):
    """The report with LPIPS in place of SSIM."""
    changed = {n: getattr(report, n).replace("ssim", "lpips") for n in ("cells", "per_image")}
    return dataclasses.replace(report, **changed)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The page with timings and two images, of which the gray one lacks bicubic's."""
    root = tmp_path_factory.mktemp("site")
    hr = np.zeros((24, 32, 3), np.uint8)
    hr[:, 16:] = 200
    for name, shift in (("hr", 0), ("bicubic-x2", 10), ("edsr-x2", 0)):
        images.write(root / f"{name}.png", hr + np.uint8(shift))
    whole = {run: root / f"{run}.png" for run in ("bicubic-x2", "edsr-x2")}
    gap = whole | {"bicubic-x2": root / "nowhere.png"}
    pictures = [
        Picture("Set5", image, 2, root / "hr.png", sr)
        for image, sr in (("colour", whole), ("gray", gap))
    ]
    viewer = Viewer("edsr-2017", tuple(pictures))
    static = quality_tables(made_up().cells, names=made_up().names)
    write_page(made_up(timed=True), root / "full", Surroundings(viewer, static=static))
    dagger = frozenset({(HOSTILE, "Set5", "srcnn-2015", "psnr")})
    write_page(
        dataclasses.replace(made_up(), not_run={}), root / "plain", Surroundings(marked=dagger)
    )
    write_page(distances(made_up()), root / "distances")
    return root


@pytest.fixture
def opened(browser, site):
    """``opened(which, **context)``: a page that fails the test on errors and on any request that
    isn't a file's.
    """
    troubles, contexts = [], []

    def go(which="full", *, missing=False, **context):
        contexts.append(
            browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | context))
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(60_000)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda m: m.type in ("error", "warning") and not missing and troubles.append(m.text),
        )
        page.on("request", lambda r: r.url.startswith(("file:", "data:")) or troubles.append(r.url))
        page.on("dialog", lambda d: troubles.append(d.message))
        page.goto((site / which / "index.html").as_uri())
        return page

    yield go
    for context in contexts:
        context.close()
    assert troubles == []
