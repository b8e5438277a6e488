"""A claimed number: a metric, and the digits that were printed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from sr_bench.analysis.explain.perceived import PERCEIVED
from sr_bench.support.errors import WrongUse

METRICS = ("psnr", "ssim", *PERCEIVED)


@dataclass(frozen=True)
class Claim:
    """What a paper, a README or a colleague says came out.

    Raises:
        WrongUse: for another metric, or text that isn't a finite number.
    """

    metric: str  # `psnr` (dB), `ssim`, `lpips` or a kind of `niqe`
    printed: str  # the number with its digits, `28.40`: a value fits if it rounds to them

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise WrongUse(f"metric is '{self.metric}', explain knows {' and '.join(METRICS)}")
        try:
            finite = Decimal(self.printed).is_finite()
        except InvalidOperation:
            finite = False
        if not finite:
            raise WrongUse(f"claim is '{self.printed}', expected a number as printed, as 28.43")

    @classmethod
    def parse(cls, text: str, metric: str) -> Claim:
        """``28.43``, which is of ``metric``, or ``ssim=0.8104``, which says its own."""
        own, equals, printed = text.partition("=")
        return cls(own, printed) if equals else cls(metric, text)

    @property
    def digit(self) -> Decimal:
        """One in the last printed digit."""
        return Decimal(1).scaleb(int(Decimal(self.printed).as_tuple().exponent))

    def fits(self, value: float) -> bool:
        """Whether ``value`` has the printed digits, which an infinite one never has."""
        return math.isfinite(value) and self.digits_off(value) == 0

    def digits_off(self, value: float) -> int:
        """How many last digits a finite ``value``, rounded half up, lies off; 0 fits."""
        rounded = Decimal(repr(value)).quantize(self.digit, rounding=ROUND_HALF_UP)
        return int(abs(rounded - Decimal(self.printed)) / self.digit)

    def off(self, value: float) -> float:
        """``value - claim`` in last digits."""
        return (value - float(self.printed)) / float(self.digit)

    def __str__(self) -> str:
        return f"{self.metric} {self.printed}"
