"""One flipped bit in any file: the bytes of an undisturbed run, or a clear error."""

import random
import shutil

import pytest

from faults.harness import (
    CLEAR,
    MOST,
    SEED,
    SURVIVED,
    TRACEBACK,
    WRONG,
    again,
    bytes_of,
    clear,
    difference,
    flipped,
)  # fmt: skip
from faults.made_up import RUN, TRAINING
from sr_bench.support.files import sha256

pytestmark = pytest.mark.slow
BITS = max(1, MOST)  # of each file
MANIFEST, NOTE = "build/manifests/Tests.json", f"build/weights/{RUN}.json"
WEIGHTS = f"methods/weights/{TRAINING}.safetensors"
TABLE, RECORD = f"build/scores/{RUN}.csv", f"build/scores/{RUN}.json"
HR, SR = "data/Tests/b.png", f"build/sr/{RUN}/rgb-matlab/Tests/b.png"
JOURNAL = f"build/made/{RUN}/*/made.jsonl"
FETCH, UPSCALE, SCORE, REPORT = (
    ("fetch", "Tests", "Lessons"), ("upscale", RUN), ("score", RUN), ("report",),
)  # fmt: skip
NOTE_WEIGHTS = ("fetch", "--run", RUN)
RESTORE = "the file as it was"  # a remedy: from git, or a backup

# What is damaged, the command that reads it, and the remedies that its error may name.
CASES = {
    "HR image, fetch": ("data/Lessons/1.png", FETCH),
    "HR image, upscale": (HR, UPSCALE),
    "HR image, score": (HR, SCORE),
    "archive, fetch": ("data/Tests/tests.zip", FETCH),
    "archive, upscale": ("data/Tests/tests.zip", UPSCALE),
    "manifest, fetch": (MANIFEST, FETCH),
    "manifest, upscale": (MANIFEST, UPSCALE, FETCH),
    "manifest, score": (MANIFEST, SCORE, FETCH),
    "manifest, report": (MANIFEST, REPORT, FETCH),
    "weights, fetch": (WEIGHTS, NOTE_WEIGHTS, RESTORE),
    "weights, upscale": (WEIGHTS, UPSCALE, RESTORE),
    "weights, report": (WEIGHTS, REPORT, RESTORE),
    "weights note, upscale": (NOTE, UPSCALE, NOTE_WEIGHTS),
    "weights note, report": (NOTE, REPORT, NOTE_WEIGHTS),
    "SR image, upscale": (SR, UPSCALE),
    "SR image, score": (SR, SCORE, UPSCALE),
    "SR image, report": (SR, REPORT, UPSCALE, SCORE),
    "journal, upscale": (JOURNAL, UPSCALE),
    "score table, score": (TABLE, SCORE),
    "score table, report": (TABLE, REPORT, SCORE),
    "record, score": (RECORD, SCORE),
    "record, report": (RECORD, REPORT, SCORE),
    "provenance, report": ("reports/provenance.json", REPORT),
    "report's scores, report": ("reports/scores.csv", REPORT),
}


# A report takes seconds: what is refused before it is written costs less.
SHORT = [case for case in CASES if "report" not in case or case.startswith(("score", "weights"))]


@pytest.mark.parametrize("case", CASES if MOST else SHORT)
def test_a_flipped_bit(bench, case):
    """After the last stage, each command leaves all files as they are."""
    pattern, words, *remedies = CASES[case]
    dice = random.Random(f"{SEED} {case}")
    with bench.counting("flipped bit", case) as counts:
        for _ in range(BITS):
            root = bench.copy(bench.after("eval"))
            (path,) = root.glob(pattern)
            bit = dice.randrange(8 * path.stat().st_size)
            flipped(path, bit)
            counts.add(*came_of(bench, root, path, (words, *remedies), f"{case}, bit {bit}"))
            shutil.rmtree(root)


def came_of(bench, root, path, steps, said):
    """Run the command, after an error with the remedies; what came of it, and what it said."""
    words, *remedies = steps
    name, undisturbed = path.relative_to(root).as_posix(), bytes_of(bench.after("eval"))
    first = bench.nursery.run(root, words)
    if first.fault:
        return first.fault, f"{said}: {first.err[-2000:]}"
    if first.status == 0:
        for record in root.glob("build/scores/*.json"):  # it names the image as it is now
            digests = (sha256(file) for file in (path, bench.after("eval") / name))
            record.write_text(record.read_text().replace(*digests))
        # the damaged file itself may stay as it is where nothing was made of it
        if found := difference(undisturbed, bytes_of(root) | {name: undisturbed[name]}):
            return WRONG, f"{said}: exit 0, then {found}"
        return SURVIVED, said
    if not clear(first.err):
        return TRACEBACK, f"{said}: {first.err[-2000:]}"

    def restore(root):
        shutil.copyfile(bench.after("eval") / name, root / name)

    remedies = [restore if remedy == RESTORE else remedy for remedy in remedies]
    bad = again(bench, root, words, undisturbed, remedies=remedies)
    return (bad[0], f"{said}: {first.err[-600:]}; {bad[1]}") if bad else (CLEAR, said)
