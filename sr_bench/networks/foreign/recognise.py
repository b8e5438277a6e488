"""Weights of the registered methods, recognised by their content: hash, facts, keys and shapes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from sr_bench.data.catalogue.sources import installed_sources
from sr_bench.networks.checkpoint import read_facts
from sr_bench.networks.device import anywhere
from sr_bench.networks.method import Method, Setup
from sr_bench.networks.opened import Methods, OpenedModel, OpenOptions
from sr_bench.networks.safetensors_files import is_safetensors
from sr_bench.networks.torch_files import reading_once
from sr_bench.support.errors import SrBenchError, WrongUse, unknown
from sr_bench.support.files import sha256
from sr_bench.support.notices import collected_notices
from sr_bench.support.scale import SCALES


class Fit(NamedTuple):
    """What a file can be: the weights of a method's variant at a scale."""

    method: str
    variant: str
    scale: int
    weights: str = ""  # the name of published weights whose hash it has

    @property
    def network(self) -> str:
        """Method and variant, as people name them."""
        return f"{self.method} {self.variant}".strip()

    def __str__(self) -> str:
        return f"{self.network} x{self.scale}"


def open_checkpoint(path: Path, methods: Methods, options: OpenOptions) -> OpenedModel | None:
    """The weights of a registered method; ``None`` where no method knows them.

    Raises:
        WrongUse: for weights of another scale, or of several where none is asked for.
    """
    digest = sha256(path)
    with reading_once():
        fits = _fits(path, digest, methods, options)
        if not fits:
            return None
        return _opened(_chosen(path, fits, options), path, digest, methods, options)


def as_told(
    path: Path, method: str, variant: str | None, methods: Methods, options: OpenOptions
) -> OpenedModel:
    """The weights of the method that is named.

    Raises:
        SrBenchError: if the file doesn't fit.
    """
    found = methods[method][1]
    if variant is not None and variant not in found.variants:
        raise unknown("variant", variant, found.variants, where=f"method {method}")
    known = found if variant is None else _with_variant(found, variant)
    narrowed = {method: (methods[method][0], known)}
    opened = open_checkpoint(path, narrowed, options)
    if opened is None:
        raise _misfit(path, known, options)
    return opened


def without_weights(name: str, methods: Methods, options: OpenOptions) -> OpenedModel:
    """A method that needs no weights, such as bicubic.

    Raises:
        WrongUse: without a scale, or for a method with weights.
    """
    method = methods[name][1]
    if _has_weights(method):
        raise WrongUse(f"method {name} needs weights: name their file, as {name}=FILE")
    if options.scale is None:
        raise WrongUse(f"{name}: enlarges by any scale; name one with --scale")
    fit = Fit(name, method.variants[0], options.scale)
    return _opened(fit, None, None, methods, options)


def free_of_weights(methods: Methods) -> list[str]:
    """The methods that run without weights."""
    return [name for name, (_, method) in methods.items() if not _has_weights(method)]


def _with_variant(method: Method, variant: str) -> Method:
    published = {key: value for key, value in method.published.items() if key[0] == variant}
    return replace(method, variants=(variant,), published=published)


def _has_weights(method: Method) -> bool:
    return bool(method.published or method.training or method.key_map)


def _fits(path: Path, digest: str, methods: Methods, options: OpenOptions) -> list[Fit]:
    """All that a file can be; the surest way that finds something decides."""
    for way in (_by_hash, _by_facts, _by_keys):
        fits = list(way(path, digest, methods, options))
        if fits:
            return fits
    return []


def _by_hash(path: Path, digest: str, methods: Methods, options: OpenOptions) -> Iterator[Fit]:
    size, known = path.stat().st_size, options.sources or installed_sources()
    for name, (_, method) in methods.items():
        for (variant, weights, scale), published in method.published.items():
            if published.group not in known:
                continue
            files = known.find(published.group).files
            if any(f.name == published.name and f.matches(size, digest) for f in files):
                yield Fit(name, variant, scale, weights)


