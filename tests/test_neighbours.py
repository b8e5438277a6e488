"""The published numbers beside a measured one."""

from types import SimpleNamespace

import pandas as pd
import pytest

from sr_bench.analysis.ledger.neighbours import Cell, neighbours, published_numbers
from sr_bench.analysis.ledger.titles import NetworkNames, read_titles
from sr_bench.cli.eval_results import Printed
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.support.packaged import packaged_ledger

NAMES = NetworkNames(titles=read_titles(packaged_ledger()))
CELL = Cell("edsr-2017", "Set5", 4)
ROWS = [
    ("imdn", "", "Set5", 4, "psnr", "32.21"),
    ("edsr", "baseline", "Set5", 4, "psnr", "32.09"),
    ("edsr", "full", "Set5", 4, "psnr", "32.46"),
    ("edsr", "full", "Set5", 4, "ssim", "0.8968"),
    ("bicubic", "", "Set5", 2, "psnr", "32.10"),
    ("carn", "", "Set14", 4, "psnr", "32.12"),
]


@pytest.fixture
def numbers():
    columns = ["method", "variant", "dataset", "scale", "metric", "value"]
    return pd.DataFrame(ROWS, columns=columns).assign(source="paper", protocol="edsr-2017")


def labels(found):
    sides = (found.above, found.equal, found.below)
    return [number and number.label(NAMES) for number in sides]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (32.13, ["IMDN 32.21", None, "EDSR baseline 32.09"]),
        (32.2096, ["EDSR full 32.46", "IMDN 32.21", "EDSR baseline 32.09"]),  # at two decimals
        (33.0, [None, None, "EDSR full 32.46"]),
        (31.0, ["EDSR baseline 32.09", None, None]),
        (float("inf"), [None, None, "EDSR full 32.46"]),
    ],
)
def test_the_nearest_at_each_side_and_the_equal_one(numbers, value, expected):
    assert labels(neighbours(numbers, CELL, value)) == expected


def test_other_cells_do_not_compare(numbers):
    other = Cell("basicsr-y", "Set5", 4)
    assert labels(neighbours(numbers, other, 32.1)) == [None, None, None]
    ssim = Cell("edsr-2017", "Set5", 4, "ssim")
    assert labels(neighbours(numbers, ssim, 0.9)) == [None, None, "EDSR full 0.8968"]


def test_a_published_ssim_is_compared_with_the_one_that_its_tables_print(numbers):
    rule = find_protocol("lapsrn-2017")
    rows = numbers.assign(protocol=rule.name)
    means = {"psnr": 32.2, "ssim": 0.95, "ssim_padded": 0.89683}
    result = SimpleNamespace(
        protocol=rule,
        test_set=SimpleNamespace(name="Set5", catalogued=True),
        candidate=SimpleNamespace(scale=4),
        whole=True,
        means=means,
    )
    printed = Printed([], [], None, [], rows, NAMES).published(result)
    assert labels(printed["ssim"]) == [None, "EDSR full 0.8968", None]
    assert labels(printed["psnr"]) == ["IMDN 32.21", None, "EDSR baseline 32.09"]


def test_they_come_with_sr_bench_and_with_the_project(tmp_path):
    packaged = published_numbers()
    assert neighbours(packaged, Cell("srcnn-2015", "Set5", 3), 32.7520).equal.value == "32.75"
    own = packaged.head(1).assign(method="mine", value="33.99", scale=4, protocol="edsr-2017")
    own.to_csv(tmp_path / "published.csv", index=False)
    both = published_numbers([tmp_path / "published.csv"])
    assert len(both) == len(packaged.drop_duplicates()) + 1
    assert neighbours(both, CELL, 33.9).above.label(NAMES) == "mine 33.99"
