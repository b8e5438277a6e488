"""Comparison figures: what they show is what was scored, and what can't be shown is said."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from pydantic import ValidationError

from sr_bench.evaluation.scoring.run import score_run
from sr_bench.imaging import images
from sr_bench.project.entries import Box, FigureEntry, parse_box
from sr_bench.project.project import Project
from sr_bench.report.figures.all_figures import (
    comparison_folder,
    write_comparison,
    write_comparisons,
)
from sr_bench.report.figures.comparison import comparison_figure
from sr_bench.report.figures.comparison_layout import Contents, arrange
from sr_bench.report.figures.comparison_pictures import load_pictures
from sr_bench.report.figures.region import choose_box
from sr_bench.report.figures.style import paper_style
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import sha256

ODD = "o_.b"
TITLE = "B_%<b>$"
PROTOCOLS = ("edsr-2017", "srcnn-2015")


@pytest.fixture
def scored(tmp_path, picture):
    """Two runs on two images that stand for Set5, scored under two protocols."""
    root = tmp_path / "p"
    (root / "methods").mkdir(parents=True)
    (root / "methods/bicubic.py").write_text(
        "from sr_bench.networks.method import Method\n"
        "METHOD = Method(name='bicubic', load=print, reference='r', baseline=True,\n"
        f"    title='{TITLE}')\n"
    )
    lines = ["methods: [methods]", "ledger: null", "fetch: [Set5]",
             "protocols: {edsr-2017: [Set5], srcnn-2015: [Set5]}", "runs:",
             "  other-x2: {method: other, scale: 2, protocols: [edsr-2017, srcnn-2015]}",
             f"  'odd-{ODD}-x2': {{method: odd, variant: '{ODD}', scale: 2,"
             " protocols: [edsr-2017]}",
             "  bicubic-x2: {method: bicubic, scale: 2, protocols: [edsr-2017, srcnn-2015]}",
             "  bicubic-x3: {method: bicubic, scale: 3, protocols: [edsr-2017]}"]  # fmt: skip
    (root / "params.yaml").write_text("\n".join(lines) + "\n")
    entries = []
    for name, shape in (("wing_GT.png", (97, 121, 3)), ("gray.png", (80, 90))):
        path = root / "data" / "Set5" / name
        images.write(path, picture(*shape) // 4 + 90)
        entries.append({"name": name, "shape": shape, "sha256": sha256(path)})
    project = Project.load(root)
    project.manifest("Set5").parent.mkdir(parents=True)
    project.manifest("Set5").write_text(json.dumps({"dataset": "Set5", "images": entries}))
    for run, noise in (("bicubic-x2", 40), ("other-x2", 20), (f"odd-{ODD}-x2", 10)):
        upscaled(project, run, noise)
        score_run(project, project.run(run))
    return project


def upscaled(project, run, noise):
    """HR with noise in the box (40, 30) to (70, 60) in place of what a network makes of it."""
    rng = np.random.default_rng(noise)
    for degradation in ("rgb-matlab", "ycbcr-float-replicate"):
        for stem in ("wing_GT", "gray"):
            hr = images.read(project.data / "Set5" / f"{stem}.png")
            sr = hr[: hr.shape[0] // 2 * 2, : hr.shape[1] // 2 * 2].astype(int)
            colour = "ycbcr" if degradation.startswith("y") and sr.ndim == 3 else "rgb"
            sr[30:60, 40:70] += rng.integers(-noise, noise + 1, sr[30:60, 40:70].shape)
            target = project.sr(run, degradation, "Set5") / f"{stem}.png"
            images.write(target, sr.clip(0, 255).astype(np.uint8), colour=colour)


def entry(**changes):
    content = {"image": "Set5/wing", "scale": 2, "protocol": "edsr-2017",
               "runs": ("other-x2", "bicubic-x2")}  # fmt: skip
    return FigureEntry(**{**content, **changes})


def texts(figure):
    return [t.get_text() for t in figure.findobj(Text) if t.get_text() and t.get_visible()]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_numbers_under_the_crops_are_those_of_the_tables(scored, protocol):
    pictures = load_pictures(scored, entry(protocol=protocol))
    figure, caption = comparison_figure(pictures, entry(protocol=protocol))
    table = pd.read_csv(scored.scores("other-x2"))
    rows = table[(table["image"] == "wing_GT") & (table["protocol"] == protocol)]
    value = dict(zip(rows["metric"], rows["value"]))
    shown = texts(figure)
    assert f"{value['psnr']:.2f}" in shown and f"{value['ssim']:.4f}" in shown
    assert rows["signature"].iloc[0] in caption
    assert [s.run for s in pictures.shown] == ["bicubic-x2", "other-x2"]


def test_ycbcr_planes_are_shown_as_colours_and_compared_as_luminance(scored):
    wing = load_pictures(scored, entry(protocol="srcnn-2015")).shown[0]
    path = scored.sr("bicubic-x2", "ycbcr-float-replicate", "Set5") / "wing_GT.png"
    planes, colour = images.read_tagged(path)
    assert colour == "ycbcr" and not np.array_equal(wing.sr, planes)
    assert np.array_equal(wing.luminance, planes[..., 0])


def test_the_region_is_where_the_runs_differ_most(scored):
    chosen = entry(image="Set5/gray")
    pictures = load_pictures(scored, chosen)
    box = choose_box(
        pictures.luminance, [s.luminance for s in pictures.shown], border=pictures.border
    )
    assert box.width == box.height == 24
    assert box.x >= 40 and box.x + 24 <= 70 and box.y >= 30 and box.y + 24 <= 60
    assert str(box.x) in comparison_figure(pictures, chosen)[1]


def test_the_region_by_hand_and_by_brute_force():
    rng = np.random.default_rng(3)
    hr = rng.integers(0, 256, (40, 52), dtype=np.uint8)
    srs = [rng.integers(0, 256, hr.shape, dtype=np.uint8) for _ in range(3)]
    error = np.stack([(sr.astype(float) - hr) ** 2 for sr in srs])
    windows = np.lib.stride_tricks.sliding_window_view(error, (24, 24), axis=(1, 2))
    worth = windows.sum((3, 4)).var(0)[2:-2, 2:-2]
    y, x = np.unravel_index(worth.argmax(), worth.shape)
    assert choose_box(hr, srs, border=2) == Box(x + 2, y + 2, 24, 24)
    assert choose_box(hr, [hr, hr], border=2) == Box(2, 2, 24, 24)  # no difference: the first
    with pytest.raises(SrBenchError, match=r"10 pixels at each side"):
        choose_box(hr[:24], [sr[:24] for sr in srs], border=10)


def test_crops_are_whole_dots_a_pixel_and_nothing_overlaps():
    for panels in (2, 3, 6, 13):
        for bands in (1, 2):
            for box in ((49, 49), (20, 90)):
                made = arrange(Contents((321, 481), box, panels, bands, 3))
                assert made.zoom == int(made.zoom) and made.width <= 2070
                rects = [made.hr, *(r for panel in made.panels for r in panel)]
                for i, a in enumerate(rects):
                    assert a.left >= 0 and a.left + a.width <= made.width
                    for b in rects[:i]:
                        assert (
                            a.left >= b.left + b.width or b.left >= a.left + a.width
                            or a.top >= b.top + b.height or b.top >= a.top + a.height
                        )  # fmt: skip
                assert made.panels[0][0].height == box[0] * made.zoom
    with pytest.raises(SrBenchError, match="60 runs have no room"):
        arrange(Contents((321, 481), (49, 49), 61, 1, 2))


@pytest.mark.parametrize("errors", [False, True])
def test_texts_are_large_enough_apart_and_on_the_page(scored, errors):
    runs = ("other-x2", f"odd-{ODD}-x2", "bicubic-x2")
    wanted = entry(runs=runs, errors=errors, box=Box(3, 5, 60, 20))
    figure, _ = comparison_figure(load_pictures(scored, wanted), wanted)
    with paper_style():
        figure.draw_without_rendering()
        found = [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]
        boxes = [t.get_window_extent() for t in found]
    assert min(t.get_fontsize() for t in found) >= 7
    assert figure.get_size_inches()[0] <= 6.91
    for i, a in enumerate(boxes):
        assert a.x0 >= 0 and a.y0 >= 0 and a.x1 <= figure.bbox.x1 and a.y1 <= figure.bbox.y1
        for b in boxes[:i]:
            assert (
                min(a.x1, b.x1) - max(a.x0, b.x0) < 0.5 or min(a.y1, b.y1) - max(a.y0, b.y0) < 0.5
            ), (found[i].get_text(), boxes)


def test_odd_names_the_same_bytes_and_an_id_in_every_kind(scored, tmp_path):
    wanted = entry(runs=("bicubic-x2", f"odd-{ODD}-x2"), errors=True)
    contents = []
    for folder in ("a", "b"):
        made = write_comparison(
            scored, "compare-x_%<y>$", wanted, tmp_path / folder, lambda subjects: "0123456789ab"
        )
        contents.append({p.suffix: p.read_bytes() for p in made.files})
    assert contents[0] == contents[1] and set(contents[0]) == {".svg", ".pdf", ".png"}
    assert all(b"sr-bench provenance 0123456789ab" in data for data in contents[0].values())
    root = ET.fromstring(contents[0][".svg"])  # our own file, not one from outside
    assert not [e for e in root.iter() if e.tag.endswith("}script")]
    assert made.subjects == {made.files[0].stem: ("runs/bicubic-x2", f"runs/odd-{ODD}-x2")}
    assert made.files[0].parent == tmp_path / "b" and made.files[0].name.startswith("compare-x_")


def test_images_that_may_not_be_given_away_stay_in_build(scored):
    assert comparison_folder(scored, "Set5") == scored.root / "build" / "figures"
    assert comparison_folder(scored, "skimage-photos") == scored.reports / "figures"
    made = write_comparisons(scored, {"a": entry(), "b": entry(image="Set5/gray")})
    local = scored.root / "build" / "figures"
    assert {p.parent for p in made.files} == {local, local / "paper"}
    again = write_comparisons(scored, {"a": entry()})
    assert sorted(p for p in local.rglob("*") if p.is_file()) == sorted(again.files)


def test_missing_files_name_the_command(scored):
    folder = scored.sr("other-x2", "rgb-matlab", "Set5")
    kept = (folder / "wing_GT.png").read_bytes()
    (folder / "wing_GT.png").unlink()
    with pytest.raises(SrBenchError, match=r"wing_GT.png: no such file.*dvc repro upscale@other"):
        load_pictures(scored, entry())
    made = write_comparisons(scored, {"a": entry(), "b": entry(image="Set5/gray")})
    assert list(made.captions) == ["compare-b"] and "compare-a is not drawn" in made.notes[0]
    (folder / "wing_GT.png").write_bytes(kept)
    scored.scores("other-x2").unlink()
    with pytest.raises(SrBenchError, match=r"sr-bench score other-x2"):
        load_pictures(scored, entry())


def test_a_score_of_another_picture_is_refused(scored):
    upscaled(scored, "other-x2", 25)
    with pytest.raises(SrBenchError, match="they are of another picture"):
        load_pictures(scored, entry())


def test_what_does_not_exist_is_refused(scored):
    with pytest.raises(WrongUse, match="unknown image 'wong' in Set5; did you mean wing_GT"):
        load_pictures(scored, entry(image="Set5/wong"))
    with pytest.raises(WrongUse, match="is not scored under srcnn-2015, but under edsr"):
        load_pictures(scored, entry(runs=(f"odd-{ODD}-x2",), protocol="srcnn-2015"))
    with pytest.raises(WrongUse, match="bicubic-x3 is of scale 3, the figure is of scale 2"):
        load_pictures(scored, entry(runs=("bicubic-x3",)))
    outside = entry(box=Box(80, 0, 41, 20))
    with pytest.raises(SrBenchError, match=r"reaches to \(121, 20\), the image is 120 x 96"):
        comparison_figure(load_pictures(scored, outside), outside)


def test_entries_are_checked():
    assert entry(box=[1, 2, 30, 40]).box == Box(1, 2, 30, 40) and entry(box="none").box is None
    bad = [{"image": "wing"}, {"image": "Sot5/wing"}, {"protocol": "edsr"}, {"runs": ()},
           {"runs": ("a", "a")}, {"box": [1, 2, 3]}, {"box": [-1, 2, 30, 40]}, {"scale": 9},
           {"box": [1, 2, 30.5, 40]}, {"image": "SRCNN-author-weights/x"}, {"red": 1}]  # fmt: skip
    for changes in bad:
        with pytest.raises((ValidationError, WrongUse)):
            entry(**changes)
    assert parse_box("1,2,30,40") == Box(1, 2, 30, 40)
    for text in ("1,2,3", "a,b,c,d", "1,2,30,4", "-1,2,30,40"):
        with pytest.raises(WrongUse, match="box is"):
            parse_box(text)
