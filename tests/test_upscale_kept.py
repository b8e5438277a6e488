"""Upscaled images stay where nothing that decides them has changed, and only there."""

import json
import shutil
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from sr_bench.evaluation.upscaling import circumstances, prepared
from sr_bench.evaluation.upscaling.circumstances import method_code
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging import images
from sr_bench.imaging.degrade import Degradation
from sr_bench.project.project import Project
from sr_bench.support.files import sha256

RUN = "mine-x2"
METHOD = """
import outside
from sr_bench.networks.method import Method


class Mine:
    colour = "any"

    def __call__(self, lr):
        return lr.repeat_interleave(2, 2).repeat_interleave(2, 3) * 1.0


METHOD = Method(name="mine", load=lambda setup: Mine(), reference="nobody")
"""
FIRST = {"rgb-matlab/Set5": 3, "ycbcr-float-replicate/Set5": 3}
SECOND = {"rgb-matlab/Set14": 2, "ycbcr-float-replicate/Set14": 2}


@pytest.fixture
def root(project, picture, tmp_path, monkeypatch):
    """A project with one run, made once, of three images under two degradations."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path/outside.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(tmp_path / "path")
    dataset(project, "Set5", [picture(16, 20 + 2 * i, 3) for i in range(3)])
    (project / "methods").mkdir()
    (project / "methods/mine.py").write_text(METHOD)
    (project / "methods/other.py").write_text(METHOD.replace('"mine"', '"other"'))
    params(project, "[Set5]")
    assert go(project) == (FIRST, 0)
    yield project
    sys.modules.pop("outside", None)


def params(root, datasets):
    (root / "params.yaml").write_text(
        "methods: [methods]\nledger: null\nfetch: [Set5, Set14]\n"
        f"protocols: {{edsr-2017: {datasets}, srcnn-2015: {datasets}}}\n"
        f"runs:\n  {RUN}: {{method: mine, scale: 2, protocols: [edsr-2017, srcnn-2015]}}\n"
    )


def dataset(root, name, pictures):
    entries = []
    for i, picture in enumerate(pictures):
        path = root / "data" / name / f"{i}.png"
        images.write(path, picture)
        entries.append({"name": path.name, "shape": picture.shape, "sha256": sha256(path)})
    manifest = root / f"build/manifests/{name}.json"
    manifest.write_text(json.dumps({"dataset": name, "images": entries}))


def go(root):
    """Upscale; how many images were made, by degradation and dataset, and how many were there."""
    opened = Project.load(root)
    done = upscale_run(opened, opened.run(RUN), progress=lambda _: None)
    assert {p.parent for p in made(root)} == set(done.folders)
    return {name: n for name, n in done.made.items() if n}, sum(done.kept.values())


def made(root):
    return {p: p.read_bytes() for p in (root / "build/sr").rglob("*") if p.is_file()}


def test_a_second_time_nothing_is_made_nor_touched(root, monkeypatch):
    before = made(root)
    times = {p: p.stat().st_mtime_ns for p in before}
    monkeypatch.setattr(prepared, "load_upscaler", None)  # no model is built
    assert go(root) == ({}, 6)
    assert made(root) == before and {p: p.stat().st_mtime_ns for p in before} == times


def test_a_new_dataset_upscales_its_own_images(root, picture):
    before = made(root)
    dataset(root, "Set14", [picture(18, 22, 3), picture(18, 24)])
    params(root, "[Set5, Set14]")
    assert go(root) == (SECOND, 6)
    assert before.items() < made(root).items() and len(made(root)) == 10
    params(root, "[Set14]")  # what is no part of the run any more goes
    assert go(root) == ({}, 4)
    assert {p.parent.name for p in made(root)} == {"Set14"}


def test_a_new_protocol_upscales_under_its_degradation(root):
    text = (root / "params.yaml").read_text()
    more = text.replace("{edsr-2017: [Set5]", "{basicsr-y: [Set5], edsr-2017: [Set5]")
    (root / "params.yaml").write_text(more.replace("s: [edsr-2017,", "s: [basicsr-y, edsr-2017,"))
    assert go(root) == ({"rgb-matlab-mod12/Set5": 3}, 6)


def test_one_changed_hr_image_is_made_again_alone(root, picture):
    pictures = [picture(16, 20, 3)] + [
        images.read(root / f"data/Set5/{i}.png") for i in (1, 2)
    ]  # the first is another one
    before = made(root)
    dataset(root, "Set5", pictures)
    assert go(root) == (dict.fromkeys(FIRST, 1), 4)
    after = made(root)
    assert {p.name for p in after if after[p] != before[p]} == {"0.png"}


def touch(path):
    path.write_text(path.read_text() + "\n# touched\n")


def other_code(root, monkeypatch):
    before = circumstances.PACKAGE
    copy = root / "copy" / "sr_bench"
    shutil.copytree(before, copy)
    touch(copy / "imaging/resize.py")
    monkeypatch.setattr(circumstances, "PACKAGE", copy)


def other_version(root, monkeypatch):
    real = circumstances.version
    monkeypatch.setattr(circumstances, "version", lambda n: "9" if n == "torch" else real(n))


CHANGES = {
    "its method": lambda root, _: touch(root / "methods/mine.py"),
    "a helper of methods": lambda root, _: helper(root),
    "a module on the path": lambda root, _: touch(root.parent / "path/outside.py"),
    "the code": other_code,
    "a library": other_version,
    "cores": lambda _, monkeypatch: monkeypatch.setattr(circumstances, "cores", lambda: 77),
}


def helper(root):
    (root / "methods/parts").mkdir()
    (root / "methods/parts/blocks.py").write_text("X = 1\n")


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_decides_pixels_makes_all_again(root, monkeypatch, what):
    CHANGES[what](root, monkeypatch)
    assert go(root) == (FIRST, 0)
    assert go(root) == ({}, 6)


def test_what_decides_no_pixel_makes_nothing_again(root):
    touch(root / "methods/other.py")
    (root / "methods/README.md").write_text("no code")
    assert go(root) == ({}, 6)
    (root / "methods/mine.py").write_text(METHOD.replace("import outside", "import outside, other"))
    (root.parent / "path/other.py").write_text("")
    assert go(root) == (FIRST, 0)
    touch(root / "methods/other.py")  # which mine.py names now
    assert go(root) == (FIRST, 0)


def test_another_degradation_of_one_name_is_made_again(root, monkeypatch):
    def other(rule: Degradation):
        mirrored = rule.name == "rgb-matlab"
        return rule.model_copy(update={"border": "replicate"}) if mirrored else rule

    real = Project.work

    def changed(self, run):
        return [work._replace(degradation=other(work.degradation)) for work in real(self, run)]

    monkeypatch.setattr(Project, "work", changed)
    assert go(root) == ({"rgb-matlab/Set5": 3}, 3)


def test_other_weights_make_all_again(root, monkeypatch):
    file = root / "weights.safetensors"
    monkeypatch.setattr(prepared, "noted_weights", lambda *_: file)
    for value in (1, 2):
        save_file({"x": np.full(3, value, np.float32)}, file)
        assert go(root) == (FIRST, 0)
        assert go(root) == ({}, 6)


def test_an_image_that_somebody_replaced_is_made_again(root, picture):
    before = made(root)
    path = root / f"build/sr/{RUN}/rgb-matlab/Set5/1.png"
    images.write(path, picture(16, 22, 3))
    (path.parent / "stray.txt").write_text("")
    (root / f"build/sr/{RUN}/stray").mkdir()
    (root / f"build/sr/{RUN}/rgb-matlab/Set9").mkdir()
    assert go(root) == ({"rgb-matlab/Set5": 1}, 5)
    assert made(root) == before


def test_images_of_another_time_are_not_believed(root, picture):
    """As when DVC puts back those of an older commit: the journal is of the newer ones."""
    old = root.parent / "old"
    shutil.copytree(root / "build/sr", old)
    touch(root / "methods/mine.py")
    (root / "methods/mine.py").write_text(METHOD.replace("* 1.0", "* 0.5"))
    assert go(root) == (FIRST, 0)
    newer = made(root)
    shutil.rmtree(root / "build/sr")
    shutil.copytree(old, root / "build/sr")
    assert go(root) == (FIRST, 0)
    assert made(root) == newer


def test_the_command_says_what_it_made(root, picture, cli):
    out, _ = cli(["upscale", RUN], cwd=root)
    assert out == f"{RUN}: nothing to upscale; 6 images were there\n"
    dataset(root, "Set14", [picture(18, 22, 3)])
    params(root, "[Set5, Set14]")
    out, _ = cli(["upscale", RUN, "--json"], cwd=root)
    facts = json.loads(out)
    assert facts["upscaled"] == dict.fromkeys(SECOND, 1) and facts["kept"] == 6


def test_the_files_of_a_method(tmp_path):
    for name, text in {
        "a.py": "import b", "b.py": "c = 1  # not d: e-f", "c.py": "", "d.py": "", "x.py": "",
        "parts/p.py": "import x", "more.txt": "",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = [p.relative_to(tmp_path).as_posix() for p in method_code(tmp_path / "a.py", [tmp_path])]
    assert sorted(found) == ["a.py", "b.py", "c.py", "d.py", "parts/p.py", "x.py"]
    found = method_code(tmp_path / "c.py", [tmp_path])
    assert sorted(p.name for p in found) == ["c.py", "p.py", "x.py"]
