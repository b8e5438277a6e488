"""The upscaling factor is one type: what ``params.yaml``, methods and the command line take."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from sr_bench.networks.method_fields import is_scale
from sr_bench.project.entries import FigureEntry, Run, TrainEntry
from sr_bench.support.scale import SCALES, Scale


@pytest.mark.parametrize("value", SCALES)
def test_scales_are_two_to_eight(value):
    assert TypeAdapter(Scale).validate_python(value) == value
    assert is_scale(value)
    run = Run(method="bicubic", scale=value, protocols=("edsr-2017",))
    assert run.name == f"bicubic-x{value}"
    assert TrainEntry(method="m", variant="v", recipe="r", data="T91", scales=(value,)).scales
    FigureEntry(image="Set5/baby", scale=value, protocol="edsr-2017", runs=("bicubic-x2",))


@pytest.mark.parametrize("value", [1, 9, 0, -2, 2.0, 2.5, "2", True, None])
def test_nothing_else_is_a_scale(value):
    with pytest.raises(ValidationError):
        TypeAdapter(Scale).validate_python(value)
    with pytest.raises(ValidationError):
        Run(method="bicubic", scale=value, protocols=("edsr-2017",))
    assert not is_scale(value)


@pytest.mark.parametrize("command", ["degrade", "score", "explain"])
@pytest.mark.parametrize("scale", ["1", "9", "2.5"])
def test_the_command_line_refuses_other_scales(cli, tmp_path, command, scale):
    _, err = cli([command, "--hr", "hr", "--scale", scale], status=2, cwd=tmp_path)
    assert "--scale" in err
