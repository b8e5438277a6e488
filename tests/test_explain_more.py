"""``sr-bench explain``: networks, what could not be tried, identical images, other data ranges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from sr_bench.analysis.explain.chain import chain, conclusion, facts, notes
from sr_bench.analysis.explain.claim import Claim
from sr_bench.analysis.explain.deviations import DEVIATIONS
from sr_bench.analysis.explain.question import Explanation, Question
from sr_bench.analysis.explain.runs import run_subject
from sr_bench.analysis.explain.search import explain
from sr_bench.analysis.explain.subject import Subject, bicubic_subject, folder_subject
from sr_bench.analysis.explain.way import Way
from sr_bench.data.catalogue.protocols import find_protocol, load_protocols
from sr_bench.evaluation.metrics.psnr import psnr_unchecked
from sr_bench.evaluation.metrics.ssim import ssim_unchecked
from sr_bench.evaluation.scoring.pairing import pair_folders
from sr_bench.evaluation.upscaling.upscale import upscale_run
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_y
from sr_bench.imaging.degrade import degrade
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError

METHOD = '''
from pathlib import Path

from sr_bench.networks.method import Method


class Model:
    """Nearest neighbours, mixed with the pixel on the right: flips make another image."""

    colour = "rgb"

    def __call__(self, lr):
        with Path(__file__).with_name("calls").open("a") as calls:
            calls.write(".")
        sr = lr.repeat_interleave(2, 2).repeat_interleave(2, 3)
        return 0.75 * sr + 0.25 * sr.roll(1, 3)


METHOD = Method(name="near", load=lambda setup: Model(), reference="r")
'''


@contextmanager
def quietly(_: str, __: int) -> Iterator[object]:
    yield lambda _: None


def ask(subject: Subject, *claims: str, told: list[str] | None = None, **given) -> Explanation:  # type: ignore[no-untyped-def]
    if "protocol" in given:
        given["protocol"] = find_protocol(given["protocol"])
    question = Question(subject, tuple(Claim.parse(c, "psnr") for c in claims), **given)
    said = [] if told is None else told
    return explain(question, watch=quietly, tell=said.append)


def names(finding) -> tuple[str, ...]:  # type: ignore[no-untyped-def]
    return finding.candidate.protocol.name, *(d.name for d in finding.candidate.deviations)


# Given images


@pytest.fixture
def given(tmp_path: Path):  # type: ignore[no-untyped-def]
    """``given(identical, size)``: four hr and sr on levels 20 to 220, some of them identical."""

    def make(identical: int = 0, sr_size: int = 60) -> Subject:
        rng = np.random.default_rng(3)
        y, x = np.mgrid[0:60, 0:66]
        for i in range(4):
            waves = [np.sin(x / (5 + i + k)) * np.cos(y / 7) for k in range(3)]
            hr = (120 + 100 * np.stack(waves, -1)).astype(np.uint8)
            sr = np.clip(hr + rng.normal(0, 4 + i, hr.shape), 0, 255).astype(np.uint8)
            images.write(tmp_path / "hr" / f"im{i}.png", hr)
            sr = hr if i < identical else sr
            images.write(tmp_path / "sr" / f"im{i}.png", sr[:sr_size, :sr_size] if sr_size < 60
                         else sr)  # fmt: skip
        pairs = pair_folders(tmp_path / "sr", tmp_path / "hr", scale=2)
        return folder_subject("sr x2", pairs, scale=2)

    return make


def planes(subject: Subject, crop: int = 2) -> list[tuple[np.ndarray, np.ndarray]]:
    """Y of sr and hr without their border, by hand."""
    found = []
    for _, path in subject.hr:
        both = images.read(path.parents[1] / "sr" / path.name), images.read(path)
        inside = np.s_[crop:-crop, crop:-crop]
        found.append((rgb_to_y(both[0])[inside], rgb_to_y(both[1])[inside]))
    return found


RANGES = {
    "range-spread": lambda sr, hr, metric: (
        np.ptp(hr) if metric == "psnr" else max(np.ptp(hr), np.ptp(sr))
    ),
    "range-peak": lambda sr, hr, metric: hr.max(),
    "range-2": lambda sr, hr, metric: 510,
    "range-half": lambda sr, hr, metric: 127.5,
    "range-1": lambda sr, hr, metric: 1,
}


@pytest.mark.parametrize("name", RANGES)
def test_other_data_ranges_are_known(name, given) -> None:  # type: ignore[no-untyped-def]
    subject = given()
    both, taken = planes(subject), RANGES[name]
    numbers = [
        np.mean([f(s, h, data_range=float(taken(s, h, metric))) for s, h in both])
        for f, metric in ((psnr_unchecked, "psnr"), (ssim_unchecked, "ssim"))
    ]
    claims = f"{numbers[0]:.4f}", f"ssim={numbers[1]:.5f}"
    answer = ask(subject, *claims, protocol="edsr-2017", limit=1)
    assert [names(f) for f in answer.fitting] == [("edsr-2017", name)]


@pytest.mark.parametrize(("name", "value"), [("identical-out", None), ("identical-100", 100.0)])
@pytest.mark.parametrize("identical", [1, 2])
def test_identical_images_are_named_and_what_code_does_with_them_is_known(
    identical: int,
    name: str,
    value: float | None,
    given,  # type: ignore[no-untyped-def]
) -> None:
    subject = given(identical)
    finite = [psnr_unchecked(s, h, data_range=255) for s, h in planes(subject)[identical:]]
    mean = np.mean(finite + ([] if value is None else [value] * identical))
    answer = ask(subject, f"{mean:.4f}", protocol="edsr-2017", limit=1)
    assert names(answer.trials[0]) == ("edsr-2017", name)
    assert chain(answer.trials[0]).startswith("edsr-2017 inf -> ")
    assert any(", ".join(f"im{i}" for i in range(identical)) in note for note in notes(answer))
    json.dumps(facts(answer, 5), allow_nan=False, default=str)


@pytest.mark.parametrize("claims", [["99.99"], ["ssim=0.5", "99.99"], ["33.1", "ssim=0.123"]])
def test_pairs_with_an_identical_image_end_well(claims: list[str], given) -> None:  # type: ignore[no-untyped-def]
    answer = ask(given(1), *claims, protocol="edsr-2017")
    assert not answer.fitting and answer.identical == ("im0",)
    assert all(np.isfinite(list(f.values.values())).all() for f in answer.trials)


def test_images_that_are_all_identical_are_an_error_that_says_so(given) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(SrBenchError, match=r"im0, im1, im2, im3.*PSNR is infinite"):
        ask(given(4), "33.1", protocol="edsr-2017", limit=0)


def test_a_protocol_that_cuts_otherwise_is_said_and_others_are_tried(given) -> None:  # type: ignore[no-untyped-def]
    subject = given(sr_size=36)
    told: list[str] = []
    with pytest.raises(
        SrBenchError, match=r"edsr-2017: it cuts hr \(60, 66\) to \(60, 66\), sr is"
    ):
        ask(subject, "30.0", protocol="edsr-2017", limit=1, told=told)
    assert told == ["9 protocols as they are"]


def test_deviations_of_protocols_that_fit_are_tried_where_the_named_one_does_not(
    tmp_path: Path, given
) -> None:  # type: ignore[no-untyped-def]
    subject = given()
    for _, path in subject.hr:
        image = images.read(path)
        images.write(path, np.pad(image, ((0, 1), (0, 2), (0, 0)), mode="edge"))  # 61 x 68
        sr = path.parents[1] / "sr" / path.name
        images.write(sr, images.read(sr)[:, :60])  # 60 x 60: cut to multiples of 12
    answer = ask(subject, "10.123456", protocol="edsr-2017", limit=1)
    assert {f.candidate.protocol.name for f in answer.trials} == {"basicsr-rgb", "basicsr-y"}
    assert any(f.candidate.deviations for f in answer.trials)
    said = "\n".join(notes(answer))
    others = "srcnn-2015, vdsr-2016, edsr-2017, edsr-div2k, mmediting-2020, lapsrn-2017"
    others += ", lapsrn-2017-paper"
    assert f"not tried: {others}: it cuts hr" in said
    assert "(61, 68) to (60, 68), sr is (60, 60) (im0)" in said
    assert "not of edsr-2017" in said
    assert facts(answer, 3)["not_tried"]


def test_gray_sr_of_colour_hr_says_which_protocols_score_colour(given) -> None:  # type: ignore[no-untyped-def]
    subject = given()
    for _, path in subject.hr:
        sr = path.parents[1] / "sr" / path.name
        images.write(sr, images.read(sr)[..., 0])
    answer = ask(subject, "20.0", limit=0)
    assert "sr is gray, and it scores colour" in "\n".join(notes(answer))


def test_images_of_one_name_are_two_images(tmp_path: Path, picture) -> None:  # type: ignore[no-untyped-def]
    for suffix in ("png", "bmp"):
        images.write(tmp_path / f"same.{suffix}", picture(40, 44, 3))
    files = [("same", tmp_path / f"same.{suffix}") for suffix in ("png", "bmp")]
    each, both = ([bicubic_subject("b", f, scale=2) for f in ([files[0]], [files[1]])],
                  bicubic_subject("b", files, scale=2))  # fmt: skip
    way = Way.of(find_protocol("edsr-2017"))
    (one,), (two,), (mean,) = (
        s.values([way], "psnr", progress=lambda _: None) for s in (*each, both)
    )
    assert one != two and mean == pytest.approx((one + two) / 2)


def test_pairs_count_as_tried(given) -> None:  # type: ignore[no-untyped-def]
    subject = given()
    one, two = (ask(subject, "99.99", protocol="edsr-2017", limit=n) for n in (1, 2))
    assert two.tried > 5 * one.tried
    assert f"({two.tried} ways tried)" in conclusion(two)


def test_costs_beside_an_infinite_mean_are_left_open(tmp_path: Path, picture, cli) -> None:  # type: ignore[no-untyped-def]
    images.write(tmp_path / "hr" / "black.png", np.zeros((60, 64, 3), np.uint8))
    images.write(tmp_path / "hr" / "noise.png", picture(60, 64, 3))
    out, _ = cli(["explain", "--costs", "--hr", "hr"], cwd=tmp_path)
    assert "nan" not in out and "inf" not in out and "| `rgb` | RGB instead of Y |  |  |  | " in out
    said, _ = cli(["explain", "--costs", "--hr", "hr", "--json"], cwd=tmp_path)
    facts = json.loads(said, parse_constant=pytest.fail)
    assert {row["added"] for row in facts if row["metric"] == "psnr"} == {None}


# Networks


@pytest.fixture
def network(project: Path) -> Project:
    """A project with the method ``near``, at x2, with and without self-ensemble."""
    (project / "methods").mkdir()
    (project / "methods" / "near.py").write_text(METHOD)
    params = (project / "params.yaml").read_text().replace("methods: [", "methods: [methods, ")
    for variant in ("", "+"):
        name = "near-+-x2" if variant else "near-x2"
        params += (
            f"  {name}: {{method: near, variant: '{variant}', scale: 2, protocols: [edsr-2017]}}\n"
        )
    (project / "params.yaml").write_text(params)
    return Project.load(project)


def subject_of(project: Project, run: str = "near-x2", *, upscale: bool) -> Subject:
    dataset = project.dataset("Set5")
    return run_subject(project, project.run(run), dataset, upscale=upscale)


def calls(project: Project) -> int:
    path = project.root / "methods" / "calls"
    return len(path.read_text()) if path.is_file() else 0


def number(project: Project, run: str, name: str = "edsr-2017") -> str:
    """The run's PSNR of saved images, by the protocol itself."""
    answer = ask(subject_of(project, run, upscale=False), "1.0", limit=0)
    value = next(f for f in answer.trials if names(f) == (name,)).values["psnr"]
    return f"{value:.6f}"


