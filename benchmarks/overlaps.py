"""Which images of the training sets are, or nearly are, images of the test sets.

    python -m benchmarks.overlaps

Each image is a 64-bit hash: the signs, around their median, of the 8 x 8 lowest frequencies of its
luminance at 32 x 32 (DCT). A training image is hashed in all 8 flips and turns. Two images of
different content differ in 32 bits or so; an image and its crop, copy or other compression in few.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from scipy.fft import dctn

from sr_bench.data.catalogue.sources import find_source
from sr_bench.imaging import images
from sr_bench.support.parallel import map_images

TRAINING = ("T91", "BSD400", "General100", "DIV2K-test-lr-x4")
TEST = ("Set5", "Set14", "BSD100", "Urban100", "DIV2K-c256", "skimage-photos")
NEAR = 10  # bits of 64
SIDE, KEPT = 32, 8


def hashes(path: Path) -> NDArray[np.bool_]:
    """(8, 64): the hash of an image in each of its flips and turns."""
    gray = Pillow.fromarray(images.read(path)).convert("L")
    small = np.asarray(gray.resize((SIDE, SIDE), Pillow.Resampling.BOX), np.float64)
    turned = [np.rot90(s, k) for s in (small, small[:, ::-1]) for k in range(4)]
    lowest = np.stack([dctn(t)[:KEPT, :KEPT].ravel() for t in turned])
    made: NDArray[np.bool_] = lowest > np.median(lowest[:, 1:], axis=1, keepdims=True)
    return made


def hashed(name: str, data: Path) -> tuple[list[str], NDArray[np.bool_]]:
    """Names, and (images, 8, 64), of a dataset that was fetched."""
    source = find_source(name)
    paths = [data / source.folder / f.name for f in source.files if images.is_image(Path(f.name))]
    paths = [p for p in paths if p.is_file()]
    return [p.name for p in paths], np.array(map_images(hashes, paths))


def main(data: Path = Path("data")) -> None:
    """Print a table of pairs at most ``NEAR`` bits apart, and the nearest pair of each two sets."""
    test = {name: made for name in TEST if len((made := hashed(name, data))[0])}
    absent = [name for name in TEST if name not in test]
    print(f"| training set | {' | '.join(f'{n} ({len(m[0])})' for n, m in test.items())} |")
    print("| --- " * (len(test) + 1) + "|")
    near: list[str] = []
    for name in TRAINING:
        names, ours = hashed(name, data)
        cells = []
        for other, (theirs_names, theirs) in test.items():
            apart = (ours[:, :, None] != theirs[None, None, :, 0]).sum(-1).min(1)
            found = np.argwhere(apart <= NEAR)
            near += [
                f"{name}/{names[i]} - {other}/{theirs_names[j]}: {apart[i, j]} bits"
                for i, j in found
            ]
            cells.append(f"{len(found)} (nearest {apart.min()})")
        print(f"| {name} ({len(names)}) | {' | '.join(cells)} |")
    print("\n".join(["", f"At most {NEAR} bits apart: {len(near)}", *near]))
    if absent:
        print(f"Not fetched, so not compared: {', '.join(absent)}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
