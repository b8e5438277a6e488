"""The clock of a GPU."""

from __future__ import annotations

from typing import Any


class EventClock:
    """Seconds by CUDA events, each waited for: the time of work on the GPU between two calls.

    It is added up in double precision from one event to the next, because an event gives the time
    since another in float32.
    """

    __name__ = "cuda_events"

    def __init__(self) -> None:
        self.seconds = 0.0
        self.last = self._event()

    def __call__(self) -> float:
        """Now."""
        event = self._event()
        self.seconds += self.last.elapsed_time(event) / 1e3
        self.last = event
        return self.seconds

    @staticmethod
    def _event() -> Any:
        import torch

        event: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        event.synchronize()
        return event
