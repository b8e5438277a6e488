"""What a project and installed plug-ins add to what is known by name."""

import json
import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from sr_bench.data.catalogue import plugins, protocols, sources
from sr_bench.data.catalogue.catalogue import Catalogue
from sr_bench.data.catalogue.entries import CatalogueError
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring import extra
from sr_bench.networks import installed
from sr_bench.project.project import Project
from sr_bench.support import notices

SHA = "0123456789abcdef" * 4
SET = f"""mine:
  kind: images
  title: t
  licence: CC0
  base: https://host/
  files: {{a.png: 10 {SHA}}}
"""
PROTOCOL = """degradations:
  mine-once: {colour: rgb, modcrop: 4, rounding: once, border: mirror}
protocols:
  mine-2026:
    version: 1
    summary: mine
    source: here
    degradation: mine-once
    colour: rgb
    y: float
    gray: rgb
    crop: {times: 0, plus: 0}
    metrics: [psnr, ssim]
    tolerance: {psnr: 0.02, ssim: 0.0005}
"""


def adds(root: Path, sources: str = "", protocols: str = "") -> Path:
    folder = root / "catalogue"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("sources", sources), ("protocols", protocols)):
        if text:
            (folder / f"{name}.yaml").write_text(text)
    return root


# A project's own


def test_two_projects_in_one_process_know_their_own_alone(tmp_path):
    one = Catalogue.of_project(adds(tmp_path / "one", SET, PROTOCOL))
    other = Catalogue.of_project(adds(tmp_path / "two", SET.replace("mine", "theirs")))
    assert "mine" in one.sources and "mine" not in other.sources
    assert "theirs" in other.sources and "Set5" in one.sources and "Set5" in other.sources
    assert "mine-2026" in one.protocols.protocols
    assert "mine-2026" not in other.protocols.protocols
    assert "mine" not in Catalogue.installed().sources
    assert "mine-2026" not in Catalogue.installed().protocols.protocols


def test_a_foreign_protocol_has_its_definitions_hash_in_its_signature(tmp_path):
    def signature(text):
        found = Catalogue.of_project(adds(tmp_path, protocols=text))
        return found.protocols.find("mine-2026").signature

    first = signature(PROTOCOL)
    assert re.search(r"\|definition:[0-9a-f]{12}\|sr-bench:", first)
    assert signature(PROTOCOL.replace("summary: mine", "summary: other words")) == first
    for old, new in (("gray: rgb", "gray: rgb"), ("times: 0", "times: 1"), ("once, b", "none, b")):
        assert (signature(PROTOCOL.replace(old, new)) == first) == (old == new)
    packaged = Catalogue.of_project(tmp_path).protocols.find("edsr-2017")
    assert packaged.signature == find_protocol("edsr-2017").signature
    assert "definition" not in packaged.signature


@pytest.mark.parametrize(
    ("sources", "protocols", "facts"),
    [
        (SET.replace("mine:", "Set5:"), "", ["'Set5' is in sr_bench/data/catalogue/sources.yaml"]),
        ("", PROTOCOL.replace("mine-2026", "edsr-2017"), ["protocols.yaml: 'edsr-2017' is in sr_"]),
        ("", PROTOCOL.replace("mine-once:", "rgb-once:"), ["'rgb-once' is in sr_bench/data"]),
        ("", PROTOCOL.replace("n: mine-once", "n: none"), ["mine-2026; ", "unknown degradation"]),
        ("", PROTOCOL.replace("y: float", "y: half"), ["protocols.mine-2026.y: ", "'half'"]),
        ("", PROTOCOL.replace("    crop", "    crp"), ["unknown key", "did you mean 'crop'?"]),
        ("", PROTOCOL.replace("modcrop: 4", "modcrop: a"), ["degradations.mine-once.modcrop"]),
        ("", "protocls: {}", ["it has degradations: and protocols:"]),
        ("", "protocols: [a]", ["protocols are ['a'], not entries by name"]),
        ("", "a: [", ["not YAML"]),
        ("[a]", "", ["holds ['a'], not entries by name"]),
    ],
)  # fmt: skip
def test_files_that_cannot_be_used(tmp_path, sources, protocols, facts):
    adds(tmp_path, sources, protocols)
    with pytest.raises(ValueError, match=re.escape(str(tmp_path / "catalogue"))) as caught:
        Catalogue.of_project(tmp_path)
    for fact in facts:
        assert fact in str(caught.value)


