"""``sr-bench explain``: it names the way in which a number was made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import typer
from skimage.color import rgb2yiq
from skimage.metrics import structural_similarity
from typer.testing import CliRunner

from sr_bench.analysis.explain.chain import chain, conclusion, facts
from sr_bench.analysis.explain.claim import Claim
from sr_bench.analysis.explain.question import Explanation, Question
from sr_bench.analysis.explain.search import explain
from sr_bench.analysis.explain.subject import Subject, bicubic_subject, folder_subject
from sr_bench.cli.explain import explain as command
from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.evaluation.scoring.pairing import pair_folders
from sr_bench.imaging import images
from sr_bench.imaging.color import rgb_to_y, to_uint8
from sr_bench.imaging.resize import imresize
from sr_bench.support.errors import SrBenchError, WrongUse

SCALE = 4


@contextmanager
def quietly(_: str, __: int) -> Iterator[Callable[[int], None]]:
    yield lambda _: None


def ask(subject: Subject, *claims: str, protocol: str | None = None, limit: int = 2) -> Explanation:
    parsed = tuple(Claim.parse(c, "psnr") for c in claims)
    named = None if protocol is None else find_protocol(protocol)
    return explain(Question(subject, parsed, named, limit), watch=quietly)


# Ten ways in which code scores bicubic at x4, written without the registry. Each maps an hr (cut
# to a multiple of 4) to the two images whose PSNR and SSIM are taken.


def lr_matlab(hr: np.ndarray) -> np.ndarray:
    return imresize(hr, scale=Fraction(1, SCALE), rounding="each-pass", border="mirror")


def up(lr: np.ndarray) -> np.ndarray:
    return imresize(lr, scale=SCALE, rounding="each-pass", border="mirror")


def cut(image: np.ndarray, border: int = SCALE) -> np.ndarray:
    return image[border : image.shape[0] - border, border : image.shape[1] - border]


def both(sr: np.ndarray, hr: np.ndarray, function: Callable, border: int = SCALE) -> tuple:
    return cut(function(sr), border), cut(function(hr), border)


def mistyped(rgb: np.ndarray) -> np.ndarray:
    return rgb.astype(float) @ np.array([64.738, 129.057, 25.064]) / 256 + 16


def by_torch(hr: np.ndarray) -> np.ndarray:
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(hr.astype(np.float64)).permute(2, 0, 1)[None]
    small = torch.nn.functional.interpolate(tensor, scale_factor=1 / SCALE, mode="bicubic")
    return to_uint8(small[0].permute(1, 2, 0).numpy())


def once(image: np.ndarray, scale: int | Fraction) -> np.ndarray:
    return imresize(image, scale=scale, rounding="once", border="mirror")


TEN = {
    ("edsr-2017",): lambda hr: both(up(lr_matlab(hr)), hr, rgb_to_y),
    ("edsr-2017", "rgb"): lambda hr: both(up(lr_matlab(hr)), hr, np.asarray),
    ("edsr-2017", "yiq"): lambda hr: both(
        up(lr_matlab(hr)), hr, lambda image: 255 * rgb2yiq(image)[..., 0]
    ),
    ("edsr-2017", "mistyped"): lambda hr: both(up(lr_matlab(hr)), hr, mistyped),
    ("edsr-2017", "y-uint8"): lambda hr: both(
        up(lr_matlab(hr)), hr, lambda image: to_uint8(rgb_to_y(image))
    ),
    ("edsr-2017", "crop-none"): lambda hr: both(up(lr_matlab(hr)), hr, rgb_to_y, 0),
    ("edsr-2017", "crop-more"): lambda hr: both(up(lr_matlab(hr)), hr, rgb_to_y, SCALE + 1),
    ("edsr-2017", "swap-sr"): lambda hr: (
        cut(rgb_to_y(up(lr_matlab(hr))[..., ::-1])),
        cut(rgb_to_y(hr)),
    ),
    ("edsr-2017", "round-once"): lambda hr: both(
        once(once(hr, Fraction(1, SCALE)), SCALE), hr, rgb_to_y
    ),
    ("edsr-2017", "lr-torch"): lambda hr: both(up(by_torch(hr)), hr, rgb_to_y),
}


def scored(way: Callable, hrs: list[np.ndarray]) -> list[str]:
    """PSNR and SSIM of the set to four digits, by NumPy and scikit-image."""
    psnrs, ssims = [], []
    for whole in hrs:
        hr = whole[: whole.shape[0] // SCALE * SCALE, : whole.shape[1] // SCALE * SCALE]
        sr, true = (np.asarray(image, dtype=float) for image in way(hr))
        psnrs.append(10 * np.log10(255**2 / np.mean((sr - true) ** 2)))
        options = {"channel_axis": 2} if sr.ndim == 3 else {}
        _, similar = structural_similarity(
            sr,
            true,
            data_range=255,
            gaussian_weights=True,
            use_sample_covariance=False,
            full=True,
            **options,
        )
        ssims.append(cut(similar, 5).mean())
    return [f"{np.mean(psnrs):.4f}", f"ssim={np.mean(ssims):.4f}"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two colour pictures with edges and gradients, of a size that isn't a multiple of 12."""
    made = tmp_path_factory.mktemp("hr")
    y, x = np.mgrid[0:68, 0:80]
    for name, step in (("one", 5), ("two", 8)):
        waves = [np.sin(x / step) * np.cos(y / 9), np.sin((x + y) / step), (x > 40) ^ (y > 30)]
        planes = [40 + 60 * i + 50 * w for i, w in enumerate(waves)]
        images.write(made / f"{name}.png", np.stack(planes, -1).astype(np.uint8))
    return made


