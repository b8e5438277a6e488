"""The plots: the same bytes each time, honest choices, labels that can be read."""

import dataclasses
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from sr_bench.networks.method_files import load_methods
from sr_bench.report.figures.costs import (
    Choice,
    Measured,
    checked_scores,
    fitted_exponent,
    pareto_front,
    pixels_of,
    quality,
    with_macs,
)
from sr_bench.report.figures.growth import spread
from sr_bench.report.figures.labels import Scene, place_labels
from sr_bench.report.figures.panels import COLUMN, SINGLE_COLUMN, wrapped
from sr_bench.report.figures.speed import draw_plots, write_plots
from sr_bench.report.figures.style import log_ticks, looks, paper_style
from sr_bench.report.names import Names
from sr_bench.support.errors import SrBenchError

NAMES = Names(load_methods([Path(__file__).resolve().parent.parent / "methods"]))
SIGNATURE = "protocol:edsr-2017|version:1|lr:rgb+modcrop.scale|score:y.float+crop.scale"
RUNS = {
    "bicubic": ("", "none", 30.0, 0.01, 0, 0),
    "srcnn-a": ("9-1-5", "author-t91", 32.4, 0.1, 8e3, 7e9),
    "srcnn-b": ("9-1-5", "sr-bench-t91", 32.5, 0.11, 8e3, 7e9),
    "srcnn-c": ("9-5-5", "author-imagenet", 32.8, 0.4, 57e3, 53e9),
    "edsr-a": ("baseline", "author", 34.3, 3.0, 1.4e6, 2e11),
}


def scores(scales=(2, 3), runs=RUNS):
    return pd.DataFrame(
        [
            (f"{run}-x{s}", run.split("-")[0], variant, weights, s, "Set5", "edsr-2017", "psnr",
             value - s, 5, SIGNATURE)
            for s in scales
            for run, (variant, weights, value, *_) in runs.items()
        ],
        columns=["run", "method", "variant", "weights", "scale", "dataset", "protocol", "metric",
                 "value", "images", "signature"],
    )  # fmt: skip


def timings(scales=(2, 3), runs=RUNS, machine="box", device="cpu-1"):
    sizes = {"720p": 921600, "180p": 57600, "360p": 230400}
    return pd.DataFrame(
        [
            (f"{run}-x{s}", machine, device, "float32", name, t * n / 921600, t / 20, 9, 1 / t,
             300 + n / 1e4, params, macs, str(t * n / 921600))
            for s in scales
            for run, (_, _, _, t, params, macs) in runs.items()
            for name, n in sizes.items()
        ],
        columns=["run", "machine", "device", "precision", "input", "median_s", "iqr_s", "rounds",
                 "images_per_s", "peak_memory_mb", "params", "macs", "medians_s"],
    )  # fmt: skip


def measured(table_of_scores, table_of_timings):
    """The two tables, and what the networks that were timed cost."""
    costs = ["run", "params", "macs"]
    networks = pd.DataFrame(table_of_timings, columns=costs).drop_duplicates("run")
    return Measured(table_of_scores, table_of_timings, networks)


def drawn(table_of_scores, table_of_timings):
    notes = []
    tables = measured(table_of_scores, table_of_timings)
    plots = list(draw_plots(tables, Choice(), notes, NAMES))
    return {plot.stem: plot for plot in plots}, notes


def boxes_of_texts(figure):
    """Every visible text of a figure with its extent in pixels (a label without its leader)."""
    with paper_style():
        figure.draw_without_rendering()
        texts = [t for t in figure.findobj(Text) if t.get_text() and t.get_visible()]
        renderer = figure.canvas.get_renderer()
        return [(t.get_text(), Text.get_window_extent(t, renderer)) for t in texts]


TICK = re.compile(r"[\d.]+( [kMGT])?")  # some lie outside their axes and are not drawn


def overlaps(boxes):
    return [
        (a, b)
        for i, (a, first) in enumerate(boxes)
        for b, second in boxes[i + 1 :]
        if min(first.x1, second.x1) - max(first.x0, second.x0) > 0.5
        and min(first.y1, second.y1) - max(first.y0, second.y0) > 0.5
    ]