def test_a_protocol_and_a_set_of_the_project_go_through_the_pipeline(project, cli):
    adds(project, SET, PROTOCOL)
    params = project / "params.yaml"
    text = params.read_text().replace("edsr-2017: [Set5]", "edsr-2017: [Set5], mine-2026: [Set5]")
    params.write_text(text.replace("[edsr-2017, srcnn", "[mine-2026, edsr-2017, srcnn"))
    loaded = Project.load(project)
    assert loaded.source("mine").licence == "CC0"
    for words in (["fetch", "--run", "bicubic-x2"], ["upscale", "bicubic-x2"]):
        cli(words, cwd=project)
    cli(["score", "bicubic-x2"])
    out, _ = cli(["report", "--tables"])
    assert "mine-2026" in out
    assert "definition:" in (project / "reports" / "scores.csv").read_text()
    out, _ = cli(["list", "protocols", "--origin", "--json"])
    origins = {row["protocol"]: row["origin"] for row in json.loads(out)}
    assert origins["mine-2026"] == "this project" and origins["edsr-2017"].startswith("sr-bench ")
    out, _ = cli(["list", "sources", "--json"])
    assert "mine" in {row["name"] for row in json.loads(out)} and "origin" not in out


def test_published_numbers_under_a_protocol_of_the_project(project, cli):
    adds(project, protocols=PROTOCOL)
    header = "source,method,variant,dataset,scale,metric,value,protocol,note,run,trained\n"
    (project / "published.csv").write_text(
        f"{header}me,bicubic,,Set5,2,psnr,30.1,mine-2026,,bicubic,\n"
    )
    params = project / "params.yaml"
    text = params.read_text().replace("edsr-2017: [Set5]", "edsr-2017: [Set5], mine-2026: [Set5]")
    text = text.replace("[edsr-2017, srcnn", "[mine-2026, edsr-2017, srcnn")
    params.write_text(text.replace("ledger: null", "ledger: published.csv"))
    for words in (["fetch", "--run", "bicubic-x2"], ["upscale", "bicubic-x2"]):
        cli(words, cwd=project)
    cli(["score", "bicubic-x2"])
    cli(["report"])
    assert "mine-2026" in (project / "reports" / "reproduction.csv").read_text()


# Plug-ins


@pytest.fixture
def plug(tmp_path, monkeypatch):
    """``plug(group, name, {file: text})``: installs a package of that name for one test."""
    monkeypatch.setattr(notices, "_said", set())
    caches = (sources.installed_sources, protocols.load_protocols, installed.plugin_folders)
    caches += (extra._plugins,)
    found = []
    monkeypatch.setattr(
        plugins, "entry_points", lambda group: [e for e in found if e.group == group]
    )
    monkeypatch.syspath_prepend(str(tmp_path / "site"))

    def make(group, name, files, value=None):
        package = tmp_path / "site" / f"brings_{name}"
        package.mkdir(parents=True)
        monkeypatch.delitem(sys.modules, package.name, raising=False)
        for file, text in ({"__init__.py": ""} | files).items():
            (package / file).write_text(text)
        found.append(EntryPoint(name, value or package.name, group))
        for cache in caches:
            cache.cache_clear()

    for cache in caches:
        cache.cache_clear()
    yield make
    for cache in caches:
        cache.cache_clear()


