"""Degradations that are composed of steps: against Octave, the libraries and published LR."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from sr_bench.cli.app import app
from sr_bench.conformance.pictures import Picture
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.imaging import images
from sr_bench.imaging.degrade import Degradation, degrade, degrade_and_tell
from sr_bench.imaging.noise import Integers, matlab_v4_normal
from sr_bench.imaging.second_order_steps import GaussianBlur, SincBlur, gaussian_kernel, sinc_kernel
from sr_bench.support.errors import WrongUse

RULES = load_protocols().degradations
REFERENCE = json.loads((Path(__file__).parent / "reference/degradations.json").read_text())


def sha256(values):
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def stepwise(**fields):
    """``bd-rdn`` with other fields of its blur, or another phase."""
    rule = RULES["bd-rdn"].model_dump()
    blur, subsample = rule["steps"]
    phase = fields.pop("phase", subsample["phase"])
    steps = [{**blur, **fields}, {**subsample, "phase": phase}]
    return Degradation.model_validate({**rule, "name": "other", "steps": steps, "scales": ()})


@pytest.mark.parametrize("case", REFERENCE["octave"], ids=lambda c: f"{c['rule']}-x{c['scale']}")
def test_every_value_equals_octaves(case):
    hr = Picture.model_validate(case["picture"]).array()
    lr = degrade(hr, RULES[case["rule"]], scale=case["scale"])
    assert list(lr.shape) == case["shape"]
    if lr.dtype == np.uint8:
        assert sha256(lr) == case["sha256"]
    else:
        np.testing.assert_allclose(lr[::3, ::3, 1], case["some"], atol=1e-9)


@pytest.mark.parametrize("case", REFERENCE["libraries"], ids=lambda c: f"{c['rule']}-x{c['scale']}")
def test_libraries_shrink_so(case):
    hr = Picture.model_validate(case["picture"]).array()
    assert sha256(degrade(hr, RULES[case["rule"]], scale=case["scale"])) == case["sha256"]


def test_liif_takes_matlabs_lr_up_to_x4_and_pillows_beyond():
    hr = Picture(kind="scene", height=48, width=72).array()
    for scale, other in ((2, "rgb-matlab"), (4, "rgb-matlab"), (6, "pillow-bicubic")):
        lr = degrade(hr, RULES["liif"], scale=scale)
        assert np.array_equal(lr, degrade(hr, RULES[other], scale=scale)), scale
    with pytest.raises(WrongUse, match="liif is defined at x2 and x3 and x4 and x6 and x8, not at"):
        degrade(hr, RULES["liif"], scale=5)


def test_another_step_gives_another_lr():
    hr = Picture(kind="scene", height=48, width=60).array()
    lr = degrade(hr, RULES["bd-rdn"], scale=3)
    assert np.array_equal(degrade(hr, stepwise(), scale=3), lr)
    for other in ({"size": 9}, {"sigma": 1.5}, {"border": "reflect"}, {"phase": "first"}):
        assert not np.array_equal(degrade(hr, stepwise(**other), scale=3), lr), other


def test_an_even_kernel_has_its_centre_before_or_after_the_middle():
    hr = Picture(kind="scene", height=48, width=60).array()
    before, after = (
        degrade(hr, stepwise(size=4, centre=c, border="mirror"), scale=2)
        for c in ("before", "after")
    )
    assert not np.array_equal(before, after)
    mirrored = degrade(hr[::-1, ::-1], stepwise(size=4, centre="after", phase="first"), scale=2)
    again = degrade(hr, stepwise(size=4, centre="before", phase="middle"), scale=2)
    assert np.array_equal(mirrored[::-1, ::-1], again)


def test_matlabs_old_generator_starts_as_its_manual_says():
    assert matlab_v4_normal(6).round(4).tolist() == [1.165, 0.6268, 0.0751, 0.3516, -0.6965, 1.6961]
    assert np.array_equal(matlab_v4_normal(1000)[:10], matlab_v4_normal(10))
    assert abs(matlab_v4_normal(40_000).std() - 1) < 0.02


def test_a_degradation_is_refused_at_a_scale_that_it_is_not_defined_at():
    hr = Picture(kind="scene", height=48, width=60).array()
    with pytest.raises(WrongUse, match="bd-rdn is defined at x3, not at x4"):
        degrade(hr, RULES["bd-rdn"], scale=4)
    with pytest.raises(WrongUse, match="bd-duf is defined at x2 and x3 and x4"):
        degrade(hr, RULES["bd-duf"], scale=8)


def test_what_was_there_dumps_and_prints_as_before():
    rule = RULES["rgb-matlab"]
    assert rule.model_dump() == {
        "colour": "rgb", "modcrop": "scale", "rounding": "each-pass", "border": "mirror",
    }  # fmt: skip
    assert str(rule) == "rgb+modcrop.scale+round.each-pass+border.mirror"


@pytest.mark.parametrize("name", [n for n, rule in RULES.items() if rule.steps])
def test_each_is_in_the_signature_of_a_protocol_and_can_be_read_back(name):
    rule = RULES[name]
    scored = [p for p in load_protocols().protocols.values() if p.degradation.name == name]
    assert scored and all(f"|lr:{rule}|" in protocol.signature for protocol in scored)
    assert all(str(step) in str(rule) for step in rule.steps)
    again = Degradation.model_validate({"name": name, **rule.model_dump(mode="json")})
    assert again == rule and again.steps == rule.steps


def test_no_two_degradations_are_the_same():
    assert len({str(rule) for rule in RULES.values()}) == len(RULES)


def test_gray_images_keep_one_plane():
    hr = Picture(kind="scene", height=48, width=48, gray=True).array()
    for rule in filter(lambda rule: rule.made, RULES.values()):
        scale = (rule.scales or (4,))[0]
        assert degrade(hr, rule, scale=scale).shape == (48 // scale, 48 // scale)


# second-order-v1


def test_integers_are_splitmix64():
    numbers = Integers("")
    numbers._state = 1234567
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert numbers._next(3).tolist() == expected
    assert numbers._next(2).tolist() == [4593380528125082431, 16408922859458223821]


def test_normal_integers_have_mean_0_and_variance_1():
    values = Integers("a").normal_q16(50_000) / 2**16
    assert abs(values.mean()) < 0.02 and abs(values.std() - 1) < 0.02 and abs(values).max() < 6


@pytest.mark.parametrize("case", REFERENCE["second-order"], ids=lambda c: f"x{c['scale']}")
def test_second_order_gives_the_same_bytes_everywhere(case):
    hr = Picture.model_validate(case["picture"]).array()
    lr, made = degrade_and_tell(hr, RULES["second-order-v1"], scale=case["scale"])
    assert json.loads(json.dumps(made.manifest()["draws"])) == case["draws"]
    assert sha256(made.lr) == case["sha256"], "another libjpeg? its version is in the signature"
    assert np.array_equal(made.lr, lr)


def test_kernels_sum_to_one_and_are_symmetric():
    for kernel in (
        gaussian_kernel(GaussianBlur(9, 120, 240, 3, -2)),
        sinc_kernel(SincBlur(11, 157)),
    ):
        assert kernel.sum() == 2**16
        assert np.array_equal(kernel, kernel[::-1, ::-1])
    assert gaussian_kernel(GaussianBlur(9, 300, 40, 1, 0))[4].sum() > 2**15  # along x


def test_another_image_or_scale_draws_anew():
    hr = Picture(kind="scene", height=48, width=48).array()
    one, other = hr.copy(), hr.copy()
    other[0, 0] ^= 1
    rule = RULES["second-order-v1"]
    draws = [
        degrade_and_tell(i, rule, scale=s)[1].draws for i, s in ((one, 4), (other, 4), (one, 2))
    ]
    assert len(set(draws)) == 3
    assert degrade_and_tell(one, RULES["bd-rdn"], scale=3)[1] is None


def test_degrade_writes_every_draw_and_the_order_of_files_changes_nothing(tmp_path):
    for kind, name in (("scene", "a"), ("chirp", "b")):
        picture = Picture(kind=kind, height=48, width=60).array()
        images.write(tmp_path / "hr" / f"{name}.png", picture)
        images.write(tmp_path / "alone" / f"z-{name}.png", picture)
    for hr, lr in (("hr", "lr"), ("alone", "again")):
        command = ["degrade", "--hr", str(tmp_path / hr), "--out", str(tmp_path / lr)]
        done = CliRunner().invoke(app, [*command, "--scale", "4", "--protocol", "second-order-v1"])
        assert done.exit_code == 0
    manifests = [
        json.loads((tmp_path / lr / "manifest.json").read_text()) for lr in ("lr", "again")
    ]
    first, again = (manifest["images"] for manifest in manifests)
    assert first == {name.removeprefix("z-"): entry for name, entry in again.items()}
    written = images.read(tmp_path / "lr" / "a.png")
    assert sha256(written) == first["a"]["lr_sha256"] and first["a"]["draws"][0]["step"]
    assert "libjpeg" in manifests[0]["degradation"] and manifests[0]["scale"] == 4
