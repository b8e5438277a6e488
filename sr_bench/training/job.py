"""A training entry with all that it names: recipe, data, network, and the facts that decide it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sr_bench.imaging.crops import middle
from sr_bench.imaging.images import Image
from sr_bench.imaging.resize import imresize
from sr_bench.networks.method import Training
from sr_bench.networks.method_files import find_method
from sr_bench.networks.weights import read_safetensors
from sr_bench.project.entries import TrainEntry
from sr_bench.project.project import Project
from sr_bench.project.run_weights import trained_weights
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256
from sr_bench.support.parallel import map_images
from sr_bench.training.pairs import Cut, Pairs, make_pairs
from sr_bench.training.recipe import Recipe, find_recipe
from sr_bench.training.trainer import initialise
from sr_bench.training.validation import LARGEST, Validation, held_out

PREPARED = 1000  # patches that a reparametrised network sees before it is trained


@dataclass(frozen=True)
class Job:
    """A training entry with all that it names."""

    name: str
    entry: TrainEntry
    training: Training
    recipe: Recipe
    project: Project

    @classmethod
    def find(cls, project: Project, name: str) -> Job:
        """The job of that name, its method and recipe found and checked."""
        entry = project.training(name)
        method = find_method(entry.method, project.method_folders)
        recipe = find_recipe(method, entry.variant, entry.recipe)
        if method.training is None:
            raise SrBenchError(f"method {method.name} has nothing to train")
        for scale in entry.scales:
            method.require_scale(scale)
        return cls(name, entry, method.training, recipe, project)

    @property
    def weights(self) -> Path:
        """Where the weights go."""
        return self.project.trained(self.name)

    @property
    def checkpoint(self) -> Path:
        """Where the unfinished training is kept."""
        return self.project.checkpoint(self.name)

    @property
    def log(self) -> Path:
        """The folder of its record."""
        return self.project.training_log(self.name)

    @property
    def unfinished_log(self) -> Path:
        """The folder of its record so far."""
        return self.project.unfinished_log(self.name)


@dataclass(frozen=True)
class Data:
    """What a job reads: pairs of each scale, and held-out images."""

    pairs: dict[int, Pairs]
    validation: Validation
    manifest: str
    kept_out: list[str]

    @classmethod
    def read(cls, job: Job) -> Data:
        """Decode and degrade everything once, the same way whoever asks.

        Raises:
            SrBenchError: for a missing manifest, or an image smaller than a patch.
        """
        project, entry = job.project, job.entry
        path = project.manifest(entry.data)
        dataset = project.dataset(entry.data)
        entries = list(dataset)
        names, images = [e.name for e in entries], map_images(dataset.read, entries)
        if len(images) < 2:
            raise SrBenchError(
                f"{path}: lists {len(images)} images, of which one is held out; training needs more"
            )
        out = held_out(len(images))
        inside = [i for i in range(len(images)) if i not in set(out)]
        samples = job.training.samples(entry.variant)
        rule = project.catalogue.protocols.degradations[samples.degradation]
        pairs: dict[int, Pairs] = {}
        for scale in entry.scales:
            skip = job.recipe.small_images == "skip"
            cut = Cut(job.recipe.patch, samples, rule, scale, skip, job.recipe.draw)
            pairs[scale] = make_pairs(*rescaled(images, names, inside, job.recipe.rescale), cut)
        validation = Validation([middle(images[i], LARGEST) for i in out], rule)
        return cls(pairs, validation, sha256(path), [names[i] for i in out])


def rescaled(
    images: list[Image], names: list[str], chosen: list[int], sizes: tuple[float, ...]
) -> tuple[list[Image], list[str]]:
    """The chosen images at each size, made by MATLAB's imresize, and their names."""

    def resize(size: float) -> list[Image]:
        if size == 1:
            return [images[i] for i in chosen]
        scale = Fraction(str(size))

        def one(i: int) -> Image:
            made = imresize(images[i], scale=scale, rounding="each-pass", border="mirror")
            return made.astype(np.uint8, copy=False)

        return map_images(one, chosen)

    every = [image for size in sizes for image in resize(size)]
    return every, [names[i] if s == 1 else f"{names[i]} at {s}" for s in sizes for i in chosen]


def make_network(job: Job, data: Data) -> torch.nn.Module:
    """Untrained, or with the entry's weights to start from where names and shapes agree."""
    entry = job.entry
    if job.recipe.reparametrised:
        return _reparametrised(job, data)
    network = initialise(lambda: job.training.network(entry.variant, entry.scales), job.recipe)
    own = network.state_dict()
    begun = dict(own)
    for start in reversed(entry.starts):  # the first one's weights last, so that they stay
        path = trained_weights(job.project, start)
        given: Mapping[str, torch.Tensor] = read_safetensors(path)
        if job.training.adopt is not None:
            given = job.training.adopt(given)
        shared = {k: v for k, v in given.items() if k in own and own[k].shape == v.shape}
        if not shared:
            raise SrBenchError(
                f"{path}: holds nothing of the network of {job.name}; correct its start in "
                "params.yaml"
            )
        begun |= shared
    network.load_state_dict(begun)
    return network


def _reparametrised(job: Job, data: Data) -> torch.nn.Module:
    entry, make = job.entry, job.training.reparametrised
    if make is None or entry.starts:
        raise SrBenchError(
            f"{job.name}: recipe {entry.recipe} is for a reparametrised network, which method "
            f"{entry.method} {'has none of' if make is None else 'starts from no other weights'}; "
            "correct the recipe or the entry"
        )
    network: Any = initialise(lambda: make(entry.variant), job.recipe)
    (pairs,) = data.pairs.values()
    generator = torch.Generator().manual_seed(job.recipe.seed)
    network.prepare(pairs.batch(PREPARED, generator, augment=job.recipe.augment)[0])
    made: torch.nn.Module = network
    return made


def decisive_facts(job: Job, data: Data) -> dict[str, Any]:
    """What decides the weights: a checkpoint is resumed only where all of it is the same."""
    starts = [sha256(trained_weights(job.project, start)) for start in job.entry.starts]
    return {
        "training": job.name,
        "method": job.entry.method,
        "variant": job.entry.variant,
        "scales": list(job.entry.scales),
        "data": job.entry.data,
        "manifest": data.manifest,
        "images": {str(scale): len(pairs.names) for scale, pairs in data.pairs.items()},
        "held_out": data.kept_out,
        "start": starts if len(starts) > 1 else next(iter(starts), None),
        "recipe": job.recipe.model_dump(mode="json"),
    }


def code_hash() -> str:
    """One hash of this package's training code."""
    paths = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(p.read_bytes() for p in paths)).hexdigest()