@pytest.fixture(scope="module")
def synthetic(folder: Path) -> Subject:
    hr = [(p.stem, p) for p in images.listing(folder)]
    return bicubic_subject("bicubic on two pictures", hr, scale=SCALE)


def names(finding) -> tuple[str, ...]:  # type: ignore[no-untyped-def]
    return finding.candidate.protocol.name, *(d.name for d in finding.candidate.deviations)


def hrs_of(subject: Subject) -> list[np.ndarray]:
    return [images.read(path) for _, path in subject.hr]


@pytest.mark.parametrize("way", TEN, ids="+".join)
def test_it_names_each_of_ten_ways_on_made_up_pictures(
    way: tuple[str, ...], synthetic: Subject
) -> None:
    answer = ask(synthetic, *scored(TEN[way], hrs_of(synthetic)), protocol="edsr-2017")
    assert names(answer.trials[0]) == way
    assert [names(f) for f in answer.fitting] == [way]


@pytest.mark.slow
@pytest.mark.parametrize("way", TEN, ids="+".join)
def test_it_names_each_of_ten_ways_on_set5(
    way: tuple[str, ...], real: Callable[[str], list[Path]]
) -> None:
    subject = bicubic_subject("Set5", [(p.stem, p) for p in real("Set5")], scale=SCALE)
    answer = ask(subject, *scored(TEN[way], hrs_of(subject)), protocol="edsr-2017")
    assert names(answer.trials[0]) == way
    assert [names(f) for f in answer.fitting] == [way]


def test_a_pair_is_found_where_no_single_deviation_explains(synthetic: Subject) -> None:
    numbers = scored(lambda hr: both(up(lr_matlab(hr)), hr, mistyped, 0), hrs_of(synthetic))
    answer = ask(synthetic, *numbers, protocol="edsr-2017")
    assert names(answer.trials[0]) == ("edsr-2017", "mistyped", "crop-none")
    assert len(answer.trials[0].steps) == 3
    assert not ask(synthetic, *numbers, protocol="edsr-2017", limit=1).fitting


def test_ways_that_give_the_same_digits_are_all_named(synthetic: Subject) -> None:
    claim = scored(TEN["edsr-2017", "yiq"], hrs_of(synthetic))[0]
    answer = ask(synthetic, f"{float(claim):.1f}", protocol="edsr-2017")
    fitting = [names(f) for f in answer.fitting]
    assert {("edsr-2017", "yiq"), ("edsr-2017", "range-219")} <= set(fitting)
    assert "can't tell them apart" in conclusion(answer)
    assert len(facts(answer, 1)["findings"]) == len(fitting)  # type: ignore[arg-type]


def test_among_those_that_fit_the_simplest_is_first(synthetic: Subject) -> None:
    plain = ask(synthetic, "1.0", limit=0).trials
    value = next(f for f in plain if names(f) == ("edsr-2017",)).values["psnr"]
    answer = ask(synthetic, f"{value:.1f}", limit=1)
    counts = [len(f.candidate.deviations) for f in answer.fitting]
    assert counts == sorted(counts)
    assert counts[0] == 0 and counts[-1] == 1


def test_the_chain_adds_up(synthetic: Subject) -> None:
    numbers = scored(TEN["edsr-2017", "rgb"], hrs_of(synthetic))
    best = ask(synthetic, *numbers, protocol="edsr-2017").trials[0]
    start, end = (step.value for step in best.steps)
    text = f"edsr-2017 {start:.4f} -> {numbers[0]}: RGB instead of Y {end - start:+.4f}"
    assert chain(best) == text


