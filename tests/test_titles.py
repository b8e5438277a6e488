"""Networks as papers write them."""

from pathlib import Path

import pytest

from sr_bench.analysis.ledger.ledger import read_ledger
from sr_bench.analysis.ledger.titles import NetworkNames, all_titles, read_titles
from sr_bench.networks.method import Method
from sr_bench.networks.method_files import load_methods
from sr_bench.support.errors import SrBenchError

LEDGER = Path(__file__).resolve().parent.parent / "methods/published.csv"
TITLES = read_titles(LEDGER)
METHODS = load_methods([LEDGER.parent])


@pytest.mark.parametrize(
    ("method", "variant", "name"),
    [
        ("swinir", "", "SwinIR"),
        ("swinir", "+ DIV2K", "SwinIR+ DIV2K"),
        ("swinir", "retrained light DIV2K patch 64", "SwinIR retrained light DIV2K patch 64"),
        ("hat", "s", "HAT-S"),
        ("dat", "+", "DAT+"),
        ("hit-sr", "srf DF2K", "HiT-SRF DF2K"),
        ("carn", "m", "CARN-M"),
        ("smfanet", "plus DF2K", "SMFANet+ DF2K"),
        ("edsr", "full+", "EDSR full+"),
        ("nobody", "large", "nobody large"),
    ],
)
def test_what_a_network_is_called(method, variant, name):
    assert NetworkNames(METHODS, TITLES).network(method, variant) == name
    assert NetworkNames(titles=TITLES).network(method, variant) == name


def test_every_network_of_the_ledger_has_a_title():
    assert set(read_ledger(LEDGER)["method"]) <= set(TITLES)


def test_titles_of_method_files_are_those_of_the_files():
    of_files = {name: method.title for name, method in METHODS.items()}
    for name, method in METHODS.items():
        of_files |= {f"{name} {variant}": title for variant, title in method.titles.items()}
    here = {name: title for name, title in TITLES.items() if name.partition(" ")[0] in METHODS}
    assert here == of_files


def test_a_file_that_knows_the_method_comes_first():
    hat = Method(name="hat", title="Hat", load=print, reference="r")
    names = NetworkNames({"hat": hat}, TITLES)
    assert (names.title("hat"), names.network("hat", "s")) == ("Hat", "Hat s")


def test_the_first_ledger_names_a_network(tmp_path):
    for folder, title in (("a", "One"), ("b", "Two")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "titles.yaml").write_text(f"net: {title}\n{folder}: {folder}\n")
    ledgers = [tmp_path / folder / "published.csv" for folder in "abc"]
    assert all_titles(ledgers) == {"net": "One", "a": "a", "b": "b"}


@pytest.mark.parametrize(
    ("content", "fact"),
    [("net: [1]", "net: Input should be a valid string"), ("a: b: c", "not YAML"), ("- a", "dict")],
)
def test_damaged_titles_are_refused(tmp_path, content, fact):
    (tmp_path / "titles.yaml").write_text(content)
    with pytest.raises(SrBenchError, match=fact) as error:
        read_titles(tmp_path / "published.csv")
    assert str(tmp_path / "titles.yaml") in str(error.value)
