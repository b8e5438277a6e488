"""What a submission says: results with the values of each image, and who made them with what.

Everything here may come from a stranger: texts are short and printable, names can't leave a folder,
addresses are of the web.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from sr_bench.support.errors import printable
from sr_bench.support.scale import Scale

FORMAT: Final = "sr-bench-submission/1"


def _plain(text: str) -> str:
    if printable(text) != text or text != text.strip():
        raise ValueError("has characters that can't be printed, or blanks at an end")
    return text


Text = Annotated[str, Field(max_length=300), AfterValidator(_plain)]
Named = Annotated[Text, Field(min_length=1)]
Address = Annotated[str, Field(max_length=300, pattern=r"^(https://[!-~]+)?$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Name = Annotated[str, Field(pattern=r"^\w[\w.+ -]{0,99}$"), AfterValidator(_plain)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageValues(_Part):
    """An SR image: the hash of its file, and its value by each metric."""

    image: Name
    sha256: Digest
    values: dict[Name, FiniteFloat]


class SubmittedResult(_Part):
    """A dataset under a protocol: the values of all images, and their means."""

    dataset: Name
    protocol: Name
    scale: Scale
    signature: Named
    means: dict[Name, FiniteFloat]
    images: Annotated[tuple[ImageValues, ...], Field(min_length=1, max_length=10_000)]

    @model_validator(mode="after")
    def _each_image_once(self) -> SubmittedResult:
        names = [image.image for image in self.images]
        if len(set(names)) < len(names):
            raise ValueError(f"an image of {self.dataset} is listed twice")
        return self


class Environment(_Part):
    """What scored the images."""

    software: Named
    python: Named
    system: Named
    packages: dict[Name, Name]


class Submission(_Part):
    """The whole of ``submission.json``. Another ``format`` has other fields."""

    format: Literal["sr-bench-submission/1"] = FORMAT
    model: Named
    by: Named
    trained_on: Text = ""
    weights_sha256: Digest | None = None
    paper: Address = ""
    code: Address = ""
    note: Text = ""
    environment: Environment
    results: Annotated[tuple[SubmittedResult, ...], Field(min_length=1, max_length=1000)]
