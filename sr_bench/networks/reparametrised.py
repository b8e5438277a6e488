"""Networks trained in another form than they are used in, and tools to write such forms."""

from __future__ import annotations

from typing import Protocol

import torch


class Reparametrised(Protocol):
    """A form of a network that is easier to train, and folds into the network exactly.

    It is an ``nn.Module`` that maps what the network maps.
    """

    def prepare(self, inputs: torch.Tensor) -> None:
        """See (B, C, p, p) training inputs, float32 in [0, 1], before the first step."""

    def folded(self) -> dict[str, torch.Tensor]:
        """The network's own ``state_dict``."""


def whitener(vectors: torch.Tensor, *, floor: float) -> torch.Tensor:
    """(C + floor I)^(-1/2), C the mean of v v^T over the rows v of (N, d): (d, d), float32.

    A layer that sees ``whitener @ v`` instead of v has inputs of about equal variance in all
    directions, which gradient descent needs; natural image patches are far from that.
    """
    moment = (vectors.T @ vectors / len(vectors)).double()
    values, directions = torch.linalg.eigh(moment)
    root = directions @ torch.diag((values + floor).rsqrt()) @ directions.T
    whitened: torch.Tensor = root.float()
    return whitened