@pytest.mark.slow
def test_every_plot_in_three_kinds_and_the_same_bytes(tmp_path):
    contents = []
    for name in ("a", "b"):
        out = write_plots(measured(scores(), timings()), tmp_path / name, names=NAMES)
        root = tmp_path / name
        contents.append({p.relative_to(root).as_posix(): p.read_bytes() for p in out.files})
    stems = ("psnr-time-box-cpu-1", "psnr-macs", "time-size-box-cpu-1")
    kinds = ("{}.svg", "{}.pdf", "{}.png", "paper/{}.pdf", "paper/{}-column.pdf")
    assert list(contents[0]) == [kind.format(stem) for stem in stems for kind in kinds]
    assert contents[0] == contents[1]
    assert list(out.captions) == list(stems)
    assert SIGNATURE in out.captions["psnr-macs"]
    pdf = contents[0]["psnr-macs.pdf"]
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf and b"CreationDate" not in pdf
    for name, data in contents[0].items():
        if name.endswith(".svg"):
            ET.fromstring(data)  # our own file, not one from outside
            assert b"<dc:date>" not in data


def test_texts_do_not_overlap_and_lie_on_the_page():
    plots, _ = drawn(scores((2, 3, 4)), timings((2, 3, 4)))
    for plot in plots.values():
        boxes = [(t, b) for t, b in boxes_of_texts(plot.figure) if not TICK.fullmatch(t)]
        assert overlaps(boxes) == []
        page = plot.figure.bbox
        assert all(b.x0 >= 0 and b.y0 >= 0 for _, b in boxes)
        assert all(b.x1 <= page.x1 and b.y1 <= page.y1 for _, b in boxes)


def test_a_paper_s_column_is_as_wide_as_one_and_has_no_caption():
    plots, _ = drawn(scores((2, 3)), timings((2, 3)))
    for plot in plots.values():
        figure = plot.again(COLUMN)
        assert figure.get_figwidth() == SINGLE_COLUMN
        assert not [t for t in figure.findobj(Text) if SIGNATURE[:20] in t.get_text()]
        assert all(t.get_fontsize() >= 7 for t in figure.findobj(Text) if t.get_text())


def test_texts_are_at_least_seven_points():
    plots, _ = drawn(scores((2,)), timings((2,)))
    for plot in plots.values():
        texts = plot.figure.findobj(Text)
        assert min(t.get_fontsize() for t in texts if t.get_text()) >= 7


def test_the_front_by_hand():
    cost, value = [1, 2, 2, 3, 3, 5], [30, 32, 33, 33, 31, 34]
    assert pareto_front(cost, value) == [0, 2, 5]
    assert pareto_front([1, 1, 1], [5, 5, 4]) == [0, 1]  # identical points: none beats the other
    assert pareto_front([], []) == []


def test_the_front_steps_over_differences_beyond_the_spread_only():
    cost, value = [1.0, 1.1, 2.0], [30, 31, 32]
    assert pareto_front(cost, value, [0.0, 0.0, 0.0]) == [0, 1, 2]
    assert pareto_front(cost, value, [0.0, 0.3, 0.0]) == [1, 2]  # 1.0 and 1.1 can't be told apart
    assert pareto_front(cost, value, [0.0, 0.15, 0.0]) == [0, 1, 2]  # the bar begins at 1.025
    assert pareto_front([1.0, 1.1], [30, 30], [0.3, 0.0]) == [0, 1]
    assert pareto_front([1.0, 1.1], [30, 30], [0.05, 0.05]) == [0]


def test_the_exponent_is_found():
    n = np.array([256**2, 512**2, 1024**2, 1280 * 720])
    assert fitted_exponent(n, 3e-7 * n**1.1) == pytest.approx(1.1, abs=1e-12)
    assert np.isnan(fitted_exponent([100, 100], [1.0, 2.0]))


def test_the_size_is_in_the_input_or_unknown():
    names = ["720p", "180p", "2160p", "Set5", "720p-png", "540p"]
    assert [pixels_of(n) for n in names] == [921600, 57600, 8294400, None, None, None]


