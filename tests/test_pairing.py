"""Which sr file belongs to which hr file."""

import pytest

from sr_bench.errors import SrBenchError
from sr_bench.pairing import pair_folders


@pytest.fixture
def folders(tmp_path):
    """``folders(srs, hrs)``: two folders with files of these names."""

    def make(srs, hrs):
        for folder, names in (("sr", srs), ("hr", hrs)):
            (tmp_path / folder).mkdir()
            for name in names:
                (tmp_path / folder / name).touch()
        return tmp_path / "sr", tmp_path / "hr"

    return make


def paired(srs, hrs, folders, scale=4):
    return {p.hr.name: p.sr.name for p in pair_folders(*folders(srs, hrs), scale=scale)}


@pytest.mark.parametrize(
    ("hr", "sr"),
    [
        ("img.png", "img.png"),
        ("img.bmp", "img.png"),
        ("img.png", "img_x4.png"),
        ("img.png", "imgx4.png"),
        ("img.png", "img_x4_SR.png"),
        ("img.png", "img_sr.png"),
        ("img.png", "img_4x.png"),
        ("img.png", "img_edsr.png"),
        ("img.png", "img_x4_edsr.png"),
        ("img_HR.png", "img_SR.png"),
        ("img_GT.bmp", "img.png"),
        ("img_001_SRF_4_HR.png", "img_001_SRF_4_SRCNN.png"),
        ("img_001_SRF_4_HR.png", "img_001.png"),
        ("0801.png", "0801x4.png"),
    ],
)
def test_names_that_pair(folders, hr, sr):
    assert paired([sr], [hr], folders) == {hr: sr}


@pytest.mark.parametrize(
    ("hr", "sr"),
    [
        ("img.png", "other.png"),
        ("img.png", "img_x2.png"),
        ("img.png", "imgx2.png"),
        ("img.png", "img_x2_edsr.png"),
        ("img.png", "image.png"),
        ("img_SRF_2_HR.png", "img.png"),
        ("1.png", "10.png"),
    ],
)
def test_names_that_do_not_pair(folders, hr, sr):
    with pytest.raises(SrBenchError) as caught:
        pair_folders(*folders([sr], [hr]), scale=4)
    assert f"{hr} has no sr image; {sr} has no hr image" in str(caught.value)
    assert "at scale 4" in str(caught.value)


def test_the_longest_hr_name_wins(folders):
    hrs = ["img.png", "img_1.png", "img_10.png"]
    srs = ["img_edsr.png", "img_1_edsr.png", "img_10_edsr.png"]
    assert paired(srs, hrs, folders) == dict(zip(hrs, srs))


def test_an_equal_name_wins_over_a_marked_one(folders):
    names = ["img.png", "img_out.png"]
    assert paired(names, names, folders) == {n: n for n in names}


def test_a_name_that_is_another_hr_is_not_taken_for_a_mark(folders):
    pairs = paired(["img_x4.png", "img_out.png"], ["img.png", "img_out.png"], folders)
    assert pairs == {"img.png": "img_x4.png", "img_out.png": "img_out.png"}


def test_pairs_come_in_the_order_of_hr(folders):
    names = ["c.png", "a.png", "b.png"]
    pairs = pair_folders(*folders(names, names), scale=2)
    assert [p.name for p in pairs] == ["a", "b", "c"]


def test_a_missing_and_a_left_over_image_are_named_with_both_counts(folders):
    srs, hrs = ["a.png", "b.png", "z.png"], ["a.png", "b.png", "c.png", "d.png"]
    with pytest.raises(SrBenchError) as caught:
        pair_folders(*folders(srs, hrs), scale=2)
    message = str(caught.value)
    for fact in ("(3 images)", "(4 images)", "c.png has no sr", "d.png has no sr", "z.png has no"):
        assert fact in message
    assert "rename, add or move away" in message


def test_two_candidates_are_an_error_not_a_guess(folders):
    with pytest.raises(SrBenchError, match=r"img\.png could be img_edsr\.png or img_mdsr\.png"):
        pair_folders(*folders(["img_edsr.png", "img_mdsr.png"], ["img.png"]), scale=2)


def test_one_sr_for_two_hr_is_an_error(folders):
    with pytest.raises(SrBenchError, match=r"a\.png fits 2 hr images"):
        pair_folders(*folders(["a.png"], ["a.png", "a.bmp"]), scale=2)


def test_a_long_list_is_cut_short(folders):
    hrs = [f"{i:03}.png" for i in range(50)]
    with pytest.raises(SrBenchError, match="; and 43 more") as caught:
        pair_folders(*folders(["other.png"], hrs), scale=2)
    assert len(str(caught.value)) < 800


def test_an_empty_folder_is_an_error(folders):
    with pytest.raises(SrBenchError, match=r"sr: no \.png"):
        pair_folders(*folders([], ["a.png"]), scale=2)
