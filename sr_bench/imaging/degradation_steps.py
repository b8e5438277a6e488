"""The named steps that degradations are composed of; ``protocols.yaml`` holds them as data.

Each step turns planes into planes, (h, w) or (h, w, 3), uint8 or float64 on 0..255, and prints as
its part of the signature.
"""

from __future__ import annotations

import io
from fractions import Fraction
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import features
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

from sr_bench.imaging.color import to_uint8
from sr_bench.imaging.noise import matlab_v4_normal
from sr_bench.imaging.resamplers import Library, resample
from sr_bench.imaging.resize import Border, Kernel, Resize, Rounding, imresize
from sr_bench.imaging.second_order import SecondOrderLr, second_order
from sr_bench.support.errors import WrongUse

Planes = NDArray[Any]
# reflect: mirrored without the edge pixel; zero: black around, as imfilter does if it isn't told
BlurBorder = Literal["replicate", "mirror", "reflect", "zero"]
Centre = Literal["before", "after"]  # which of the two middle taps of an even kernel
Phase = Literal["first", "before-middle", "middle"]  # which pixel of `scale` is kept
_PACKAGED_LR = 4  # the largest scale that the usual packages of test sets have LR at
_SCIPY: dict[BlurBorder, Literal["nearest", "reflect", "mirror", "constant"]] = {
    "replicate": "nearest",
    "mirror": "reflect",
    "reflect": "mirror",
    "zero": "constant",
}