def test_a_claim_that_nothing_explains_says_so_and_names_the_nearest(synthetic: Subject) -> None:
    answer = ask(synthetic, "99.99", protocol="edsr-2017", limit=1)
    assert not answer.fitting
    assert "nothing known explains it" in conclusion(answer)
    assert "nearest: " in conclusion(answer)
    distances = [f.digits_off for f in answer.trials]
    assert distances == sorted(distances)
    assert facts(answer, 3)["explained"] is False


def test_a_folder_of_sr_images_is_explained_by_scoring_alone(folder: Path, tmp_path: Path) -> None:
    for path in images.listing(folder):
        images.write(tmp_path / path.name, up(lr_matlab(images.read(path))))
    pairs = pair_folders(tmp_path, folder, scale=SCALE)
    subject = folder_subject("sr", pairs, scale=SCALE)
    hrs = [images.read(p.hr) for p in pairs]
    answer = ask(subject, *scored(TEN["edsr-2017", "rgb"], hrs), protocol="edsr-2017")
    assert names(answer.trials[0])[0] in ("mmediting-2020", "edsr-2017")
    assert ("edsr-2017", "rgb") in [names(f) for f in answer.fitting]
    assert all(d.kind == "scoring" for f in answer.trials for d in f.candidate.deviations)
    # these hr aren't multiples of 12, so no protocol that cuts them so can be meant
    assert not any(f.candidate.protocol.name.startswith("basicsr") for f in answer.trials)


def test_deviations_without_effect_explain_nothing(synthetic: Subject) -> None:
    answer = ask(synthetic, "99.99", limit=1)
    assert not any("gray-rgb" in names(f) for f in answer.trials)


def test_images_that_fit_no_protocol_are_an_error(folder: Path, tmp_path: Path) -> None:
    for path in images.listing(folder):
        images.write(tmp_path / path.name, images.read(path)[:50, :50])
    subject = folder_subject("sr", pair_folders(tmp_path, folder, scale=SCALE), scale=SCALE)
    with pytest.raises(SrBenchError, match=r"fit no protocol.*check the scale"):
        ask(subject, "30.0")


@pytest.mark.parametrize(
    ("text", "metric", "fact"),
    [("28,43", "psnr", "28,43"), ("nan", "psnr", "nan"), ("30.1", "fid", "fid")],
)
def test_a_claim_that_is_no_number_is_wrong_use(text: str, metric: str, fact: str) -> None:
    with pytest.raises(WrongUse, match=fact):
        Claim.parse(text, metric)


def test_a_claim_fits_by_its_printed_digits() -> None:
    claim = Claim.parse("28.40", "psnr")
    assert [claim.digits_off(v) for v in (28.395, 28.4049, 28.4051, 28.384)] == [0, 0, 1, 2]
    assert Claim.parse("ssim=0.81", "psnr") == Claim("ssim", "0.81")


@pytest.fixture
def run() -> Callable[..., str]:
    """``run(*words)``: the command's output; its error is raised."""
    app = typer.Typer()
    app.command()(command)

    def invoke(*words: object) -> str:
        result = CliRunner().invoke(app, [str(w) for w in words])
        if result.exception is not None:
            raise result.exception
        return result.stdout

    return invoke


def test_the_command_prints_the_chain_and_json(run: Callable[..., str], folder: Path) -> None:
    hrs = [images.read(p) for p in images.listing(folder)]
    words = ["bicubic", "--hr", folder, "--scale", SCALE, "--protocol", "edsr-2017"]
    for number in scored(TEN["edsr-2017", "rgb"], hrs):
        words += ["--claim", number]
    assert "RGB instead of Y" in run(*words)
    found = json.loads(run(*words, "--json"))
    assert found["explained"] is True
    assert found["findings"][0]["deviations"] == ["rgb"]


def test_the_command_prints_what_each_deviation_costs(
    run: Callable[..., str], folder: Path
) -> None:
    table = run("--costs", "--hr", folder)
    assert "| `range-1` | a data range of 1 for values of 0..255 | -48.131 | -48.131" in table


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ([], "--hr"),
        (["--hr", "."], "--claim"),
        (["--hr", ".", "--claim", "1.0"], "a run, or bicubic, or --sr"),
        (["bicubic", "--hr", ".", "--claim", "1.0"], "--scale"),
        (["edsr-x2", "--hr", ".", "--claim", "1.0", "--scale", "2"], "its own scale"),
    ],
)
def test_wrong_use_says_what_is_missing(
    run: Callable[..., str], words: list[str], fact: str
) -> None:
    with pytest.raises(WrongUse, match=fact):
        run(*words)
