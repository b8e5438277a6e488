"""The table of docs/conformance.md: sr-bench and the libraries that people score with.

``python -m benchmarks.conformance`` in a clone; libraries that aren't installed are left out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from sr_bench.cli.conformance import print_groups
from sr_bench.conformance.adapter import OURS
from sr_bench.conformance.suite import SuiteResult, run_adapter
from sr_bench.support.errors import WrongUse

MODULES = {  # below benchmarks.adapters
    "basicsr": "basicsr",
    "scikit-image": "scikit_image",
    "pillow": "pillow",
    "opencv": "opencv",
    "torch": "pytorch",
    "torch-antialias": "pytorch_antialias",
    "kornia": "kornia",
    "torchmetrics": "torchmetrics",
    "piq": "piq",
    "pyiqa": "pyiqa",
}
DATA = Path("data")


def suites(libraries: Iterable[str]) -> Iterator[SuiteResult]:
    """The suite's results with sr-bench and each library; a missing library is named."""
    yield run_adapter(OURS, DATA)
    for name in libraries:
        try:
            found = run_adapter(f"benchmarks.adapters.{MODULES[name]}", DATA)
        except WrongUse as error:
            print(f"{name}: not run: {error}", file=sys.stderr)
            continue
        yield replace(found, adapter=name)


if __name__ == "__main__":
    print_groups(list(suites(MODULES)), markdown=True)