def _by_facts(path: Path, digest: str, methods: Methods, options: OpenOptions) -> Iterator[Fit]:
    """Weights that were trained here say what they are."""
    if not is_safetensors(path):
        return
    try:
        facts = read_facts(path)
    except SrBenchError:
        return
    name, variant, scales = str(facts.get("method")), str(facts.get("variant")), facts.get("scales")
    if name in methods and variant in methods[name][1].variants and isinstance(scales, list):
        yield from (Fit(name, variant, scale) for scale in SCALES if scale in scales)


def _by_keys(path: Path, digest: str, methods: Methods, options: OpenOptions) -> Iterator[Fit]:
    """By trial; where the scale that is asked for fits, others aren't tried."""
    asked = () if options.scale is None else (options.scale,)
    found = list(_tried(path, methods, options, asked))
    yield from found or _tried(path, methods, options, tuple(s for s in SCALES if s not in asked))


def _tried(
    path: Path, methods: Methods, options: OpenOptions, scales: tuple[int, ...]
) -> Iterator[Fit]:
    for name, (_, method) in methods.items():
        if not _has_weights(method):
            continue
        published = {scale for _, _, scale in method.published}
        for scale in (s for s in scales if s in method.scales):
            # Loading takes long where a method has no map of keys: only the scales that it has.
            if method.key_map is None and published and scale not in {*published, options.scale}:
                continue
            fits = (Fit(name, variant, scale) for variant in method.variants)
            yield from (fit for fit in fits if _why_not(path, fit, method, options) is None)


def _why_not(path: Path, fit: Fit, method: Method, options: OpenOptions) -> Exception | None:
    """Why the file doesn't fit; nothing is told of what was tried."""
    with collected_notices():
        try:
            method.require_scale(fit.scale)
            if method.key_map is not None:
                method.key_map(path, fit.variant, fit.scale)
            else:
                method.load(_setup(fit, path, options))
        except Exception as error:  # whatever a method's file raises, it doesn't fit
            return error
    return None


def _misfit(path: Path, method: Method, options: OpenOptions) -> SrBenchError:
    fit = Fit(method.name, method.variants[0], options.scale or method.scales[0])
    why = " ".join(str(_why_not(path, fit, method, options)).split())
    return SrBenchError(f"{path}: isn't weights of {fit.network} at any scale; as {fit}: {why}")


def _chosen(path: Path, fits: list[Fit], options: OpenOptions) -> Fit:
    """The one fit at the scale that is asked for."""
    scales = sorted({fit.scale for fit in fits})
    listed = ", ".join(f"x{s}" for s in scales)
    if options.scale is None and len(scales) > 1:
        raise WrongUse(
            f"{path}: is {fits[0].network} of the scales {listed}; name one of them with --scale"
        )
    scale = options.scale or scales[0]
    if scale not in scales:
        raise WrongUse(
            f"{path}: is {fits[0].network} {listed}, but the scale asked for is {scale}; ask for "
            f"{listed}, or name weights for x{scale}"
        )
    found = [fit for fit in fits if fit.scale == scale]
    if len({fit.network for fit in found}) > 1:
        names = ", ".join(fit.network for fit in found)
        told = ":".join((found[0].method, found[0].variant))
        raise WrongUse(f"{path}: fits {names}, all alike; say which one: {told}={path}")
    return found[0]


def _setup(fit: Fit, path: Path | None, options: OpenOptions) -> Setup:
    weights = fit.weights or ("none" if path is None else path.stem)
    return Setup(fit.variant, weights, path, fit.scale, options.made_by)


def _opened(
    fit: Fit, path: Path | None, digest: str | None, methods: Methods, options: OpenOptions
) -> OpenedModel:
    name = str(fit).replace(" ", "-") if path is None else path.stem
    with collected_notices() as notes:
        built = methods[fit.method][1].built(_setup(fit, path, options), name)
    weights = f", weights {fit.weights}" if fit.weights else ""
    origin = f"method {fit}{weights}"
    model = anywhere(built, options.device)
    return OpenedModel(name, model, fit.scale, origin, digest, tuple(notes))
