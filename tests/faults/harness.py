"""Commands on made-up projects, disturbed by a fault and then given again; and what came of it."""

import contextlib
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from faults.made_up import ROOT, RUN, TRAINING, make_project

MOST = int(os.environ.get("SR_BENCH_FAULTS", "0"))  # faults of a kind in a command; 0: a few
SEED = int(os.environ.get("SR_BENCH_FAULTS_SEED", "22"))
LATE = 120  # seconds after which a command hangs: it takes less than two by itself
# What came of a fault, in the words of docs/faults.md.
SURVIVED, CLEAR = "survived", "clear error"
WRONG, LOST, HANGS, TRACEBACK = "wrong bytes", "lost", "hangs", "traceback"
GOOD = (SURVIVED, CLEAR)
_TIMED = ("minutes.tsv",)  # of a training: how long it took


class Nursery:
    """The warm process of nursery.py."""

    def __init__(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("SR_BENCH")}
        environment |= {"OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
                        "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
                        "NO_PROXY": "127.0.0.1", "CI": "", "GITHUB_ACTIONS": ""}  # fmt: skip
        self.process = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(Path(__file__).with_name("nursery.py"))],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **job):
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def start(self, root, words, fault=None, **env):
        env = {"SR_BENCH_MIRROR": str(root.parent / "mirror")} | env
        number = self.ask(do="start", cwd=str(root), words=words, fault=fault or {}, env=env)
        return Started(self, number)

    def run(self, root, words, fault=None, **env):
        return self.start(root, words, fault, **env).ended()

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)


@dataclass
class Started:
    """A command under way."""

    nursery: Nursery
    number: int

    def paused(self):
        return self.nursery.ask(do="paused", child=self.number, seconds=LATE)

    def resume(self):
        self.nursery.ask(do="resume", child=self.number)

    def ended(self):
        return Ended(**self.nursery.ask(do="ended", child=self.number, seconds=LATE))


@dataclass
class Ended:
    """How a command ended: its exit status (negative: a signal), and what it printed."""

    status: int
    late: bool
    reached: bool
    changes: list | None  # of files: all, and those that a full disk refuses
    out: str
    err: str

    @property
    def fault(self):
        """What is wrong with the way it ended; ``None`` for an exit status of 0, 1 or 2."""
        if self.late:
            return HANGS
        said = "Traceback" in self.err or "Traceback" in self.out
        return TRACEBACK if said or self.status not in (0, 1, 2) else None


