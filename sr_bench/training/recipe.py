"""What a recipe says, and the learning rate that follows from it."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)

from sr_bench.networks.method import Method
from sr_bench.support.errors import SrBenchError, unknown
from sr_bench.training.pairs import Draw

Fraction01 = Annotated[float, Field(ge=0, lt=1)]


class Recipe(BaseModel):
    """How a network is trained; every number that decides the weights.

    Attributes:
        steps: optimiser steps, each on one batch.
        batch: patches per step, over all processes.
        patch: side of a network input, in pixels of what the network sees: lr, or enlarged lr.
        augment: each patch is flipped and turned in one of 8 ways.
        rescale: the images are used at these sizes; (1, 0.9, 0.8, 0.7, 0.6) is the augmentation of
            FSRCNN (Dong et al. 2016, doi:10.1007/978-3-319-46475-6_25).
        draw: each patch is drawn uniformly over the ``positions`` in all images, so that large
            images count for more, or over the ``images``, so that each counts the same.
        small_images: images smaller than a patch are an ``error``, or ``skip``ped and logged.
        loss: ``l1`` and ``mse`` are means over values in [0, 1]; ``sse`` is SRCNN's
            sum / (2 batch); ``charbonnier`` is mean sqrt(d^2 + 1e-6); ``psnr`` is the mean over
            patches of ln(mse + 1e-5), which follows their PSNR up to 50 dB.
        optimizer: ``adam``, ``sgd`` (with ``momentum``), or ``muon`` (Jordan et al. 2024): kernels
            as matrices by momentum whose singular values are made equal, biases by Adam.
        lr: peak learning rate; ``lr_factors`` multiplies it for parameters by the end of their
            names.
        schedule: after ``warmup`` steps of linear growth, ``constant``; ``step``: times ``gamma``
            at each of ``milestones``; ``cosine``: down to 0 at the last step; ``trapezoid``:
            constant, then linear to 0 over the last ``decay`` of all steps.
        clip: largest norm of the gradient; ``None`` for no limit.
        ema: decay of the exponential moving average of the weights, which is then what is
            validated and saved; ``None`` for the weights themselves.
        precision: ``float32``, or ``auto``: bf16 autocast where the processor multiplies bf16.
        init_std: Gaussian weights of this standard deviation and zero biases, instead of the
            network's own initialisation.
        reparametrised: train the form of the network that the method has for this, which folds
            into the network exactly.
        seed: of the initialisation, and of each step's patches.
        validate_every: steps between validations on held-out images.
        checkpoint_every: steps between checkpoints.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: PositiveInt
    batch: PositiveInt = 16
    patch: PositiveInt
    augment: bool = True
    rescale: tuple[Annotated[float, Field(gt=0, le=1)], ...] = (1.0,)
    draw: Draw = "positions"
    small_images: Literal["error", "skip"] = "error"
    loss: Literal["l1", "mse", "sse", "charbonnier", "psnr"] = "l1"
    optimizer: Literal["adam", "sgd", "muon"] = "adam"
    lr: PositiveFloat
    lr_factors: dict[str, PositiveFloat] = {}
    betas: tuple[Fraction01, Fraction01] = (0.9, 0.999)
    eps: PositiveFloat = 1e-8
    momentum: Fraction01 = 0.9
    schedule: Literal["constant", "step", "cosine", "trapezoid"] = "constant"
    milestones: tuple[PositiveInt, ...] = ()
    gamma: PositiveFloat = 0.5
    decay: Annotated[float, Field(gt=0, le=1)] = 0.3
    warmup: NonNegativeInt = 0
    clip: PositiveFloat | None = None
    ema: Fraction01 | None = None
    precision: Literal["auto", "float32"] = "auto"
    init_std: PositiveFloat | None = None
    reparametrised: bool = False
    seed: NonNegativeInt = 0
    validate_every: PositiveInt = 1000
    checkpoint_every: PositiveInt = 500

    @model_validator(mode="after")
    def _milestones_belong_to_steps(self) -> Recipe:
        if (self.schedule == "step") != bool(self.milestones):
            raise ValueError(
                f"schedule is '{self.schedule}' and milestones are {list(self.milestones)}; "
                "milestones belong to the schedule 'step', which needs some"
            )
        return self

    @model_validator(mode="after")
    def _muon_has_one_rate(self) -> Recipe:
        if self.optimizer == "muon" and self.lr_factors:
            raise ValueError(
                f"optimizer is 'muon' and lr_factors are {self.lr_factors}, which it doesn't use; "
                "leave them out, or take another optimizer"
            )
        return self

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        if self.schedule == "step":
            return self.lr * self.gamma ** sum(step >= m for m in self.milestones)
        if self.schedule == "cosine":
            done = (step - self.warmup) / max(1, self.steps - self.warmup)
            return self.lr * (1 + math.cos(math.pi * done)) / 2
        if self.schedule == "trapezoid":
            return self.lr * min(1.0, (self.steps - step) / (self.decay * self.steps))
        return self.lr


def find_recipe(method: Method, variant: str, name: str) -> Recipe:
    """The recipe of that name for a variant, checked.

    Raises:
        WrongUse: for an unknown variant or recipe.
        SrBenchError: for a method that can't be trained, or a recipe with unknown fields or
            impossible values.
    """
    where = f"method {method.name}"
    if method.training is None:
        raise SrBenchError(f"{where} has nothing to train; name another in params.yaml: train")
    recipes = method.training.recipes
    if variant not in recipes:
        raise unknown("variant with recipes", variant, recipes, where=where)
    if name not in recipes[variant]:
        raise unknown("recipe", name, recipes[variant], where=f"{where}, variant {variant}")
    return check_recipe(recipes[variant][name], where=f"{where}: RECIPES[{variant!r}][{name!r}]")


def check_recipe(fields: Any, *, where: str) -> Recipe:
    """The fields as a recipe, or one message about all that is wrong with them."""
    try:
        return Recipe.model_validate(fields)
    except ValidationError as error:
        facts = "; ".join(
            f"{'.'.join(str(p) for p in e['loc']) or 'the recipe'} is {e['input']!r}: {e['msg']}"
            for e in error.errors()
        )
        raise SrBenchError(f"{where}: {facts}; correct the method file") from error