def upscaled(project: Project, run: str) -> None:
    upscale_run(project, project.run(run), progress=lambda _: None)


def test_a_run_without_images_says_which_command_makes_them(network: Project) -> None:
    with pytest.raises(SrBenchError, match=r"no complete set of SR images of Set5 \(2 images\)"):
        subject_of(network, upscale=False)
    with pytest.raises(
        SrBenchError, match=r"make them: sr-bench upscale near-x2; or add --upscale"
    ):
        subject_of(network, upscale=False)
    folder = network.sr("near-x2", "rgb-matlab", "Set5")
    images.write(folder / "gray.png", np.zeros((34, 44), np.uint8))
    with pytest.raises(SrBenchError, match="no complete set"):
        subject_of(network, upscale=False)


def test_without_upscale_what_it_would_try_is_said(network: Project) -> None:
    upscaled(network, "near-x2")
    before = calls(network)
    answer = ask(subject_of(network, upscale=False), "99.99", limit=1)
    assert calls(network) == before
    said = "\n".join(notes(answer))
    assert "--upscale would try more" in said
    assert "build/sr/near-x2/ycbcr-float-replicate/Set5 is not there" in said


def test_each_lr_is_upscaled_once_for_all_metrics_and_claims(network: Project) -> None:
    upscaled(network, "near-x2")
    before, told = calls(network), []
    claims = "99.99", "ssim=0.5", "ssim=0.6"
    ask(subject_of(network, upscale=True), *claims, limit=1, told=told, passes=200)
    made = (calls(network) - before) / 2  # images
    stated = [int(t.split("network runs ")[1].split()[0]) for t in told if "network runs" in t]
    assert len(stated) == 2 and made == sum(stated)


