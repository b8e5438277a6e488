"""Where the weights lie in what a training program saved."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from sr_bench.support.errors import SrBenchError

# Names that training programs put weights under, the more telling first.
WRAPPERS = (
    "state_dict",
    "model_state_dict",
    "params",
    "net_g",
    "netG",
    "generator",
    "model",
    "weights",
    "net",
    "network",
    "module",
)
# What wrappers of networks put before every key, DataParallel and torch.compile among them.
PREFIXES = (
    "module.",
    "_orig_mod.",
    "generator.",
    "model.",
    "net_g.",
    "netG.",
    "net.",
    "network.",
    "state_dict.",
)
# Content of a checkpoint, or of a network's state, that isn't used for upscaling.
_OTHERS = re.compile(
    r"(^|_)(optim\w*|(lr_)?sched\w*|(grad_)?scaler|discrim\w*|net_?d|teacher|loss\w*|vgg\w*"
    r"|perceptual\w*)(_|$)",
    re.IGNORECASE,
)
_COUNTERS = ("step_counter", "n_averaged", "epoch", "iter", "step", "global_step", "initted")
_DEPTH = 4
_SHOWN = 6  # names in an error; a wrong variant alone has hundreds


@dataclass(frozen=True)
class Found:
    """The weights of a file, and what was done to find them."""

    state: dict[str, torch.Tensor]
    notes: tuple[str, ...]


def unwrap(content: Any, path: Path, take: str | None = None) -> Found:
    """The weights in what a checkpoint holds: of one network, without its other content.

    Raises:
        SrBenchError: if there are none, or several networks and nothing says which; with the keys.
    """
    inside = dict(_networks(content, "", {}))
    if not inside:
        raise SrBenchError(
            f"{path}: holds no dictionary of tensors, but {_outline(content)}; is it a checkpoint?"
        )
    chosen = _choose(inside, path, take)
    notes = _notes(chosen, inside, content)
    state, more = _one_network(inside[chosen], path, None if take in _named(chosen) else take)
    return Found(state, (*notes, *more))


def without_prefix(
    keys: Collection[str], fits: Callable[[Collection[str]], bool]
) -> tuple[dict[str, str], str] | None:
    """The keys without what a wrapper of the network put in, where that makes them fit.

    Args:
        keys: as they are in the file.
        fits: whether such keys are the network's.

    Returns:
        The new key of each, and the prefix that went; ``None`` where no prefix makes them fit.
    """
    for prefix in prefixes(keys):
        renamed = {k: k.removeprefix(prefix) for k in keys}
        if fits(renamed.values()):
            return renamed, prefix
    # torch.compile or DataParallel around a part of the network
    renamed = {k: re.sub(r"(^|(?<=\.))(_orig_mod|module)\.", "", k) for k in keys}
    if len(set(renamed.values())) == len(renamed) and fits(renamed.values()):
        return renamed, "_orig_mod." if any("_orig_mod." in k for k in keys) else "module."
    return None


def prefixes(keys: Collection[str]) -> list[str]:
    """Every chain of known prefixes that all keys begin with, "" first: "", "module.", ..."""
    chain = [""]
    while keys:
        longer = (chain[-1] + p for p in PREFIXES)
        common = [p for p in longer if all(k.startswith(p) and k != p for k in keys)]
        if not common:
            break
        chain.append(common[0])
    return chain


def some(names: Collection[str], separator: str = ", ") -> str:
    """The first names, and how many more there are."""
    shown = list(names)
    more = [f"and {len(shown) - _SHOWN} more"] if len(shown) > _SHOWN else []
    return separator.join(shown[:_SHOWN] + more)


def _networks(
    content: Any, at: str, seen: dict[tuple[int, int], dict[str, Any]], depth: int = 0
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every dictionary of tensors, by where it lies: "", "params", "model.state_dict".

    One that lies in many places is looked into once at each depth: it may hold one that does too.
    """
    if not isinstance(content, Mapping) or depth > _DEPTH:
        return
    before = seen.get((id(content), depth))
    tensors = _tensors_of(content) if before is None else before
    seen[id(content), depth] = tensors
    if tensors:
        yield at, tensors
    if before is not None:
        return
    for key, value in content.items():
        if isinstance(key, str) and not (_OTHERS.search(key) and not _is_average(key)):
            yield from _networks(value, f"{at}.{key}" if at else key, seen, depth + 1)


def _tensors_of(content: Mapping[Any, Any]) -> dict[str, Any]:
    """Its tensors by key; none where they can't be a network's."""
    tensors = {k: v for k, v in content.items() if isinstance(v, torch.Tensor)}
    known = any(v.ndim for v in tensors.values()) and all(isinstance(k, str) for k in tensors)
    return tensors if known else {}


