"""Gains over bicubic, training curves and learned filters."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.text import Text

from sr_bench.analysis.learning_curve import promise, read_log
from sr_bench.networks.method_files import load_methods
from sr_bench.project.project import Project
from sr_bench.report.figures.files import write_each
from sr_bench.report.figures.filters import Bank, filters_plot, first_layer, mosaic
from sr_bench.report.figures.gain import gain_plots
from sr_bench.report.figures.style import paper_style
from sr_bench.report.figures.training import Curve, read_curves, time_plots, training_plots
from sr_bench.report.gains import gains
from sr_bench.report.names import Names
from sr_bench.report.tables.formats.markdown import markdown_body
from sr_bench.report.tables.gains import least_gain_tables
from sr_bench.support.errors import SrBenchError

NAMES = Names(load_methods([Path(__file__).resolve().parent.parent / "methods"]))
TICK = re.compile(r"[−\d.]+( k)?")  # some lie outside their axes and are not drawn
SIGNATURE = "protocol:edsr-2017|version:1"


def per_image(runs=("bicubic", "srcnn_%<$"), scales=(2, 3), count=7):
    rows = [
        (f"{run}-x{s}", run, "", "none", s, "Set5", "edsr-2017", "psnr", f"i{k}",
         30.0 + k + (r and (-1) ** k * k), SIGNATURE)
        for s in scales for r, run in enumerate(runs) for k in range(count)
    ]  # fmt: skip
    columns = ["run", "method", "variant", "weights", "scale", "dataset", "protocol", "metric",
               "image", "value", "signature"]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def curves():
    steps = np.arange(1, 31) * 100.0
    made = []
    for i, (variant, data, scales) in enumerate(
        [("9-1-5", "T91", (2,)), ("a_%<b>$", "T91", (2,)), ("9-1-5", "Open591", (2, 3, 4))]
    ):
        rows = pd.DataFrame({"step": steps, "psnr": 30 + i + steps / 1e4, "loss": 1 / steps})
        rows["minutes"] = steps / 50
        made.append(Curve(f"t{i}", "srcnn", variant, data, scales, rows))
    return made


def bank(planes=1, colour="y", label="SRCNN <9>_%$"):
    weights = np.random.default_rng(1).normal(size=(10, planes, 5, 5))
    return Bank("srcnn-x3", label, weights, colour)


def test_the_gain_is_the_difference_on_the_same_image():
    table = gains(per_image(), "edsr-2017", "bicubic")
    assert table.groupby("scale")["gain"].apply(list).tolist() == [[0, -1, 2, -3, 4, -5, 6]] * 2
    assert set(table["method"]) == {"srcnn_%<$"}


def test_lines_of_gain_fall():
    plots = list(gain_plots(per_image(), ("edsr-2017",), [], NAMES))
    assert [p.stem for p in plots] == ["gain-edsr-2017-x2", "gain-edsr-2017-x3"]
    (axes,) = plots[0].figure.axes
    line = next(line for line in axes.lines if len(line.get_xdata()) == 7)
    assert line.get_ydata().tolist() == [6, 4, 2, 0, -1, -3, -5]
    assert plots[0].subjects == ("runs/srcnn_%<$-x2",) and SIGNATURE in plots[0].caption


def test_the_image_that_loses_most_is_named_in_the_figure_and_in_a_table():
    plot, _ = gain_plots(per_image(), ("edsr-2017",), [], NAMES)
    texts = {text.get_text() for text in plot.figure.axes[0].texts}
    assert texts == {"least: -5.00, i5\nsrcnn_%<$"}
    [table] = least_gain_tables(per_image(), NAMES)
    assert table.name == "least-gain-edsr-2017" and table.signatures == (SIGNATURE,)
    assert markdown_body(table).count(" | -5.00 | i5 |") == 2  # a row a scale
    assert not least_gain_tables(per_image(runs=("bicubic",)), NAMES)
    assert not least_gain_tables(per_image(), Names())  # no method is the baseline


def test_gains_of_one_image_and_of_none():
    assert len(list(gain_plots(per_image(count=1), ("edsr-2017",), [], NAMES))) == 2
    notes = []
    assert not list(gain_plots(per_image(runs=("bicubic",)), ("edsr-2017",), notes, NAMES))
    assert notes == ["gain-edsr-2017: no run beside bicubic was scored under edsr-2017"]


def test_gains_refuse_what_does_not_compare():
    mixed = per_image()
    mixed.loc[0, "signature"] = "other"
    with pytest.raises(SrBenchError, match="2 signatures"):
        gains(mixed, "edsr-2017", "bicubic")
    twice = pd.concat([per_image(), per_image(runs=("bicubic",)).assign(run="b2")])
    with pytest.raises(SrBenchError, match="i0 has two scores of bicubic at x2"):
        gains(twice, "edsr-2017", "bicubic")


def test_training_sets_do_not_share_a_panel():
    (plot,) = training_plots(curves(), NAMES)
    titles = [axes.get_title() for axes in plot.figure.axes if axes.get_title()]
    assert titles == ["T91 ×2", "T91 ×2, ×3, ×4", "Open591 ×2", "Open591 ×2, ×3, ×4"]
    assert sum(t.get_text() == "not trained" for t in plot.figure.findobj(Text)) == 4
    first = plot.figure.axes[0]
    assert len(first.lines) == 2 and first.get_xscale() == "log"
    assert plot.subjects == ("trainings/t0", "trainings/t1", "trainings/t2")


def test_curves_are_told_apart_by_their_tag(tmp_path):
    text = "methods: [methods]\nledger: null\nfetch: []\nprotocols: {}\nruns: {}\n"
    entry = "{method: srcnn, variant: 9-1-5, recipe: fast, data: T91, scales: [2]"
    name = "srcnn-9-1-5-sr-bench-t91-x2"
    text += f"train:\n  {name}: {entry}}}\n  {name}-longer: {entry}, tag: longer}}\n"
    (tmp_path / "params.yaml").write_text(text)
    for each in (name, f"{name}-longer"):
        metrics = tmp_path / "methods/logs" / each / "plots/metrics"
        for kind in ("val/psnr", "train/loss", "val/../minutes"):
            (metrics / kind).parent.mkdir(parents=True, exist_ok=True)
            (metrics / f"{kind}.tsv").write_text(f"step\t{kind.split('/')[-1]}\n10\t30\n")
    read = read_curves(Project.load(tmp_path), [])
    assert [curve.variant for curve in read] == ["9-1-5", "9-1-5, longer"]


def test_logs_are_read_and_several_scales_meant(tmp_path):
    metrics = tmp_path / "plots" / "metrics"
    (metrics / "val").mkdir(parents=True)
    (metrics / "train").mkdir()
    (metrics / "val" / "psnr_x2.tsv").write_text("step\tpsnr_x2\n10\t30\n20\t32\n")
    (metrics / "val" / "psnr_x3.tsv").write_text("step\tpsnr_x3\n10\t28\n20\t29\n")
    (metrics / "train" / "loss.tsv").write_text("step\tloss\n5\t0.5\n10\t0.4\n")
    (metrics / "minutes.tsv").write_text("step\tminutes\n10\t1.5\n20\t3\n")
    rows = read_log(tmp_path)
    assert rows["step"].tolist() == [5, 10, 20]
    assert rows["psnr"].tolist()[1:] == [29, 30.5] and np.isnan(rows["psnr"][0])
    assert rows["minutes"].tolist()[1:] == [1.5, 3]
    (metrics / "train" / "loss.tsv").write_text("step,loss\n5,0.5\n")
    with pytest.raises(SrBenchError, match=r"loss.tsv: columns are step,loss"):
        read_log(tmp_path)
    (metrics / "train" / "loss.tsv").unlink()
    with pytest.raises(SrBenchError, match=r"loss.tsv: no such file; train again"):
        read_log(tmp_path)


def test_a_curve_promises_what_it_was_made_of():
    minutes = np.array([1, 2, 4, 8, 16, 30.0])
    fit = promise(minutes, 33 - 2 * minutes**-0.5)
    assert fit.limit == pytest.approx(33, abs=0.05) and fit.error < 0.005
    assert fit.gain_of_twice(30) == pytest.approx(2 * (30**-0.5 - 60**-0.5), abs=0.01)
    noisy = 33 - 2 * minutes**-0.5 + 0.1 * (-1) ** np.arange(6)
    assert promise(minutes, noisy).error == pytest.approx(0.1, rel=0.4)
    assert promise(minutes, [33.0] * 6).gain_of_twice(30) == pytest.approx(0, abs=1e-6)
    assert promise(minutes[:4], [30, 31, 32, 33]) is None


def test_the_promise_stands_over_its_panel():
    (plot,) = time_plots(curves(), NAMES)
    first, *_ = plot.figure.axes
    assert len(plot.figure.axes) == 3 and len(first.lines) == 2
    assert first.get_title() == "9-1-5 ×2, T91"
    (text,) = first.texts
    assert re.fullmatch(r"\+0\.\d{3} dB\n± 0\.\d{3}", text.get_text())


def test_filters_are_sorted_by_variance_and_each_is_stretched():
    weights = np.stack([np.full((2, 2), 3.0), np.array([[0, 1], [2, 10.0]]), np.eye(2)])
    picture = mosaic(weights)
    assert picture.shape == (20, 20) and picture.dtype == np.uint8
    assert picture[:8:4, :8:4].tolist() == [
        [0, 26],
        [51, 255],
    ]  # the largest variance, of four dots
    assert picture[:8:4, 12:20:4].tolist() == [[255, 0], [0, 255]]
    assert np.all(picture[12:20, :8] == 128)  # constant: no contrast to show
    assert np.all(picture[8:12] == 255) and np.all(picture[12:, 12:] == 255)


def test_the_first_convolution_is_found():
    class Model:
        network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 9), torch.nn.Conv2d(4, 1, 5))

    assert first_layer(Model()).shape == (4, 1, 9, 9)
    with pytest.raises(SrBenchError, match="no network whose first layer"):
        first_layer(object())


def test_planes_are_shown_by_themselves_and_rgb_as_colours():
    banks = [bank(), bank(3, "rgb"), bank(3, "ycbcr"), bank(2, "any")]
    plot = filters_plot(banks, NAMES.methods["srcnn"], 3)
    assert len([a for a in plot.figure.axes if a.images]) == 1 + 1 + 3 + 2
    shapes = [a.images[0].get_array().ndim for a in plot.figure.axes]
    assert shapes.count(3) == 1


@pytest.mark.parametrize(
    "plots",
    [
        lambda: gain_plots(per_image(), ("edsr-2017",), [], NAMES),
        lambda: training_plots(curves(), NAMES),
        lambda: time_plots(curves(), NAMES),
        lambda: [filters_plot([bank(), bank(3, "ycbcr")], NAMES.methods["srcnn"], 3)],
    ],
)
def test_large_enough_on_the_page_and_the_same_bytes(plots, tmp_path):
    contents = []
    for name in ("a", "b"):
        made = write_each(plots(), tmp_path / name, [], lambda subjects: "0123456789ab")
        contents.append({p.name: p.read_bytes() for p in made.files})
    assert contents[0] == contents[1]
    for name, data in contents[0].items():
        assert b"sr-bench provenance 0123456789ab" in data, name
        assert b"/Type3" not in data
    for plot in plots():
        assert plot.figure.get_size_inches()[0] <= 6.9
        with paper_style():
            plot.figure.draw_without_rendering()
            shown = [t for t in plot.figure.findobj(Text) if t.get_text() and t.get_visible()]
            boxes = [t.get_window_extent() for t in shown if not TICK.fullmatch(t.get_text())]
        assert min(t.get_fontsize() for t in shown) >= 7
        assert all(b.x0 >= 0 and b.y0 >= 0 for b in boxes)
        assert all(b.x1 <= plot.figure.bbox.x1 and b.y1 <= plot.figure.bbox.y1 for b in boxes)
