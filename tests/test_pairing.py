"""Which sr file belongs to which hr file."""

import pytest

from sr_bench.evaluation.scoring import pairing
from sr_bench.evaluation.scoring.pairing import pair_folders
from sr_bench.support.errors import SrBenchError


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
    with pytest.raises(SrBenchError, match=r"a_SR\.png fits 2 hr images"):
        pair_folders(*folders(["a_SR.png"], ["a_HR.png", "a_GT.png"]), scale=2)


@pytest.mark.parametrize("where", ["sr", "hr"])
def test_two_images_of_one_name_are_both_named(folders, where):
    names = {"sr": ["a.png"], "hr": ["a.png"], where: ["a.png", "a.bmp"]}
    with pytest.raises(SrBenchError, match=rf"{where}: two images of one name: a\.bmp and a\.png;"):
        pair_folders(*folders(**{"srs": names["sr"], "hrs": names["hr"]}), scale=2)


def test_a_long_list_is_cut_short(folders):
    hrs = [f"{i:03}.png" for i in range(50)]
    with pytest.raises(SrBenchError, match="; and 43 more") as caught:
        pair_folders(*folders(["other.png"], hrs), scale=2)
    assert len(str(caught.value)) < 800


def test_an_empty_folder_is_an_error(folders):
    with pytest.raises(SrBenchError, match=r"sr: no image in it"):
        pair_folders(*folders([], ["a.png"]), scale=2)


E_ACUTE = "e\u0301"  # two characters, as macOS writes the letter


@pytest.mark.parametrize(
    ("hr", "sr"),
    [
        ("caf\u00e9.png", f"caf{E_ACUTE}.png"),
        (f"caf{E_ACUTE}_HR.png", "caf\u00e9_x4_edsr.png"),
        ("\uac00.png", "\u1100\u1161_x4.png"),  # a Korean syllable and its two letters
    ],
)
def test_letters_written_as_one_character_and_as_two_pair(folders, hr, sr):
    assert paired([sr], [hr], folders) == {hr: sr}


def test_names_that_differ_only_in_how_letters_are_written_are_both_named(folders):
    names = [f"caf{E_ACUTE}.png", "caf\u00e9.png"]
    with pytest.raises(SrBenchError) as caught:
        pair_folders(*folders(["a.png"], names), scale=4)
    assert all(n in str(caught.value) for n in (*names, "two images of one name"))


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("end", ["{}", "{}_x{s}", "{}x{s}", "{}_edsr", "{}_x{s}_edsr", "{}_SR"])
def test_marks_inside_of_a_name_are_part_of_it(folders, end, scale):
    stems = (
        *("box", "box2", "bo", "boxx4", "zoom_x2", "zoom_x3", "x4", "sr", "HR", "out", "1", "10"),
        *("img_hr_01", "img_hr_02", "img_sr_01", "shore", "photo", "srcnn", "gt_lake", "a-x2-b"),
    )
    hrs = [f"{stem}.png" for stem in stems]
    srs = [end.format(stem, s=scale) + ".png" for stem in stems]
    assert paired(srs, hrs, folders, scale) == dict(zip(hrs, srs))


@pytest.mark.parametrize("stem", ["photo_out", "x2_HR", "lake_gt", "boxx2", "_x2"])
def test_a_mark_at_the_end_of_both_names(folders, stem):
    names = ["photo.png", f"{stem}.png"]
    srs = ["photo_x2_edsr.png", f"{stem}_x2_edsr.png"]
    assert paired(srs, names, folders, 2) == dict(zip(names, srs))


def test_an_image_of_a_series_is_not_taken_for_a_method(folders):
    with pytest.raises(SrBenchError, match=r"img\.png has no sr image; img_2_edsr\.png has no hr"):
        pair_folders(
            *folders(["img_1_edsr.png", "img_2_edsr.png"], ["img_1.png", "img.png"]), scale=4
        )


def test_the_iteration_that_a_training_program_adds_is_a_method(folders):
    assert paired(["img_500000.png"], ["img.png"], folders) == {"img.png": "img_500000.png"}


@pytest.mark.parametrize("sr", ["img_x2.png", "imgx2.png", "img_edsr_x2.png", "img_2x_SR.png"])
def test_another_scale_in_the_names_is_said(folders, sr):
    with pytest.raises(SrBenchError) as caught:
        pair_folders(*folders([sr], ["img.png"]), scale=3)
    assert f"{sr} names scale 2, --scale is 3" in str(caught.value)


def test_marks_of_another_scale_in_both_names_do_not_pair(folders):
    hr, sr = "img_001_SRF_2_HR.png", "img_001_SRF_2_SRCNN.png"
    with pytest.raises(SrBenchError, match="names scale 2, --scale is 4"):
        pair_folders(*folders([sr], [hr]), scale=4)


@pytest.mark.parametrize("end", ["", "_x4", "_x4_edsr"])
def test_each_name_is_looked_up_and_not_searched(folders, end, monkeypatch):
    """The work grows with the number of names, not with its square."""
    calls = []
    before = pairing.name_of
    monkeypatch.setattr(pairing, "name_of", lambda p: calls.append(p) or before(p))
    hrs = [f"im{i}.png" for i in range(300)]
    assert len(paired([f"im{i}{end}.png" for i in range(300)], hrs, folders)) == 300
    assert len(calls) <= 4 * 600


def test_files_instead_of_folders_and_a_folder_that_is_missing(folders):
    sr, hr = folders(["a.png"], ["a.png"])
    for one, other in ((sr / "a.png", hr), (sr, hr / "a.png")):
        with pytest.raises(SrBenchError, match=r"a\.png: is an empty file, expected a folder"):
            pair_folders(one, other, scale=2)
    with pytest.raises(SrBenchError, match=r"none: no such folder"):
        pair_folders(sr, hr / "none", scale=2)