class _Step(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TimesScale(_Step):
    """A number that grows with the scale."""

    times: PositiveFloat


class Blur(_Step):
    """Correlation with a Gaussian: MATLAB's ``imfilter`` with ``fspecial('gaussian', ...)``."""

    step: Literal["blur"]
    kernel: Literal["gaussian"]
    size: PositiveInt  # taps in each direction
    sigma: PositiveFloat | TimesScale  # in pixels of hr
    border: BlurBorder
    centre: Centre = "before"
    # taps further than int(truncate * sigma + 0.5) from the centre are 0, as scipy's are
    truncate: PositiveFloat | None = None
    rounding: Literal["uint8", "none"]  # what becomes of the blurred image

    def taps(self, scale: int) -> NDArray[np.float64]:
        """The weights along one direction; they sum to 1."""
        sigma = self._sigma(scale)
        offset = np.arange(self.size) - (self.size - 1) / 2
        weights = np.exp(-(offset**2) / (2 * sigma**2))
        if self.truncate is not None:
            weights[np.abs(offset) > int(self.truncate * sigma + 0.5)] = 0.0
        return np.asarray(weights / weights.sum())

    def applied(self, planes: Planes, *, scale: int, resize: Resize) -> Planes:
        """The blurred planes, of the same size."""
        from scipy.ndimage import correlate1d  # slow to import, and few degradations blur

        taps, blurred = self.taps(scale), planes.astype(np.float64)
        # scipy's centre of an even kernel is the tap after the middle; its origin moves that
        origin = -1 if self.centre == "before" and self.size % 2 == 0 else 0
        for axis in (0, 1):
            blurred = correlate1d(blurred, taps, axis, mode=_SCIPY[self.border], origin=origin)
        return to_uint8(blurred) if self.rounding == "uint8" else blurred

    def _sigma(self, scale: int) -> float:
        return self.sigma if isinstance(self.sigma, float) else self.sigma.times * scale

    def __str__(self) -> str:
        sigma = (
            f"{self.sigma:g}" if isinstance(self.sigma, float) else f"{self.sigma.times:g}*scale"
        )
        even = f".{self.centre}" if self.size % 2 == 0 else ""
        cut = "" if self.truncate is None else f".truncate-{self.truncate:g}"
        return (
            f"blur.{self.kernel}.{self.size}x{self.size}.sigma-{sigma}{cut}{even}"
            f".{self.border}.{self.rounding}"
        )


class Subsample(_Step):
    """Every ``scale``-th pixel, from the one that ``phase`` names.

    ``first`` is pixel 0, ``before-middle`` (scale - 1) // 2, ``middle`` scale // 2: what MATLAB's
    ``imresize(..., 'nearest')`` keeps.
    """

    step: Literal["subsample"]
    phase: Phase

    def applied(self, planes: Planes, *, scale: int, resize: Resize) -> Planes:
        """The pixels that are kept."""
        start = {"first": 0, "before-middle": (scale - 1) // 2, "middle": scale // 2}[self.phase]
        return np.ascontiguousarray(planes[start::scale, start::scale])

    def __str__(self) -> str:
        return f"subsample.{self.phase}"


class ImResize(_Step):
    """MATLAB's ``imresize(image, 1 / scale, kernel)``."""

    step: Literal["imresize"]
    kernel: Kernel
    rounding: Rounding
    border: Border

    def applied(self, planes: Planes, *, scale: int, resize: Resize) -> Planes:
        """The shrunk planes; ``resize`` stands for bicubic alone."""
        options = {"rounding": self.rounding, "border": self.border}
        if self.kernel == "bicubic":
            return resize(planes, scale=Fraction(1, scale), **options)
        return imresize(planes, scale=Fraction(1, scale), kernel=self.kernel, **options)  # type: ignore[arg-type]

    def __str__(self) -> str:
        return f"imresize.{self.kernel}.{self.rounding}.{self.border}"


class LibraryResize(_Step):
    """Bicubic as another library shrinks by it, to uint8."""

    step: Literal["library-resize"]
    library: Library

    def applied(self, planes: Planes, *, scale: int, resize: Resize) -> Planes:
        """The shrunk planes, uint8."""
        return resample(to_uint8(planes), scale=Fraction(1, scale), by=self.library)

    def __str__(self) -> str:
        return f"bicubic.{self.library}"


class LiifResize(_Step):
    """As LIIF's benchmark: MATLAB-made LR where a test set brings it, Pillow's bicubic elsewhere.

    Set5 and the others come with LR at x2, x3 and x4 in the package that EDSR's authors published.
    """

    step: Literal["liif-resize"]

    def applied(self, planes: Planes, *, scale: int, resize: Resize) -> Planes:
        """The shrunk planes, uint8."""
        if scale <= _PACKAGED_LR:
            part = Fraction(1, scale)
            return resize(planes, scale=part, rounding="each-pass", border="mirror")
        return resample(to_uint8(planes), scale=Fraction(1, scale), by="pillow")

    def __str__(self) -> str:
        return f"bicubic.matlab-to-x{_PACKAGED_LR}.pillow-beyond"


class Noise(_Step):
    """Gaussian noise of a stated generator and seed, the same for each image; to uint8.

    ``matlab-v4``: ``randn('seed', 0)`` of MATLAB, which runs down the columns of one plane after
    the other.
    """

    step: Literal["noise"]
    sigma: PositiveFloat  # in grey levels
    generator: Literal["matlab-v4"]
    seed: Literal[0]

    def applied(self, planes: Planes, *, scale: int, resize: Resize) -> Planes:
        """The noisy planes, uint8."""
        numbers = matlab_v4_normal(planes.size).reshape(planes.shape, order="F")
        noise = (self.sigma * numbers).astype(np.float32)
        return to_uint8(planes.astype(np.float32) + noise)

    def __str__(self) -> str:
        return f"noise.gaussian.sigma-{self.sigma:g}.{self.generator}.seed-{self.seed}"


class Jpeg(_Step):
    """To JPEG and back by Pillow: quality as libjpeg counts, 4:2:0, baseline, its islow DCT."""

    step: Literal["jpeg"]
    library: Literal["pillow"]
    quality: Annotated[int, Field(ge=1, le=100)]

    def applied(self, planes: Planes, *, scale: int, resize: Resize) -> Planes:
        """What a reader of the JPEG sees, uint8."""
        return jpeg_and_back(to_uint8(planes), self.quality)

    def __str__(self) -> str:
        return f"jpeg.q{self.quality}.{jpeg_library()}"


class Given(_Step):
    """Nothing: lr is what a dataset brings, two photographs of one scene."""

    step: Literal["given"]

    def applied(self, planes: Planes, *, scale: int, resize: Resize) -> Planes:
        """Refuse: there is nothing to make lr by."""
        raise WrongUse(
            "this protocol scores datasets that bring LR of their own, as RealSR-V3-x4 does, and "
            "makes none from HR; name such a dataset, or another protocol (docs/real-world.md)"
        )

    def __str__(self) -> str:
        return "given"


class SecondOrder(_Step):
    """The drawn chain of ``second_order.py``, seeded by the image; it shrinks by ``scale`` too."""

    step: Literal["second-order"]
    recipe: Literal[1]

    def applied(self, planes: Planes, *, scale: int, resize: Resize) -> Planes:
        """lr of uint8 planes, uint8."""
        return self.drawn(planes, scale=scale).lr

    def drawn(self, planes: Planes, *, scale: int) -> SecondOrderLr:
        """lr, and every draw."""
        return second_order(to_uint8(planes), scale=scale, jpeg=jpeg_and_back)

    def __str__(self) -> str:
        return f"second-order.{self.recipe}.{jpeg_library()}"


Step = Annotated[
    Blur | Subsample | ImResize | LibraryResize | LiifResize | Noise | Jpeg | Given | SecondOrder,
    Field(discriminator="step"),
]


def jpeg_and_back(image: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """The image after JPEG of that quality."""
    packed = io.BytesIO()
    chroma = {"subsampling": "4:2:0"} if image.ndim == 3 else {}
    Pillow.fromarray(image).save(packed, "JPEG", quality=quality, **chroma)
    return np.asarray(Pillow.open(packed))


def jpeg_library() -> str:
    """What packs and unpacks JPEG here, with its version: ``libjpeg-turbo-3.2.0``."""
    turbo = features.version("libjpeg_turbo")
    return f"libjpeg-turbo-{turbo}" if turbo else f"libjpeg-{features.version('jpg')}"
