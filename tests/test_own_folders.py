"""Datasets of the user's own: a folder of images, and lr that is given."""

import pytest

from sr_bench.data.datasets.folders import OwnFolder, index_folder, open_folder, plain_name
from sr_bench.imaging import images
from sr_bench.imaging.degrade import GivenLr, degrade
from sr_bench.support.errors import SrBenchError


@pytest.fixture
def own(tmp_path, picture):
    """``own({name: shape}, ...)``: a dataset of these images."""

    def make(files, **how):
        for name, shape in files.items():
            images.write(tmp_path / "mine" / name, picture(*shape))
        return OwnFolder("mine", tmp_path / "mine", **how)

    return make


def index(own):
    return index_folder(own, own.folder.parent / "mine.json")


def refused(own, *facts):
    with pytest.raises(SrBenchError) as caught:
        index(own)
    for fact in facts:
        assert fact in str(caught.value)


PAIR = {
    "HR/a.png": (33, 46, 3),
    "LR4/a.png": (8, 11, 3),
    "HR/b.png": (40, 40),
    "LR4/b.png": (10, 10),
}


def test_a_folder_is_a_dataset(own, tmp_path):
    mine = own({"b.png": (8, 9), "a.png": (10, 11, 3), ".hidden.png": (4, 4)})
    (mine.folder / "README.txt").write_text("no image")
    dataset = index(mine)
    assert [(e.name, e.shape) for e in dataset] == [("a.png", (10, 11, 3)), ("b.png", (8, 9))]
    assert open_folder(mine, tmp_path / "mine.json") == dataset and not dataset.lr
    assert '"lr"' not in (tmp_path / "mine.json").read_text()


def test_a_pattern_chooses_and_may_go_below(own):
    files = {"x/a_HR.png": (8, 9), "x/a_LR.png": (4, 4), "y/b_HR.png": (8, 8)}
    assert [e.stem for e in index(own(files, hr="*/*_HR.png"))] == ["a_HR", "b_HR"]


def test_what_is_no_dataset(own, tmp_path):
    refused(own({}), "mine: no such folder; correct params.yaml: datasets.mine.folder")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.txt").write_text("")
    refused(own({}), "no image in it that fits '*' (of 1 files and folders)")
    refused(own({"a.png": (8, 8)}, hr="*.bmp"), "no image in it that fits '*.bmp'")
    (tmp_path / "mine/b.png").write_text("no image")
    refused(own({}), "b.png")


@pytest.mark.parametrize(
    "names", [("a_HR.png", "a_LR.png"), ("a.png", "ax4.png"), ("a_SRF_4_HR.png", "a_SRF_4_LR.png")]
)
def test_hr_and_lr_in_one_folder_are_two_sets_of_names(own, names):
    refused(own(dict.fromkeys(names, (8, 8))), "two sets of names", *names, "'*_HR.png'", "hr: and")


def test_two_images_of_one_name(own):
    refused(own({"x/a.png": (8, 8), "y/a.png": (8, 8)}, hr="*/*"), "two images called 'a'")


@pytest.mark.parametrize(
    ("files", "how"),
    [
        (PAIR, {"hr": "HR", "lr": {4: "LR4"}}),
        (PAIR, {"hr": "HR/*.png", "lr_pattern": "LR{scale}"}),
        (
            {"a_HR.png": (33, 46, 3), "a_LR4.png": (8, 11, 3), "b_HR.png": (40, 40),
             "b_LR4.png": (10, 10)},
            {"hr": "*_HR.png", "lr": {4: "*_LR4.png"}},
        ),
        (
            {"HR/0801.png": (33, 46, 3), "X4/0801x4.png": (8, 11, 3), "HR/0802.png": (40, 40),
             "X4/0802x4.png": (10, 10)},
            {"hr": "HR", "lr": {4: "X4"}},
        ),
    ],
)  # fmt: skip
def test_lr_that_is_given(own, tmp_path, files, how):
    mine = own(files, **how)
    dataset = index(mine)
    assert open_folder(mine, tmp_path / "mine.json") == dataset
    first = dataset.entries[0]
    rule = GivenLr.of(dataset.given)
    lr = dataset.make_lr(first, rule, scale=4)
    assert (lr == images.read(mine.folder / dataset.lr[4][first.name].name)).all()
    assert dataset.origin(first, rule, scale=4) == dataset.lr[4][first.name]
    assert str(rule) == f"given.{dataset.given}" and len(dataset.given) == 12
    with pytest.raises(ValueError, match="lr is given"):
        degrade(dataset.read(first), rule, scale=4)


def test_the_hash_of_lr_is_of_what_is_given(own, picture):
    mine = own(PAIR, hr="HR", lr={4: "LR4"})
    before = index(mine)
    images.write(mine.folder / "HR/a.png", picture(33, 46, 3))
    assert index(mine).given == before.given
    images.write(mine.folder / "LR4/a.png", picture(8, 11, 3))
    assert index(mine).given != before.given


@pytest.mark.parametrize(
    ("change", "facts"),
    [
        ({"LR4/a.png": (9, 11, 3)}, ("LR4/a.png: doesn't fit HR/a.png", "(9, 11)", "(8, 11)")),
        ({"LR4/a.png": (33, 46, 3)}, ("as large as HR already",)),
        ({"LR4/a.png": (8, 11)}, ("LR is gray, HR is RGB",)),
        ({"HR/c.png": (40, 40)}, ("3 HR and 2 LR at scale 4", "no LR of c")),
        ({"LR4/c.png": (40, 40), "LR4/d.png": (4, 4)}, ("no HR of LR4/c.png, LR4/d.png",)),
        ({"LR4/ax4.png": (8, 11, 3)}, ("LR4/a.png and LR4/ax4.png have one name, 'a'",)),
    ],
)
def test_lr_that_does_not_fit(own, change, facts):
    refused(own(PAIR | change, hr="HR", lr={4: "LR4"}), *facts)


def test_lr_of_no_scale(own):
    refused(own(PAIR, hr="HR", lr_pattern="X{scale}"), "'X{scale}' with a scale from 2 to 8")


def test_a_changed_image_is_named(own, tmp_path, picture):
    mine = own(PAIR, hr="HR", lr={4: "LR4"})
    index(mine)
    images.write(mine.folder / "LR4/a.png", picture(8, 11, 3))
    images.write(mine.folder / "HR/new.png", picture(8, 11, 3))
    (mine.folder / "HR/b.png").unlink()
    with pytest.raises(SrBenchError) as caught:
        open_folder(mine, tmp_path / "mine.json")
    said = "changed: LR4/a.png; gone: HR/b.png; new: HR/new.png; if it should be so, run: "
    assert f"{said}sr-bench fetch mine" in str(caught.value)


def test_a_damaged_manifest(own, tmp_path):
    mine = own(PAIR, hr="HR", lr={4: "LR4"})
    index(mine)
    manifest = tmp_path / "mine.json"
    manifest.write_text(manifest.read_text().replace('"4"', '"four"'))
    with pytest.raises(SrBenchError, match="not a manifest"):
        open_folder(mine, manifest)
    manifest.unlink()
    with pytest.raises(SrBenchError, match=r"make it with: sr-bench fetch mine"):
        open_folder(mine, manifest)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("img_001_SRF_4_HR", "img_001"), ("babyx2", "baby"), ("Canon_001_LR4", "Canon_001"),
     ("0801x4", "0801"), ("box", "box"), ("x2", "x2"), ("photo_2", "photo_2")],
)  # fmt: skip
def test_names_without_their_marks(name, plain):
    assert plain_name(name) == plain