def _choose(inside: Mapping[str, Any], path: Path, take: str | None) -> str:
    if take is not None:
        named = [at for at in inside if take in _named(at)]
        if named or not any(_has_group(state, take) for state in inside.values()):
            return _only(named, inside, path, take)
        inside = {at: state for at, state in inside.items() if _has_group(state, take)}
    ranks = {at: _rank(at, state) for at, state in inside.items()}
    best = min(ranks.values())
    return _only([at for at in inside if ranks[at] == best], inside, path, take)


def _only(named: list[str], inside: Mapping[str, Any], path: Path, take: str | None) -> str:
    if len(named) == 1:
        return named[0]
    which = "none of them is" if take else "name one"
    sizes = {at: f"{len(s)} tensors, as {some(_examples(s))}" for at, s in inside.items()}
    found = "; ".join(f"'{at}': {size}" for at, size in sizes.items())
    raise SrBenchError(
        f"{path}: holds {len(inside)} networks ({found}); {which} "
        f"{repr(take) if take else 'to take'}: read_checkpoint(file, take='NAME')"
    )


def _examples(state: Mapping[str, Any]) -> list[str]:
    """A key of each part of a state."""
    return list({k.partition(".")[0]: k for k in reversed(list(state))}.values())[::-1]


def _rank(at: str, state: Mapping[str, Any]) -> tuple[bool, int]:
    """Moving averages first, since published results are theirs; then names of :data:`WRAPPERS`."""
    parts = at.split(".")
    known = [WRAPPERS.index(p) for p in parts if p in WRAPPERS]
    other = 1 if at else 2 * (not any("." in k for k in state))  # loose tensors are no network
    return not any(map(_is_average, parts)), min(known, default=len(WRAPPERS) + other)


def _named(at: str) -> tuple[str, ...]:
    return (at, at.rpartition(".")[2])


def _is_average(name: str) -> bool:
    return "ema" in re.split(r"[_.]", name.lower())


def _has_group(state: Mapping[str, Any], name: str) -> bool:
    return any(k.startswith(f"{name}.") for k in state)


def _notes(chosen: str, inside: Mapping[str, Any], content: Mapping[str, Any]) -> list[str]:
    if not chosen:
        others = [str(k) for k, v in content.items() if not isinstance(v, torch.Tensor)]
        return [f"left out: {some(others)}"] if others else []
    average = ", the moving average," if _is_average(chosen) else ""
    others = [f"'{at}'" for at in inside if at != chosen]
    choice = f" (to take another: {some(others)})" if others else ""
    return [f"'{chosen}'{average} is taken{choice}"]


def _one_network(
    state: Mapping[str, torch.Tensor], path: Path, take: str | None
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Without counters, and of a network and its moving average in one state, one of them."""
    counters = [k for k, v in state.items() if k in _COUNTERS and v.numel() == 1]
    state = {k: v for k, v in state.items() if k not in counters}
    groups = list(dict.fromkeys(k.partition(".")[0] for k in state if "." in k))
    average = next((g for g in groups if _is_average(g) and _plain(g, groups)), None)
    chosen = take or average
    if chosen is None:
        others = [g for g in groups if _OTHERS.search(g)]
        chosen = next((g for g in groups if others and g in WRAPPERS), None)
    if chosen is None:
        return state, [f"left out: {some(counters)}"] if counters else []
    if not _has_group(state, chosen):
        raise SrBenchError(
            f"{path}: no key begins with '{chosen}.'; the parts of its network are {some(groups)}"
        )
    kept = {k.removeprefix(f"{chosen}."): v for k, v in state.items() if k.startswith(f"{chosen}.")}
    plain = (_plain(chosen, groups) if chosen == average else chosen) or chosen
    what = ", the moving average," if chosen == average else ""
    rest = some([f"'{g}'" for g in groups if g != chosen] + counters)
    return (
        {f"{plain}.{k}": v for k, v in kept.items()},
        [f"'{chosen}'{what} is taken; left out: {rest}"],
    )


def _plain(average: str, groups: list[str]) -> str | None:
    """The network that a moving average is of: generator_ema's is generator."""
    names = (re.sub(r"_?ema_?", "", average), average.replace("ema", "online"))
    return next((n for n in names if n in groups and n != average), None)


def _outline(content: Any) -> str:
    if not isinstance(content, Mapping):
        return f"a {type(content).__name__}"
    keys = [f"{key} ({_kind(value)})" for key, value in content.items()]
    return f"the keys {some(keys) or '(none)'}"


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        inner = ", ".join(str(k) for k in list(value)[:3])
        return f"dictionary of {len(value)}: {inner}" if value else "empty dictionary"
    return type(value).__name__
