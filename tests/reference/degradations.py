"""Makes ``degradations.json``: LR of made-up images by Octave, Pillow, OpenCV and torch.

For maintainers: ``python tests/reference/degradations.py``, with ``octave-cli`` and its package
image, opencv-python-headless and torch installed. Octave runs ``degradations.m``. The part
``second-order`` is sr-bench's own: it shows that other machines make the same bytes.
"""

import hashlib
import json
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from sr_bench.conformance.pictures import Picture
from sr_bench.data.catalogue.protocols import load_protocols
from sr_bench.imaging.crops import modcrop
from sr_bench.imaging.degrade import degrade_and_tell

HERE = Path(__file__).parent
RULES = load_protocols().degradations
PICTURES = {
    "scene": Picture(kind="scene", height=75, width=86),
    "chirp": Picture(kind="chirp", height=50, width=61),
}
SCALES = (2, 3, 4, 8)


def octave():
    """Cases of Octave; uint8 by their hash, floats by some of their values."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        with (folder / "list.txt").open("w") as names:
            for name, picture in PICTURES.items():
                hr = picture.array()
                (folder / f"{name}.bin").write_bytes(hr.transpose(2, 1, 0).tobytes())
                names.write(f"{name} {hr.shape[0]} {hr.shape[1]}\n")
        subprocess.run(["octave-cli", "--norc", HERE / "degradations.m"], cwd=folder, check=False)
        for rule in ("bd-rdn", "bd-basicvsr", "bd-duf", "box", "nearest"):
            for name, picture in PICTURES.items():
                for scale in RULES[rule].scales or SCALES:
                    kind = np.float64 if rule == "bd-duf" else np.uint8
                    raw = np.fromfile(folder / f"{rule}-{name}-x{scale}.out", kind)
                    height, width = picture.height // scale, picture.width // scale
                    lr = np.ascontiguousarray(raw.reshape(3, width, height).transpose(2, 1, 0))
                    yield case(rule, picture, scale, lr)


def case(rule, picture, scale, lr):
    """One entry."""
    about = {"rule": rule, "picture": picture.model_dump(), "scale": scale, "shape": lr.shape}
    if lr.dtype == np.uint8:
        return {**about, "sha256": hashlib.sha256(lr.tobytes()).hexdigest()}
    return {**about, "some": lr[::3, ::3, 1].tolist()}


def libraries():
    """Cases of Pillow, OpenCV and torch (in float64: float32 puts ties elsewhere)."""
    for picture in PICTURES.values():
        for scale in SCALES:
            hr = np.ascontiguousarray(modcrop(picture.array(), scale))
            size = (hr.shape[1] // scale, hr.shape[0] // scale)
            pillow = np.asarray(Image.fromarray(hr).resize(size, Image.Resampling.BICUBIC))
            opencv = cv2.resize(hr, size, interpolation=cv2.INTER_CUBIC)
            yield case("pillow-bicubic", picture, scale, pillow)
            yield case("opencv-bicubic", picture, scale, opencv)
            for rule, antialias in (("torch-bicubic", False), ("torch-bicubic-antialias", True)):
                yield case(rule, picture, scale, by_torch(hr, scale, antialias))


def by_torch(hr, scale, antialias):
    """torch's bicubic of uint8 values in float64, rounded by torch."""
    planes = torch.from_numpy(hr.transpose(2, 0, 1)[None].copy()).to(torch.float64)
    options = {"mode": "bicubic", "align_corners": False, "antialias": antialias}
    out = torch.nn.functional.interpolate(planes, scale_factor=1 / scale, **options)
    levels = out.round().clamp(0, 255)[0].permute(1, 2, 0).numpy().astype(np.uint8)
    return np.ascontiguousarray(levels)


def second_orders():
    """LR by sr-bench itself, and all draws."""
    for scale in (2, 3, 4):
        for picture in PICTURES.values():
            made = degrade_and_tell(picture.array(), RULES["second-order-v1"], scale=scale)[1]
            yield case("second-order-v1", picture, scale, np.ascontiguousarray(made.lr)) | {
                "draws": [asdict(d) for d in made.draws]
            }


def main():
    """Write the file."""
    version = subprocess.run(["octave-cli", "--version"], capture_output=True, text=True).stdout
    octave_version = version.splitlines()[0]
    content = {
        "made by": f"{octave_version}; OpenCV {cv2.__version__}; torch {torch.__version__}",
        "octave": list(octave()),
        "libraries": list(libraries()),
        "second-order": list(second_orders()),
    }
    lines = ",\n".join(
        f'"{k}": ' + (json.dumps(v) if isinstance(v, str) else
                      "[\n" + ",\n".join(json.dumps(c) for c in v) + "\n]")
        for k, v in content.items()
    )  # fmt: skip
    (HERE / "degradations.json").write_text("{\n" + lines + "\n}\n")


if __name__ == "__main__":
    main()
