"""What a network costs is counted from its layers: nothing is computed, nothing is timed."""

from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensor

import sr_bench
from sr_bench.analysis.ledger.published_costs import PublishedCost, published_costs
from sr_bench.report.tables.formats.markdown import markdown_body
from sr_bench.report.tables.networks import OTHER, networks_table
from sr_bench.support.errors import SrBenchError
from sr_bench.timing import network_costs
from sr_bench.timing.cost import parameters
from sr_bench.timing.network_costs import Counts, frame_costs

ROOT = Path(__file__).resolve().parent.parent
SRCNN = ROOT / "methods/weights/srcnn-9-1-5-sr-bench-t91-x3.safetensors"
SRCNN_955 = ROOT / "methods/weights/srcnn-9-5-5-sr-bench-t91-x3.safetensors"


class OneModel:
    """As a run that is timed, of a model that is there."""

    def __init__(self, upscaler):
        self.scale, self.frame_rule = upscaler.scale, upscaler.degradation
        self.upscaler = lambda rule: upscaler

    def parameters(self, computation):
        return parameters(computation.networks)


def test_srcnn_costs_what_its_layers_say():
    model = sr_bench.load_model("srcnn", variant="9-1-5", scale=3, weights=SRCNN)
    filters = 64 * 81 + 64 * 32 + 32 * 25
    assert frame_costs(OneModel(model)) == (filters + 64 + 32 + 1, filters * 720 * 1281)


def test_interpolation_costs_nothing():
    assert frame_costs(OneModel(sr_bench.load_model("bicubic", scale=4))) == (0, 0)


class Shapes(nn.Module):
    colour = "rgb"

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 12, 3, padding=1, bias=False)

    def forward(self, lr):
        assert isinstance(lr, FakeTensor)
        return nn.functional.pixel_shuffle(self.conv(lr), 2)


def test_the_network_is_shown_shapes_and_self_ensemble_counts_eight_times():
    method = sr_bench.Method(name="mine", load=lambda setup: Shapes().eval(), reference="r")
    once = frame_costs(OneModel(sr_bench.load_model(method, scale=2)))
    assert once == (324, 324 * 360 * 640)
    plus = frame_costs(OneModel(sr_bench.load_model(method, scale=2, variant="+")))
    assert plus == (324, 8 * once[1])


def test_what_can_not_be_counted_says_why(monkeypatch):
    def find(project, run):
        raise SrBenchError(f"{run}: no\nweights")

    monkeypatch.setattr(network_costs.TimedRun, "find", find)
    (found,) = network_costs.network_costs(None, ["a-x2"])
    assert found == ("a-x2", None, None, "a-x2: no weights")


def test_networks_of_one_kind_and_the_same_layers_are_counted_once(monkeypatch):
    counted = []
    count = network_costs._counted
    monkeypatch.setattr(
        network_costs, "_counted", lambda *given: counted.append(1) or count(*given)
    )
    known: Counts = {}
    small, large = (
        OneModel(sr_bench.load_model("srcnn", variant=variant, scale=3, weights=weights))
        for variant, weights in (("9-1-5", SRCNN), ("9-5-5", SRCNN_955))
    )
    first = frame_costs(small, known, "a kind")
    assert frame_costs(small, known, "a kind") == first and len(counted) == 1
    assert frame_costs(small, known, "another") == first and len(counted) == 2
    assert frame_costs(large, known, "a kind") != first and len(counted) == 3


def made_up(macs):
    cells = pd.DataFrame(
        [("a-x2", "a", "", 2), ("b-x2", "a", "", 2), ("bicubic-x2", "bicubic", "", 2)],
        columns=["run", "method", "variant", "scale"],
    )
    networks = pd.DataFrame(
        [("a-x2", 813_400, macs), ("b-x2", 813_400, macs), ("bicubic-x2", 0, 0)],
        columns=["run", "params", "macs"],
    )
    return networks, cells


def test_a_network_has_one_row_beside_the_published_numbers():
    paper = PublishedCost("paper", "a", "", "2", "813", "29.9", "table 3")
    table = networks_table(*made_up(29_900_000_000), [paper])
    assert "| a | 813.4 | 813 | 29.9 | 29.9 | paper, table 3 |" in markdown_body(table)
    assert len(table.rows) == 1
    doubtful = networks_table(*made_up(31_000_000_000), [paper])
    assert f"a: {OTHER}" in markdown_body(doubtful)


def test_a_network_that_nobody_printed_has_a_row():
    assert "| a | 813.4 | - | 31.0 | - |  |" in markdown_body(networks_table(*made_up(31 * 10**9)))


HEAD = "source,method,variant,scale,params_k,macs_g,where\n"
SOURCE = """paper:
  kind: paper
  title: T
  authors: ["A, B"]
  date: "2021"
  read: 2026-11-28
"""


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("paper,a,,2,813K,29.9,table 3", r"costs\.csv:2: '813K' isn't a number as it is printed"),
        ("other,a,,2,813,29.9,table 3", r"'other' .*costs\.csv:2|costs\.csv:2.*other"),
        ("paper,a,2,813", "fields"),
    ],
)
def test_published_costs_are_checked(tmp_path, row, message):
    (tmp_path / "citations.yaml").write_text(SOURCE)
    (tmp_path / "costs.csv").write_text(f"{HEAD}{row}\n")
    with pytest.raises(SrBenchError, match=message):
        published_costs([tmp_path / "published.csv"])


def test_published_costs_of_the_repository_are_of_its_methods():
    found = published_costs([ROOT / "methods/published.csv"])
    known = sr_bench.methods(ROOT / "methods")
    assert found and all(cost.variant in known[cost.method].variants for cost in found)
    assert torch.is_grad_enabled()  # counting changes nothing outside