def bytes_of(root, *without):
    """sha256 of every file, by its path; of a training what doesn't depend on the time."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.is_file() and path.name not in _TIMED and not name.startswith(without):
            found[name] = _tensors(path) if path.suffix == ".safetensors" else _sha256(path)
    return found


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _tensors(path):
    from safetensors.numpy import load_file

    try:
        tensors = load_file(path)
    except Exception as error:  # damaged on purpose
        return str(error)
    return {k: hashlib.sha256(v.tobytes()).hexdigest() for k, v in sorted(tensors.items())}


@dataclass(frozen=True)
class Stage:
    """A command, the project before it, and what an undisturbed run leaves."""

    name: str
    words: tuple
    before: Path
    after: dict
    changes: int  # of files, by an undisturbed run
    grows: int  # those that a full disk refuses


class Bench:
    """The made-up project at each stage, and the counts of what came of faults."""

    def __init__(self, folder, results):
        self.folder, self.results = folder, results
        self.nursery, self.stages, self.copies = Nursery(), {}, 0
        make_project(folder / "begun")
        self._make_stages()

    def _make_stages(self):
        save = ("--save", "out/sr", "--csv", "out/scores.csv", "--force")
        sets = ("--dataset", "data/Lessons", *save)
        steps = (
            ("fetch", ("fetch", "Tests", "Lessons")),
            ("train", ("train", TRAINING)),
            ("work", ("work",)),
            ("weights", ("fetch", "--run", RUN)),
            ("upscale", ("upscale", RUN, "--json")),
            ("score", ("score", RUN)),
            ("report", ("report",)),
            ("eval", ("eval", "bicubic", "--scale", "2", *sets)),
        )
        before = self.folder / "begun"
        for name, words in steps:
            root = self.copy(before)
            after = self.folder / f"after {name}"
            done = self.nursery.run(root, words)
            assert done.status == 0, f"{words}: {done.err}"
            root.rename(after)
            self.stages[name] = Stage(name, words, before, bytes_of(after), *done.changes)
            before = after

    def copy(self, root):
        """A fresh copy of a project folder."""
        self.copies += 1
        target = self.folder / f"copy {self.copies}"
        shutil.copytree(root, target, symlinks=True)
        return target

    def after(self, name):
        """The project after a stage."""
        return self.folder / f"after {name}"

    @contextlib.contextmanager
    def counting(self, kind, what):
        """Count what came of faults of one kind; a bad one fails the test, when all are counted."""
        counts = Counts(kind, what)
        yield counts
        if self.results is not None:
            counts.write(self.results)
        assert not counts.bad, "\n".join(counts.bad)
        assert sum(counts.found.values()), "no fault was put in"

    def close(self):
        self.nursery.close()


@dataclass
class Counts:
    """How often what came of faults of one kind."""

    kind: str
    what: str
    found: Counter = field(default_factory=Counter)
    bad: list = field(default_factory=list)

    def add(self, outcome, said):
        self.found[outcome] += 1
        if outcome not in GOOD:
            self.bad.append(f"{outcome}: {said}")

    def write(self, folder):
        content = {"kind": self.kind, "what": self.what, "found": dict(self.found)}
        name = f"{self.kind} {self.what}".replace("/", "_").replace(" ", "-")
        (folder / f"{name}.json").write_text(json.dumps(content))


def again(bench, root, words, after, *, remedies=(), finished=0):
    """Give the remedies and the command again; ``None`` if all is as undisturbed, else why not.

    A remedy is a command, or a function that is called with the project folder. ``finished`` is
    how many images were upscaled before: the command has to keep them.
    """
    for remedy in (*remedies, words):
        if callable(remedy):
            remedy(root)
            continue
        done = bench.nursery.run(root, remedy)
        if done.fault or done.status:
            return done.fault or LOST, f"{' '.join(remedy)} then: {done.status} {done.err[-2000:]}"
    if finished and json.loads(done.out)["kept"] < finished:
        return LOST, f"{finished} images were there, the second run says {done.out}"
    now = bytes_of(root)
    return None if now == after else (WRONG, difference(after, now))


def noted(root):
    """How many SR images are noted as whole."""
    journals = (root / "build/made").rglob("made.jsonl")
    lines = [line for path in journals for line in path.read_text().splitlines()]
    return len({line for line in lines if line.endswith("]")})


def difference(expected, found):
    """Which files two projects don't share."""
    names = sorted({*expected, *found})
    return "; ".join(
        f"{n} {'missing' if n not in found else 'left' if n not in expected else 'differs'}"
        for n in names
        if expected.get(n) != found.get(n)
    )


def disturbed(bench, counts, stage, fault, root=None, **env):
    """Run a stage with a fault, then again without, and count what came of it.

    Returns:
        How the first and, if it was needed, the second run ended.
    """
    root = root or bench.copy(stage.before)
    first = bench.nursery.run(root, stage.words, fault, **env)
    said = f"{stage.name}, {fault}: "
    killed = fault["kind"] in ("kill", "torn") and first.status in (-9, -25)
    if first.fault and not killed:
        counts.add(first.fault, said + first.err[-2000:])
        return first
    if first.status == 0 and (found := bytes_of(root)) != stage.after:
        counts.add(WRONG, f"{said}exit 0, then {difference(stage.after, found)}")
        return first
    if not killed and first.status and not clear(first.err):
        counts.add(TRACEBACK, f"{said}no clear error: {first.err[-2000:]}")
        return first
    kept = noted(root) if stage.name == "upscale" else 0
    bad = again(bench, root, stage.words, stage.after, finished=kept)
    if bad:
        counts.add(bad[0], said + bad[1])
    else:
        counts.add(SURVIVED if killed or first.status == 0 else CLEAR, said)
        shutil.rmtree(root)
    return first


def clear(err):
    """Whether the last of stderr is an error that names something."""
    at = err.rfind("error: ")
    return at >= 0 and not err[at:].startswith(("error: input or output", "error: None"))


def some(numbers, few):
    """A few of them, or as many as are asked for, spread over them at seeded places."""
    numbers, few = list(numbers), max(few, MOST)
    if len(numbers) <= few:
        return numbers
    dice = random.Random(SEED)
    step = len(numbers) / few
    return [numbers[int((i + dice.random()) * step)] for i in range(few)]


def flipped(path, bit):
    """Turn one bit of a file."""
    content = bytearray(path.read_bytes())
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(bytes(content))