def test_a_plug_in_brings_sets_and_protocols(plug, cli, tmp_path):
    plug("sr_bench.catalogue", "lab", {"sources.yaml": SET, "protocols.yaml": PROTOCOL})
    assert "definition:" in find_protocol("mine-2026").signature
    out, _ = cli(["list", "sources", "--origin", "--json"], cwd=tmp_path)
    assert {r["name"]: r["origin"] for r in json.loads(out)}["mine"] == "brings_lab"


@pytest.mark.parametrize(
    ("files", "fact"),
    [
        ({"__init__.py": "import not_there_at_all"}, "left out: ModuleNotFoundError"),
        ({"__init__.py": "raise SystemExit(3)"}, "left out: SystemExit"),
        ({"sources.yaml": SET.replace("mine:", "Set5:")}, "left out: brings_bad/sources.yaml"),
        ({"protocols.yaml": "a: ["}, "left out: brings_bad/protocols.yaml: not YAML"),
    ],
)
def test_one_that_fails_is_named_and_the_others_go_on(plug, caplog, files, fact):
    plug("sr_bench.catalogue", "bad", files)
    plug("sr_bench.catalogue", "good", {"sources.yaml": SET, "protocols.yaml": PROTOCOL})
    assert "mine" in Catalogue.installed().sources
    assert "mine-2026" in Catalogue.installed().protocols.protocols
    assert fact in caplog.text and "bad" in caplog.text


METHOD = """
from sr_bench import Method

class Nearest:
    colour, reach = "any", 1
    def __init__(self, setup): self.scale = setup.scale
    def __call__(self, lr):
        return lr.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)

METHOD = Method(name="nearest", load=Nearest, reference="each pixel repeated")
"""


def test_a_plug_in_brings_methods(plug, cli, caplog, tmp_path):
    plug("sr_bench.methods", "aaa", {"broken.py": "1 / 0"})
    plug("sr_bench.methods", "lab", {"nearest.py": METHOD, "_helper.py": "1 / 0"})
    plug("sr_bench.methods", "zzz", {"nearest.py": METHOD})
    out, _ = cli(["list", "methods", "--origin", "--json"], cwd=tmp_path)
    origins = {row["method"]: row["origin"] for row in json.loads(out)}
    assert origins["nearest"] == "brings_lab" and origins["edsr"].startswith("sr-bench ")
    assert "ZeroDivisionError" in caplog.text
    assert "plug-in zzz" in caplog.text and "so is that of" in caplog.text


def test_a_plug_in_brings_a_metric(plug, cli, tmp_path, picture):
    from sr_bench.imaging import images

    text = "def mae(sr, hr):\n    return abs(sr.astype(float) - hr).mean()\n\n"
    text += "mae.higher_is_better = False\n"
    plug("sr_bench.metrics", "mae", {"__init__.py": text}, "brings_mae:mae")
    plug("sr_bench.metrics", "lpips", {}, "brings_lpips:nothing")
    image = picture(24, 24, 3)
    images.write(tmp_path / "hr" / "a.png", image)
    images.write(tmp_path / "sr" / "a.png", image // 2)
    words = ["score", "--sr", "sr", "--hr", "hr", "--scale", 2, "--protocol", "edsr-2017"]
    out, _ = cli([*words, "--metric", "mae", "--json"], cwd=tmp_path)
    answer = json.loads(out)
    expected = abs((image // 2).astype(float) - image)[2:-2, 2:-2].mean()
    assert answer["mean"]["mae"] == pytest.approx(expected)
    assert answer["signature"].endswith("|metric:mae+brings_mae:mae")
    out, _ = cli(["list", "metrics", "--origin", "--json"])
    assert {
        "metric": "mae",
        "needs": "pair",
        "better": "lower",
        "origin": "brings_mae:mae",
    } in json.loads(out)


def test_a_file_of_entries_that_is_damaged_is_a_catalogue_error(tmp_path):
    with pytest.raises(CatalogueError):
        Catalogue.of_project(adds(tmp_path, protocols="- a"))