@pytest.mark.slow
def test_odd_names_break_nothing(tmp_path):
    odd = {"a$_%": ("$\\frac{1}", "<script>&", 31.0, 0.1, 5e3, 1e9),
           "b--x\x07": ("{}^_", "sr-bench-ü$$", 32.0, 0.2, 9e3, 3e9)}  # fmt: skip
    machine = "../<box> $1_%\\x"
    out = write_plots(measured(scores((2,), odd), timings((2,), odd, machine=machine)), tmp_path)
    assert len(out.files) == 15
    assert {p.parent for p in out.files} == {tmp_path, tmp_path / "paper"}
    for path in tmp_path.glob("*.svg"):
        root = ET.fromstring(path.read_bytes())
        assert not [e for e in root.iter() if e.tag.endswith("}script")]


def test_no_timings_no_files(tmp_path):
    for empty in (timings().iloc[:0], pd.DataFrame()):
        out = write_plots(measured(scores(), empty), tmp_path)
        assert out.files == () and out.notes == ("no timings: run sr-bench time",)
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_out_is_noted(tmp_path):
    times = timings((2,))
    fast = times[times["run"] == "edsr-a-x2"].assign(precision="bf16")
    times = pd.concat([times[times["run"] != "edsr-a-x2"], fast])
    plots, notes = drawn(scores((2,)), times)
    assert "box, cpu-1, 720p, float32: not timed: edsr-a-x2" in notes
    assert any("bf16" in note and "float32" in note for note in notes)
    shown = [t for t, _ in boxes_of_texts(plots["psnr-time-box-cpu-1"].figure)]
    assert "SRCNN 9-1-5 T91*" in shown and "EDSR baseline" not in shown


@pytest.mark.slow
def test_machines_and_devices_are_kept_apart():
    times = pd.concat([timings(), timings(machine="other"), timings(device="cuda")])
    stems = [s for s in drawn(scores(), times)[0] if s.startswith("psnr-time")]
    assert stems == [f"psnr-time-{p}" for p in ("box-cpu-1", "box-cuda", "other-cpu-1")]