def test_weights_of_another_scale_that_are_not_there_end_nothing(
    network: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    params = network.root / "params.yaml"
    text = params.read_text()
    params.write_text(text + "  near-x3: {method: near, scale: 3, protocols: [edsr-2017]}\n")
    project = Project.load(network.root)
    upscaled(project, "near-x2")

    def noted(_: Project, run, __) -> None:  # type: ignore[no-untyped-def]
        if run.scale == 3:
            raise SrBenchError("near-x3.json: no such file; make it with: sr-bench fetch")

    monkeypatch.setattr("sr_bench.project.run_weights.noted_weights", noted)
    subject = subject_of(project, upscale=True)
    answer = ask(subject, "99.99", protocol="edsr-2017", limit=1)
    assert not any("weights-x3" in names(f) for f in answer.trials)
    assert any("round-once" in names(f) for f in answer.trials)


def test_passes_bound_the_work_and_what_is_left_out_is_said(network: Project) -> None:
    upscaled(network, "near-x2")
    before = calls(network)
    answer = ask(subject_of(network, upscale=True), "99.99", passes=6)
    assert (calls(network) - before) / 2 <= 6
    assert answer.left_out > 0
    assert f"{answer.left_out} ways were left out" in "\n".join(notes(answer))


def test_cheap_ways_come_first_and_the_network_is_spared(network: Project) -> None:
    upscaled(network, "near-x2")
    rgb = ask(subject_of(network, upscale=False), "1.0", protocol="edsr-2017", limit=1)
    found = next(f for f in rgb.trials if names(f) == ("edsr-2017", "crop-more"))
    claim = f"{found.values['psnr']:.6f}"
    told: list[str] = []
    before = calls(network)
    subject = subject_of(network, upscale=True)
    answer = ask(subject, claim, protocol="edsr-2017", told=told)
    assert names(answer.fitting[0]) == ("edsr-2017", "crop-more")
    assert told[0] == "9 protocols as they are, for which the network runs 5 times over 2 images"
    assert len(told) == 2 and "network" not in told[1]
    assert "not tried, since a way without them fits" in "\n".join(notes(answer))
    assert (calls(network) - before) / 2 == 5  # the other protocols' own LR


@pytest.mark.parametrize(
    ("run", "other", "deviation"),
    [("near-x2", "near-+-x2", "ensemble"), ("near-+-x2", "near-x2", "ensemble-none")],
)
@pytest.mark.parametrize("saved", [True, False], ids=["from its sibling's images", "made"])
def test_self_ensemble_is_among_the_causes(
    run: str, other: str, deviation: str, saved: bool, network: Project
) -> None:
    upscaled(network, run)
    upscaled(network, other)
    claim = number(network, other)
    if not saved:
        for path in network.sr(other, "rgb-matlab", "Set5").iterdir():
            path.unlink()
    answer = ask(subject_of(network, run, upscale=not saved), claim, protocol="edsr-2017", limit=1)
    assert [names(f) for f in answer.fitting] == [("edsr-2017", deviation)]


def test_self_ensemble_is_among_the_causes_of_an_lpips(
    network: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A made-up network stands in for LPIPS's, whose weights can't be had everywhere."""

    class Distance(torch.nn.Linear):
        def forward(self, sr, hr):  # type: ignore[no-untyped-def, override]
            return (sr - hr).abs().mean()

    stand_in = Distance(1, 1)
    monkeypatch.setattr("sr_bench.analysis.explain.perceived._network", lambda _: stand_in)
    for run in ("near-x2", "near-+-x2"):
        upscaled(network, run)
    own = ask(subject_of(network, "near-+-x2", upscale=False), "lpips=0.1", limit=0)
    value = next(f for f in own.trials if names(f) == ("edsr-2017",)).values["lpips"]
    answer = ask(
        subject_of(network, upscale=False), f"lpips={value:.7f}", protocol="edsr-2017", limit=1
    )
    assert names(answer.fitting[0]) == ("edsr-2017", "ensemble")


def test_bicubic_has_no_self_ensemble(project: Path) -> None:
    loaded = Project.load(project)
    answer = ask(subject_of(loaded, "bicubic-x2", upscale=False), "99.99", limit=1)
    assert not any("ensemble" in " ".join(names(f)) for f in answer.trials)


def test_a_limited_run_of_bicubic_is_limited_where_no_deviation_says_so(project: Path) -> None:
    path = project / "params.yaml"
    limited = "{method: bicubic_limited, scale: 2, protocols: [srcnn-2015]}"
    path.write_text(path.read_text() + f"  bicubic_limited-x2: {limited}\n")
    loaded = Project.load(project)
    known = {d.name: d for d in DEVIATIONS}
    base = Way.of(find_protocol("srcnn-2015"))
    for run, other, same in (
        ("bicubic-x2", "up-limited", "up-unlimited"),
        ("bicubic_limited-x2", "up-unlimited", "up-limited"),
    ):
        subject = subject_of(loaded, run, upscale=False)
        ways = [known[name].applied(base, "psnr") or base for name in (other, same)]
        changes, is_so = subject.values(ways, "psnr", progress=lambda _: None)
        assert changes is not None and is_so is None
    rgb = Way.of(find_protocol("edsr-2017"))  # whose planes aren't Y
    assert subject.values([rgb], "psnr", progress=lambda _: None) == [None]


def test_an_explained_network_needs_no_saved_images(network: Project) -> None:
    subject = subject_of(network, upscale=True)
    hr, model_lr = [], load_protocols().degradations["rgb-matlab"]
    for _, path in subject.hr:
        hr.append(degrade(images.read(path), model_lr, scale=2).shape)
    assert len(hr) == 2
    answer = ask(subject, "99.99", protocol="edsr-2017", limit=0)
    assert {f.candidate.protocol.name for f in answer.trials} >= {"edsr-2017", "srcnn-2015"}


# The command


def test_the_command_takes_the_folder_of_a_dataset(network: Project, cli) -> None:  # type: ignore[no-untyped-def]
    upscaled(network, "near-x2")
    words = ["explain", "near-x2", "--claim", number(network, "near-x2"), "--single", "--hr"]
    for hr in ("Set5", "data/Set5", "data/Set5/", network.data / "Set5"):
        out, err = cli([*words, hr], cwd=network.root)
        assert "near-x2 on Set5" in out and "edsr-2017" in out
        assert "explain: " in err and "single deviations" in err


@pytest.mark.parametrize(
    ("hr", "fact", "status"),
    [
        ("Set55", "unknown dataset or weights 'Set55'", 2),
        ("data/Set55", "unknown dataset or weights 'data/Set55'", 2),
        ("methods", "not the folder of a fetched dataset", 2),
        ("SRCNN-author-weights", "holds weights, not images", 2),
        ("Set14", "make it with: sr-bench fetch Set14", 1),
    ],
)
def test_the_command_refuses_what_is_no_dataset(
    hr: str,
    fact: str,
    status: int,
    network: Project,
    cli,  # type: ignore[no-untyped-def]
) -> None:
    words = ["explain", "near-x2", "--claim", "30.0", "--hr", hr]
    _, err = cli(words, status=status, cwd=network.root)
    assert fact in " ".join(err.split())
