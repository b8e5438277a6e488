"""The upscaling factor: one type everywhere."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

SCALES = range(2, 9)

Scale = Annotated[int, Field(ge=SCALES.start, le=SCALES.stop - 1, strict=True)]
