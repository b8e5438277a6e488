"""Pseudo-random numbers that are the same on every machine and with every version of NumPy."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_MODULUS, _FACTOR = 2**31 - 1, 16807
_SEED_0 = 1144108930  # the state that MATLAB's randn('seed', 0) starts from
_MASK = 2**64 - 1
_GAMMA = 0x9E3779B97F4A7C15
_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))
_TERMS = 12  # uniform numbers in one of `normal_q16`


def matlab_v4_normal(count: int) -> NDArray[np.float64]:
    """The first numbers of MATLAB's ``randn('seed', 0); randn(count, 1)``: 1.1650, 0.6268, 0.0751.

    MATLAB 4's generator: u = 16807 u mod 2^31 - 1; of each pair of numbers on -1..1 that lies in
    the unit circle, the first one by the polar method. Equals the noise in the published DN images
    of RDN's Set5 in each of 187,962 values.
    """
    made: list[NDArray[np.float64]] = []
    state, missing = _SEED_0, count
    while missing > 0:
        numbers = _lehmer(state, 2 * (int(missing * 1.28) + 64))
        state = int(numbers[-1])
        made.append(_polar(2.0 * (numbers / _MODULUS) - 1.0)[:missing])
        missing -= len(made[-1])
    return np.concatenate(made) if made else np.empty(0)


def _lehmer(state: int, count: int) -> NDArray[np.int64]:
    """The next numbers after ``state``, by doubling: 16807^n of those that are there."""
    numbers = np.array([state * _FACTOR % _MODULUS], dtype=np.int64)
    factor = _FACTOR
    while len(numbers) < count:
        numbers = np.concatenate([numbers, numbers * factor % _MODULUS])
        factor = factor * factor % _MODULUS
    return numbers[:count]


def _polar(values: NDArray[np.float64]) -> NDArray[np.float64]:
    first, second = values[0::2], values[1::2]
    radius = first * first + second * second
    inside = radius < 1
    kept = radius[inside]
    return np.asarray(first[inside] * np.sqrt(-2.0 * np.log(kept) / kept))


class Integers:
    """A stream of 64-bit integers: splitmix64, seeded by text.

    The seed is the first 8 bytes, little endian, of the text's sha256. Number i (from 1) is
    mix(seed + i * 0x9E3779B97F4A7C15 mod 2^64), with Steele, Lea and Flood's mix of 2014,
    doi:10.1145/2660193.2660195.
    """

    def __init__(self, text: str) -> None:
        self._state = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")

    def below(self, bound: int) -> int:
        """An integer from 0 to ``bound`` - 1: the upper bits of a 64-bit number times ``bound``."""
        return int(self._next(1)[0]) * bound >> 64

    def between(self, low: int, high: int) -> int:
        """An integer from ``low`` to ``high``, both included."""
        return low + self.below(high - low + 1)

    def normal_q16(self, count: int) -> NDArray[np.int64]:
        """Nearly normal numbers times 2^16, as integers: mean 0, variance 1 less 2^-32.

        Each is the sum of twelve uniform 16-bit numbers less its mean, so no logarithm can round
        differently somewhere; none is beyond 6.
        """
        words = self._next(count * _TERMS // 4)
        sums = words.view("<u2").reshape(count, _TERMS).sum(axis=1, dtype=np.int64)
        return np.asarray(sums - _TERMS * (2**16 - 1) // 2, np.int64)

    def _next(self, count: int) -> NDArray[np.uint64]:
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_GAMMA)
        values = steps + np.uint64(self._state)  # modulo 2^64, as the generator wants it
        self._state = (self._state + count * _GAMMA) & _MASK
        for shift, factor in _MIX:
            values = (values ^ (values >> np.uint64(shift))) * np.uint64(factor)
        return (values ^ (values >> np.uint64(31))).astype("<u8")
