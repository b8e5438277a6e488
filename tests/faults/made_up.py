"""A made-up project of a few tiny images, whose stages take a moment each."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np

from sr_bench.imaging import images

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "127.0.0.1:9"  # nobody listens: all comes from the mirror
RUN = TRAINING = "tiny-a-sr-bench-lessons-x2"
PARAMS = f"""\
methods: [methods]
ledger: null
fetch: [Tests, Lessons]
datasets: {{}}
protocols: {{edsr-2017: [Tests]}}
runs:
  {RUN}: {{method: tiny, variant: a, weights: sr-bench-lessons, scale: 2, protocols: [edsr-2017]}}
train:
  {TRAINING}: {{method: tiny, variant: a, recipe: quick, data: Lessons, scales: [2]}}
train_warm: {{}}
train_joined: {{}}
figures: {{}}
viewer: {{}}
"""
METHOD = '''\
"""A network of two layers, trained in a moment."""

import torch
from torch import nn
from torch.nn import functional

from sr_bench.networks.method import Method, Samples, Training

RECIPES = {"a": {"quick": {
    "steps": 6, "batch": 2, "patch": 8, "lr": 1e-3, "precision": "float32",
    "ema": 0.9, "validate_every": 3, "checkpoint_every": 2,
}}}


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.head, self.exit = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 12, 1)

    def forward(self, x, scale=None):
        y = self.exit(functional.relu(self.head(x)))
        return functional.pixel_shuffle(y, 2) + functional.interpolate(x, scale_factor=2)


class AtScale:
    colour = "rgb"

    def __init__(self, state, setup):
        self.network = Tiny().eval()
        self.network.load_state_dict(dict(state))

    def __call__(self, lr):
        return self.network(lr)


def load(setup):
    from sr_bench.networks.checkpoint import load

    return AtScale(load(setup.file)[0], setup)


METHOD = Method(
    name="tiny",
    load=load,
    reference="nobody",
    variants=("a",),
    training=Training(
        network=lambda variant, scales: Tiny(),
        model=AtScale,
        samples=lambda variant: Samples("rgb", "rgb-matlab"),
        recipes=RECIPES,
    ),
)
'''
SOURCES = """\
Tests:
  kind: archive
  title: "Three made-up pictures"
  licence: "none"
  folder: Tests
  base: http://{host}/
  files:
    "tests.zip": {archive}
Lessons:
  kind: images
  title: "Six made-up pictures"
  licence: "none"
  folder: Lessons
  base: http://{host}/lessons/
  files:
{lessons}
"""


def png(rng, height, width, folder):
    """A made-up picture with edges, as PNG."""
    coarse = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
    path = folder / ".made.png"
    images.write(path, coarse.repeat(4, 0).repeat(4, 1)[:height, :width].copy())
    content = path.read_bytes()
    path.unlink()
    return content


def served(folder):
    """Every file of the project's sources by its path at their host."""
    rng = np.random.default_rng(11)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        for name, height, width in (("a", 26, 30), ("b", 31, 24), ("c", 24, 28)):
            bundle.writestr(zipfile.ZipInfo(f"{name}.png"), png(rng, height, width, folder))
    lessons = {f"lessons/{n}.png": png(rng, 36, 40, folder) for n in range(6)}
    return {"tests.zip": packed.getvalue(), **lessons}


def make_project(root):
    """The project as a user begins with it, and a mirror beside it with the files to fetch."""
    root.mkdir(exist_ok=True)
    files = served(root.parent)
    for name, content in files.items():
        path = root.parent / "mirror" / HOST / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    pins = {n: f"{len(c)} {hashlib.sha256(c).hexdigest()}" for n, c in files.items()}
    lessons = "\n".join(
        f'    "{n.removeprefix("lessons/")}": {pin}' for n, pin in pins.items() if "/" in n
    )
    for name in ("methods", "catalogue"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "params.yaml").write_text(PARAMS)
    (root / "methods/tiny.py").write_text(METHOD)
    (root / "methods/bicubic.py").write_text((ROOT / "methods/bicubic.py").read_text())
    text = SOURCES.format(host=HOST, archive=pins["tests.zip"], lessons=lessons)
    (root / "catalogue/sources.yaml").write_text(text)