def test_plots_of_a_machine_that_is_gone_are_removed(tmp_path):
    (tmp_path / "psnr-time-gone-cuda.svg").write_text("old")
    (tmp_path / "mine.svg").write_text("stays")
    write_plots(measured(scores(), timings().iloc[:0]), tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.svg"]


def test_ties_are_drawn_and_labelled():
    same = {f"m{i}": ("", "none", 31.0, 0.1, 5e3, 1e9) for i in range(6)}
    plots, notes = drawn(scores((2,), same), timings((2,), same))
    boxes = [(t, b) for t, b in boxes_of_texts(plots["psnr-macs"].figure) if t in same]
    inside = boxes[: len(same)]  # in the panel; the legend has the names again
    assert len(inside) == 6 and overlaps(inside) == [] and notes == []


def test_protocols_and_signatures_do_not_mix():
    both = pd.concat([scores(), scores().assign(protocol="srcnn-2015", signature="other")])
    assert set(quality(checked_scores(both), Choice())["protocol"]) == {"edsr-2017"}
    mixed = pd.concat([scores((2,)), scores((3,)).assign(signature="other")])
    with pytest.raises(SrBenchError, match="2 signatures"):
        drawn(mixed, timings())


def test_networks_that_were_never_timed_are_in_the_plot_of_multiply_adds():
    tables = measured(scores((2,)), timings((2,)))
    none = dataclasses.replace(tables, timings=pd.DataFrame())
    notes = []
    [plot] = draw_plots(none, Choice(), notes, NAMES)
    assert plot.stem == "psnr-macs" and set(plot.subjects) == {f"runs/{run}-x2" for run in RUNS}
    assert notes == ["no timings: run sr-bench time"]


def test_a_network_of_unknown_cost_is_left_out_and_named():
    tables = measured(scores((2,)), timings((2,)))
    tables.networks.loc[tables.networks["run"] == "edsr-a-x2", "macs"] = None
    shown = with_macs(quality(checked_scores(tables.scores), Choice()), tables.networks)
    assert shown["run"].tolist() == ["bicubic-x2", "srcnn-a-x2", "srcnn-b-x2", "srcnn-c-x2"]
    notes = []
    list(draw_plots(tables, Choice(), notes, NAMES))
    assert "multiply-adds of 720p not known: edsr-a-x2" in notes


def test_a_table_that_is_not_ours_is_refused():
    with pytest.raises(SrBenchError, match="median_s"):
        drawn(scores(), timings().drop(columns="median_s"))
    with pytest.raises(SrBenchError, match="two rows of bicubic-x2"):
        drawn(scores(), pd.concat([timings(), timings()]))


def test_names_are_short_and_say_who_trained():
    table = scores((2,))
    assert list(NAMES.labels(table).values()) == [
        "bicubic", "SRCNN 9-1-5 T91", "SRCNN 9-1-5 T91*", "SRCNN 9-5-5 ImageNet", "EDSR baseline",
    ]  # fmt: skip
    many = pd.concat([table, table.assign(run=table["run"] + "'")])
    assert NAMES.labels(many)["srcnn-c-x2"] == "9-5-5 ImageNet"


def test_methods_look_as_their_files_say_and_others_take_what_is_free():
    names = ["bicubic", "srcnn", "mine", "edsr", "yours", "mdsr"]
    shown = looks(names, NAMES.marks)
    assert shown["srcnn"] == ("#0072B2", "o") and shown["edsr"] == ("#D55E00", "^")
    assert len(set(shown.values())) == len({c for c, _ in shown.values()}) == 6
    assert looks(names[:3], NAMES.marks)["srcnn"] == shown["srcnn"]
    half = looks(["a", "b"], lambda n: ("#123456", None) if n == "a" else (None, "o"))
    assert half["a"][0] == "#123456" and half["b"][1] == "o"


def test_labels_of_a_crowd_do_not_overlap():
    points = np.array([[100 + 3 * i, 100 + 4 * (i % 3)] for i in range(12)], float)
    scene = Scene(points, np.full(12, 3.0), np.full((12, 2), (50.0, 8.0)), np.empty((0, 4)),
                  np.array([0.0, 0.0, 250.0, 200.0]))  # fmt: skip
    first, again = place_labels(scene), place_labels(scene)
    assert sum(box is not None for box in first) >= 9
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    tight = Scene(points, scene.radii, scene.sizes, scene.lines, np.array([90.0, 90, 150, 130]))
    assert any(box is None for box in place_labels(tight))


def test_spread_keeps_a_gap_and_the_order():
    heights = spread([10, 10, 11, 50], 5, 0, 100)
    assert np.diff(heights).min() >= 5 - 1e-9 and heights[3] == 50
    assert spread([1, 99], 5, 10, 90) == [10, 90]
    assert spread([], 5, 0, 1) == []


def test_helpers():
    assert all(len(line) < 80 for line in wrapped(SIGNATURE * 4, 3.5))
    assert "".join(wrapped(SIGNATURE, 3.5)) == SIGNATURE
    assert len(set(looks(map(str, range(56))).values())) == 56


@pytest.mark.parametrize(
    ("limits", "ticks"),
    [
        ((0.8, 900), [1, 10, 100]),
        ((0.8, 30), [1, 2, 5, 10, 20]),
        ((0.0135, 0.049), [0.015, 0.02, 0.03, 0.04]),
    ],
)
def test_a_short_log_axis_has_labels_that_stand_apart(limits, ticks):
    assert log_ticks(*limits) == ticks


def test_a_scale_with_one_network_has_no_panel_where_others_have_more():
    tables = measured(scores(), timings())
    alone = tables.scores["run"].isin(["bicubic-x3", "edsr-a-x3"]) | (tables.scores["scale"] == 2)
    notes = []
    fewer = dataclasses.replace(tables, scores=tables.scores[alone])
    plots = {p.stem: p for p in draw_plots(fewer, Choice(), notes, NAMES)}
    assert [a.get_title() for a in plots["psnr-macs"].figure.axes if a.get_title()] == ["×2"]
    assert "psnr-macs: x3: one network alone, with none to compare it with" in notes
