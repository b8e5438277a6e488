"""Two commands at one output at once, in every order: the bytes of one, or a clear error."""

import pytest

from faults.harness import (
    CLEAR,
    SURVIVED,
    TRACEBACK,
    WRONG,
    again,
    bytes_of,
    clear,
    difference,
    some,
)

pytestmark = pytest.mark.slow
FEW = {"fetch": 2, "train": 1, "work": 1, "upscale": 2, "score": 1, "report": 1, "eval": 1}


@pytest.mark.parametrize("name", FEW)
def test_a_second_while_the_first_is_at_any_change_of_a_file(bench, name):
    """The first waits there until the second has ended, or waits for it."""
    stage = bench.stages[name]
    with bench.counting("two at once", name) as counts:
        for at in some(range(stage.changes), FEW[name]):
            counts.add(*came_of(bench, stage, at))


def came_of(bench, stage, at):
    root = bench.copy(stage.before)
    said = f"{stage.name} twice, from change {at}"
    first = bench.nursery.start(root, stage.words, {"kind": "pause", "at": at})
    if not first.paused():
        done = first.ended()
        return (SURVIVED if done.status == 0 else TRACEBACK), f"{said}: never paused: {done.err}"
    second = bench.nursery.start(root, stage.words)
    if stage.name == "fetch":  # which waits for the first
        first.resume()
        ended = [first.ended(), second.ended()]
    else:
        over = second.ended()
        first.resume()
        ended = [first.ended(), over]
    for done in ended:
        if done.fault:
            return done.fault, f"{said}: {done.err[-2000:]}"
        if done.status and not clear(done.err):
            return TRACEBACK, f"{said}: {done.err[-2000:]}"
    if all(done.status for done in ended):
        return WRONG, f"{said}: neither did it: {[done.err[-600:] for done in ended]}"
    if found := difference(stage.after, bytes_of(root)):
        return WRONG, f"{said}: {found}; {[done.err[-600:] for done in ended]}"
    bad = again(bench, root, stage.words, stage.after)
    told = any(done.status for done in ended)
    return (bad[0], f"{said}: {bad[1]}") if bad else (CLEAR if told else SURVIVED, said)
