"""Work on many images: one that fails doesn't stop the others."""

import pytest

from sr_bench.support.errors import SrBenchError
from sr_bench.support.parallel import outcomes


def work(number):
    if number % 100 == 7:
        raise SrBenchError(f"{number} is damaged")
    if number == 50:
        raise MemoryError
    return number * 2


@pytest.mark.parametrize("workers", [None, 1])
def test_all_good_items_are_done_and_all_bad_ones_are_named_in_order(workers):
    found = outcomes(work, range(300), workers=workers)
    assert [f.item for f in found.failed] == [7, 50, 107, 207]
    assert [f.reason for f in found.failed][:2] == ["7 is damaged", "50: not enough memory"]
    assert found.done == [(n, 2 * n) for n in range(300) if n not in (7, 50, 107, 207)]


def test_nothing_to_do_has_no_failure():
    assert outcomes(work, []).done == outcomes(work, []).failed == []


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyError("a bug")])
def test_what_would_meet_every_item_is_raised(error):
    def fails(number):
        raise error

    with pytest.raises(type(error)):
        outcomes(fails, range(9))
