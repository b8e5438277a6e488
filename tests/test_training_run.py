"""`sr-bench train`: what it writes, and that stopping it at any moment changes nothing."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from sr_bench.imaging import images
from sr_bench.networks import checkpoint, machine
from sr_bench.networks.checkpoint import read_facts
from sr_bench.project.project import Project
from sr_bench.support.errors import SrBenchError
from sr_bench.support.files import sha256
from sr_bench.training import run as engine
from sr_bench.training.job import Data, Job
from sr_bench.training.recipe import Recipe
from sr_bench.training.run import train

NAME = "tiny-a-sr-bench-t91-x2"
SCRIPT = Path(sys.executable).with_name("sr-bench")

METHOD = """
import torch
from torch import nn
from torch.nn import functional

from sr_bench.networks.method import Method, Samples, Training

RECIPES = {{"a": {{"quick": {recipe}}}}}


class Tiny(nn.Module):
    def __init__(self, scales):
        super().__init__()
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.only = scales[0]
        self.exits = nn.ModuleDict({{str(s): nn.Conv2d(8, 3 * s * s, 1) for s in scales}})

    def forward(self, x, scale=None):
        scale = scale or self.only
        y = self.exits[str(scale)](functional.relu(self.head(x)))
        return functional.pixel_shuffle(y, scale) + functional.interpolate(x, scale_factor=scale)


class AtScale:
    colour = "rgb"

    def __init__(self, state, setup):
        scales = sorted({{int(k.split(".")[1]) for k in state if k.startswith("exits")}})
        self.network, self.scale = Tiny(scales).eval(), setup.scale
        self.network.load_state_dict(dict(state))

    def __call__(self, lr):
        return self.network(lr, self.scale)


METHOD = Method(
    name="tiny",
    load=print,
    reference="nobody",
    variants=("a",),
    training=Training(
        network=lambda variant, scales: Tiny(scales),
        model=AtScale,
        samples=lambda variant: Samples("rgb", "rgb-matlab"),
        recipes=RECIPES,
    ),
)
"""

PARAMS = f"""
methods: [methods]
ledger: null
fetch: [T91]
protocols: {{edsr-2017: [T91]}}
runs:
  tiny-a-sr-bench-t91-x2:
    {{method: tiny, variant: a, weights: sr-bench-t91, scale: 2, protocols: [edsr-2017]}}
train:
  {NAME}: {{method: tiny, variant: a, recipe: quick, data: T91, scales: [2]}}
  tiny-a-sr-bench-t91: {{method: tiny, variant: a, recipe: quick, data: T91, scales: [2, 3]}}
train_warm:
  tiny-a-sr-bench-t91-x3:
    {{method: tiny, variant: a, recipe: quick, data: T91, scales: [3], start: {NAME}}}
train_joined:
  tiny-a-sr-bench-t91-joined:
    {{method: tiny, variant: a, recipe: quick, data: T91, scales: [2, 3], tag: joined,
     start: [tiny-a-sr-bench-t91-x3, {NAME}, tiny-a-sr-bench-t91]}}
"""


def recipe(**fields):
    common = {"steps": 60, "batch": 4, "patch": 8, "lr": 1e-3, "precision": "float32"}
    return common | {"ema": 0.9, "validate_every": 20, "checkpoint_every": 5} | fields


def write_method(root, **fields):
    (root / "methods").mkdir(exist_ok=True)
    (root / "methods" / "tiny.py").write_text(METHOD.format(recipe=recipe(**fields)))


def write_data(root, count):
    rng, entries = np.random.default_rng(3), []
    for i in range(count):
        coarse = rng.integers(0, 256, (5, 6, 3)).astype(np.uint8)
        path = root / "data" / "T91" / f"{i:02}.png"
        images.write(path, coarse.repeat(7, axis=0).repeat(6, axis=1))
        entries.append({"name": path.name, "shape": [35, 36, 3], "sha256": sha256(path)})
    manifest = root / "build" / "manifests" / "T91.json"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"dataset": "T91", "images": entries}))


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """``make(images=21, **recipe)``: a project folder that trains a tiny network."""

    def made(count=21, **fields):
        root = tmp_path_factory.mktemp("project")
        (root / "params.yaml").write_text(PARAMS)
        write_method(root, **fields)
        write_data(root, count)
        return root

    return made


def go(root, name=NAME, minutes=None):
    return train(Project.load(root), name, minutes=minutes, report=lambda progress: None)


def weights(root, name=NAME):
    return root / "methods" / "weights" / f"{name}.safetensors"


def kept(root, name=NAME):
    return root / "methods" / "checkpoints" / f"{name}.safetensors"


def curves(root, name=NAME):
    """The record but for the time: path -> text."""
    folder = root / "methods" / "logs" / name
    paths = (p for p in folder.rglob("*.tsv") if p.name != "minutes.tsv")
    return {p.relative_to(folder).as_posix(): p.read_text() for p in paths}


def digest(root, name=NAME):
    tensors = load_file(weights(root, name))
    each = (k.encode() + v.numpy().tobytes() for k, v in sorted(tensors.items()))
    return hashlib.sha256(b"".join(each)).hexdigest()


def facts_but_time(root):
    facts = read_facts(weights(root))
    return {k: v for k, v in facts.items() if k not in ("minutes", "last", "processes", "code")}


def outcome(root):
    """All that must not depend on where a training was stopped."""
    return {"tensors": digest(root), "facts": facts_but_time(root), "curves": curves(root)}


@pytest.fixture(scope="module")
def whole(make):
    """A finished training that was never stopped: its folder, and what train returned."""
    root = make()
    return root, go(root)


# A finished training


def test_a_finished_training_leaves_weights_and_a_record_and_no_checkpoint(whole):
    root, progress = whole
    assert weights(root).is_file() and not kept(root).exists()
    assert [p.name for p in weights(root).parent.iterdir()] == [f"{NAME}.safetensors"]
    assert not list(kept(root).parent.iterdir())
    assert progress.step == 60
    assert [row["step"] for row in progress.rows] == [20, 40, 60]


def test_the_record_holds_every_row_in_full_precision(whole):
    root, progress = whole
    names = {"train/loss", "train/lr", "val/psnr"}
    assert set(curves(root)) == {f"plots/metrics/{n}.tsv" for n in names}
    for name in names:
        lines = curves(root)[f"plots/metrics/{name}.tsv"].splitlines()
        assert lines[0].split("\t") == ["step", name.rpartition("/")[2]]
        read = [(int(s), float(v)) for s, v in (line.split("\t") for line in lines[1:])]
        assert read == [(row["step"], row[name]) for row in progress.rows]
    assert progress.rows[2]["train/loss"] < 0.95 * progress.rows[0]["train/loss"]


def test_weights_say_how_they_were_made(whole):
    root, progress = whole
    facts = read_facts(weights(root))
    assert facts["training"] == NAME
    assert (facts["method"], facts["variant"], facts["scales"]) == ("tiny", "a", [2])
    assert (facts["data"], facts["start"], facts["processes"]) == ("T91", None, 1)
    assert facts["manifest"] == sha256(root / "build/manifests/T91.json")
    assert facts["held_out"] == ["05.png", "16.png"]
    assert facts["images"] == {"2": 19}
    assert facts["recipe"] == Recipe(**recipe()).model_dump(mode="json")
    assert (facts["step"], facts["precision"]) == (60, "float32")
    assert facts["minutes"] == pytest.approx(progress.minutes, abs=0.006)
    assert facts["machine"] == machine.describe(torch.device("cpu"))
    assert facts["code"].startswith("sr-bench ")
    assert facts["last"] == progress.last


def test_weights_are_plain_contiguous_tensors_of_the_network(whole):
    root, _ = whole
    tensors = load_file(weights(root))
    shapes = {k: tuple(v.shape) for k, v in tensors.items()}
    expected = {"head.weight": (8, 3, 3, 3), "head.bias": (8,), "exits.2.bias": (12,)}
    assert shapes == expected | {"exits.2.weight": (12, 8, 1, 1)}
    assert {v.dtype for v in tensors.values()} == {torch.float32}


def test_what_is_trained_on_is_not_what_is_validated_on(whole):
    project = Project.load(whole[0])
    data = Data.read(Job.find(project, NAME))
    assert not set(data.kept_out) & set(data.pairs[2].names)
    assert len(data.kept_out) + len(data.pairs[2].names) == 21
    for name, image in zip(data.kept_out, data.validation.images):
        assert np.array_equal(image, images.read(project.data / "T91" / name))


def test_trained_again_it_is_the_same(whole, make):
    other = make()
    go(other)
    assert outcome(other) == outcome(whole[0])


def test_several_scales_are_validated_each(make):
    root, name = make(steps=20), "tiny-a-sr-bench-t91"
    progress = go(root, name)
    assert {"val/psnr_x2", "val/psnr_x3"} <= progress.last.keys()
    assert "val/psnr" not in progress.last
    assert read_facts(weights(root, name))["images"] == {"2": 19, "3": 19}


def test_report_is_told_where_it_stands(make):
    told = []
    root = make(validate_every=30, checkpoint_every=1000)
    train(
        Project.load(root),
        NAME,
        minutes=None,
        report=lambda p: told.append((p.step, len(p.rows), p.before)),
    )
    assert told == [(1, 0, 0), (20, 0, 0), (30, 1, 0), (40, 1, 0), (60, 2, 0)]


def test_the_loss_and_the_speed_are_told_from_the_first_steps(make):
    told = []
    train(Project.load(make()), NAME, minutes=None, report=lambda p: told.append((p.loss, p.rate)))
    assert all(loss > 0 for loss, _ in told)
    assert told[0][1] == 0 and all(rate > 0 for _, rate in told[1:])


def test_a_small_dataset_holds_out_one_image(make):
    root = make(count=3, steps=20)
    assert go(root).last["val/psnr"] > 5
    assert read_facts(weights(root))["held_out"] == ["02.png"]


# Stopped and resumed


def test_a_time_limit_leaves_no_weights_and_the_same_command_goes_on(make, whole):
    root = make()
    steps = []
    while not steps or steps[-1] < 60:
        steps.append(go(root, minutes=0).step)
        assert kept(root).exists() == (steps[-1] < 60)
        assert weights(root).exists() == (steps[-1] == 60)
    assert steps == [5 * (i + 1) for i in range(12)]
    assert outcome(root) == outcome(whole[0])


def test_minutes_add_up(make, monkeypatch):
    root = make()
    clock = [0.0]

    def tick():
        clock[0] += 6
        return clock[0]

    monkeypatch.setattr(engine.time, "monotonic", tick)
    first = go(root, minutes=0.05)
    assert first.minutes == pytest.approx(0.1) and first.step == 5
    second = go(root, minutes=0.15)
    assert second.minutes == pytest.approx(0.1 + 0.2) and second.step == 15
    assert read_facts(kept(root))["minutes"] == pytest.approx(0.3)


def test_a_changed_recipe_is_refused_and_the_checkpoint_stays(make):
    root = make()
    go(root, minutes=0)
    before = kept(root).read_bytes()
    write_method(root, lr=2e-3)
    with pytest.raises(SrBenchError) as caught:
        go(root)
    for fact in (str(kept(root)), "lr", "0.001", "0.002", "delete this file to start anew"):
        assert fact in str(caught.value)
    assert kept(root).read_bytes() == before
    write_method(root)
    assert go(root).step == 60


def test_the_error_tells_what_changed_in_the_recipe_and_nothing_else(make):
    root = make()
    go(root, minutes=0)
    write_method(root, lr=2e-3)
    with pytest.raises(SrBenchError, match=r"recipe\.lr was 0\.001, is 0\.002\. ") as caught:
        go(root)
    assert "momentum" not in str(caught.value)


def test_changed_data_are_refused(make):
    root = make()
    go(root, minutes=0)
    write_data(root, 22)
    with pytest.raises(SrBenchError, match=r"manifest was '.*', is '.*'.* images\b.* was"):
        go(root)


DAMAGE = {
    "cut short": lambda path: path.write_bytes(path.read_bytes()[:-100]),
    "empty": lambda path: path.write_bytes(b""),
    "something else": lambda path: path.write_bytes(b"x" * 4000),
    "no facts": lambda path: save_file({"network/head.bias": torch.zeros(8)}, path),
    "facts that are none": lambda path: save_file({}, path, {"sr-bench": "[]"}),
    "a flipped bit in a tensor": lambda path: flip(path, -5),
    "a flipped bit in the first tensor": lambda path: flip(path, header_end(path)),
    "a digit of a fact": lambda path: path.write_bytes(
        path.read_bytes().replace(b'\\"step\\": 5', b'\\"step\\": 6')
    ),
}


def flip(path, at):
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)


def header_end(path):
    return 8 + int.from_bytes(path.read_bytes()[:8], "little")


def an_earlier_training(root, whole=None):
    """Finished weights that a training finds: those of another, or just bytes."""
    content = weights(whole[0]).read_bytes() if whole else b"hours of work"
    weights(root).parent.mkdir(exist_ok=True)
    weights(root).write_bytes(content)
    return content


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_checkpoint_is_named(make, damage):
    root = make(steps=10)
    before = an_earlier_training(root)
    go(root, minutes=0)
    damage(kept(root))
    named = rf"checkpoints/{NAME}.safetensors: .*delete this file to start anew"
    with pytest.raises(SrBenchError, match=named):
        go(root)
    assert weights(root).read_bytes() == before


def test_a_checkpoint_of_version_0_1_has_no_hash_and_goes_on_with_a_word(make, whole, caplog):
    root = make()
    go(root, minutes=0)
    tensors, facts = checkpoint.load(kept(root))
    save_file(tensors, kept(root), {"sr-bench": json.dumps(facts)})
    go(root)
    assert outcome(root) == outcome(whole[0])
    assert f"{NAME}.safetensors: was written without a hash" in caplog.text


def test_an_earlier_trainings_files_stay_until_the_last_step(make, whole):
    root = make()
    before = an_earlier_training(root)
    log = root / "methods" / "logs" / NAME / "plots" / "metrics" / "val.tsv"
    log.parent.mkdir(parents=True)
    log.write_text("step\tval\n")
    while (step := go(root, minutes=0).step) < 60:
        assert weights(root).read_bytes() == before and log.read_text() == "step\tval\n"
        so_far = kept(root).with_suffix("")
        assert (so_far / "plots/metrics/train/loss.tsv").exists() == (step >= 20)
    assert outcome(root) == outcome(whole[0])
    assert not log.exists() and not list(kept(root).parent.iterdir())


def test_unfinished_weights_of_version_0_1_are_not_used(make, whole):
    root, name = make(), "tiny-a-sr-bench-t91-x3"
    tensors, facts = checkpoint.load(weights(whole[0]))
    weights(root).parent.mkdir()
    checkpoint.save(weights(root), tensors, facts | {"step": 40})
    with pytest.raises(SrBenchError, match=rf"step 40 of 60: .*sr-bench train {NAME}"):
        go(root, name)


def test_a_second_process_is_told_who_trains(make):
    root = make()
    project = Project.load(root)
    told = rf"pid {os.getpid()} on .* already writing"
    with project.writing("this", f"train-{NAME}"), pytest.raises(SrBenchError, match=told):
        go(root)
    assert not kept(root).exists()


def test_weights_in_the_place_of_a_checkpoint_are_refused(make, whole):
    root = make(steps=10)
    go(root, minutes=0)
    kept(root).write_bytes(weights(whole[0]).read_bytes())
    with pytest.raises(SrBenchError, match=f"checkpoints/{NAME}.safetensors: "):
        go(root)


# What goes wrong on the way


FULL = [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("No space left (28)")]


@pytest.mark.parametrize("error", FULL, ids=lambda e: type(e).__name__)
@pytest.mark.parametrize("which", ["checkpoints", "weights"])
def test_a_full_disk_leaves_the_files_before_it(make, whole, monkeypatch, error, which):
    root = make()
    an_earlier_training(root, whole)
    go(root, minutes=0)
    before = {p: p.read_bytes() for p in (weights(root), kept(root))}

    def full(tensors, path, metadata):
        save_file(tensors, path, metadata)
        if path.parent.parent.name == which:
            path.write_bytes(path.read_bytes()[:50])
            raise error

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(SrBenchError) as caught:
        go(root)
    for fact in (f"{which}/{NAME}", "No space left", "the file before it is intact"):
        assert fact in str(caught.value)
    damaged = weights(root) if which == "weights" else kept(root)
    assert damaged.read_bytes() == before[damaged]
    left = {p for f in ("weights", "checkpoints") for p in (root / "methods" / f).iterdir()}
    assert left == {weights(root), kept(root), kept(root).with_suffix("")}
    monkeypatch.undo()
    go(root)
    assert outcome(root) == outcome(whole[0])


def test_a_full_disk_at_the_first_checkpoint(make, monkeypatch):
    root = make()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(checkpoint, "save_file", full)
    with pytest.raises(SrBenchError, match=r"No space left on device\); nothing was there before"):
        go(root)
    assert not list(kept(root).parent.iterdir())


def test_a_loss_that_diverges_names_the_step_and_keeps_the_last_checkpoint(make):
    root = make(schedule="step", milestones=[32], gamma=1e30, checkpoint_every=10)
    with pytest.raises(SrBenchError) as caught:
        go(root)
    for fact in ("at step 40 of 60", "learning rate 1e+27", "lower the recipe's lr"):
        assert fact in str(caught.value)
    state, facts = checkpoint.load(kept(root))
    assert facts["step"] == 30 and not weights(root).exists()
    assert all(torch.isfinite(v).all() for v in state.values())


def test_weights_that_overflow_at_a_checkpoint_are_not_saved(make):
    """The loss of that step was still good: it is from before the step."""
    root = make(schedule="step", milestones=[29], gamma=1e45, checkpoint_every=10)
    with pytest.raises(SrBenchError, match=r"the largest weight is (inf|nan) at step 30 of 60"):
        go(root)
    state, facts = checkpoint.load(kept(root))
    assert facts["step"] == 20 and not weights(root).exists()
    assert all(torch.isfinite(v).all() for v in state.values())


# Weights to start from


def test_a_warm_start_takes_what_has_the_same_name_and_shape(make, whole):
    root, name = make(steps=1, lr=1e-12, ema=None), "tiny-a-sr-bench-t91-x3"
    weights(root).parent.mkdir()
    weights(root).write_bytes(weights(whole[0]).read_bytes())
    given = load_file(weights(root))
    go(root, name)
    made = load_file(weights(root, name))
    torch.testing.assert_close(made["head.weight"], given["head.weight"], atol=1e-9, rtol=0)
    assert made["exits.3.weight"].shape == (27, 8, 1, 1)
    assert read_facts(weights(root, name))["start"] == sha256(weights(root))


def test_of_several_starts_the_first_gives_what_they_share(make):
    root, name = make(steps=1, lr=1e-12, ema=None), "tiny-a-sr-bench-t91-joined"
    weights(root).parent.mkdir()
    ones = {"head.weight": (8, 3, 3, 3), "exits.2.weight": (12, 8, 1, 1)}
    ones |= {"exits.3.weight": (27, 8, 1, 1), "exits.3.bias": (27,)}
    keys = {"tiny-a-sr-bench-t91-x3": [0, 2], NAME: [0, 1], "tiny-a-sr-bench-t91": [0, 1, 2, 3]}
    for value, (start, chosen) in enumerate(keys.items(), 1):
        given = {
            k: torch.full(s, 0.1 * value) for i, (k, s) in enumerate(ones.items()) if i in chosen
        }
        checkpoint.save(weights(root, start), given, {"training": start})
    go(root, name)
    made = load_file(weights(root, name))
    for key, value in zip(ones, (0.1, 0.2, 0.1, 0.3)):
        torch.testing.assert_close(made[key], torch.full(ones[key], value), atol=1e-9, rtol=0)
    assert read_facts(weights(root, name))["start"] == [sha256(weights(root, s)) for s in keys]


def test_a_start_that_shares_nothing_is_refused(make):
    root = make(steps=1)
    weights(root).parent.mkdir()
    checkpoint.save(weights(root), {"conv.weight": torch.zeros(3)}, {"training": NAME})
    with pytest.raises(SrBenchError, match=r"holds nothing of the network of tiny.*its start in"):
        go(root, "tiny-a-sr-bench-t91-x3")


def test_another_start_is_another_training(make, whole):
    root, name = make(), "tiny-a-sr-bench-t91-x3"
    weights(root).parent.mkdir()
    weights(root).write_bytes(weights(whole[0]).read_bytes())
    go(root, name, minutes=0)
    moved = {k: v + 1 for k, v in load_file(weights(root)).items()}
    checkpoint.save(weights(root), moved, {"training": NAME})
    with pytest.raises(SrBenchError, match=r"start was '.*', is '"):
        go(root, name)


def test_a_start_that_is_not_trained_yet_says_what_to_run(make):
    with pytest.raises(SrBenchError, match=rf"{NAME}.safetensors: .*sr-bench train {NAME}$"):
        go(make(steps=1), "tiny-a-sr-bench-t91-x3")


def test_a_recipe_for_another_form_that_the_method_lacks(make):
    root = make(steps=1, reparametrised=True)
    with pytest.raises(SrBenchError, match="for a reparametrised network, which method tiny has"):
        go(root)


def test_images_that_were_not_fetched(make):
    root = make(steps=1)
    (root / "build/manifests/T91.json").unlink()
    with pytest.raises(SrBenchError, match=r"T91\.json: no such file; .* sr-bench fetch T91"):
        go(root)


# Killed

# Runs a training undisturbed, so that everything is loaded; then others in forked children, which
# are killed: after some steps, or by themselves before their n-th change of a folder.
KILLER = """
import json, os, random, signal, sys, traceback
from pathlib import Path

from sr_bench.project.project import Project
from sr_bench.training.run import train
from sr_bench.training.trainer import Trainer

CHANGES = ("os.rename", "shutil.rmtree", "tempfile.mkstemp", "tempfile.mkdtemp")


def start(root, name, dies_at=None, steps=float("inf")):
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    os.close(reading)
    changes, done, advance = [], [], Trainer.advance

    def watch(event, arguments):
        path = str(arguments[event == "os.rename"]) if arguments else ""
        unlinked = event == "os.remove" and "/checkpoints/tiny" in path
        begun = event == "open" and path.endswith(".partial") and arguments[2] & os.O_CREAT
        changed = (begun or event in CHANGES) and "/methods/" in path and ".partial/" not in path
        if unlinked or changed:
            if len(changes) == dies_at:
                os.kill(os.getpid(), signal.SIGKILL)
            changes.append(event)

    def telling(trainer):
        total = advance(trainer)
        os.write(writing, b".")
        done.append(total)
        if len(done) == steps:
            signal.pause()
        return total

    Trainer.advance = telling
    sys.addaudithook(watch)
    try:
        train(Project.load(Path(root)), name, minutes=None, report=lambda progress: None)
    except BaseException:
        traceback.print_exc()
        os._exit(9)
    os._exit(0)


def ended(child, reading):
    while os.read(reading, 4096):
        pass
    os.close(reading)
    status = os.waitpid(child, 0)[1]
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, status
    return not os.WIFSIGNALED(status)


def finish(root, name):
    assert ended(*start(root, name))


def at_random(root, name, kills):
    dice = random.Random(11)
    for _ in range(kills):
        steps = dice.randint(1, 6)
        child, reading = start(root, name, steps=steps + 3)
        for _ in range(steps):
            os.read(reading, 1)
        os.kill(child, signal.SIGKILL)
        assert not ended(child, reading), "finished before it was killed"
    finish(root, name)


def at_each_change(roots, name):
    # One folder for each change; the first that isn't reached ends it.
    for n, root in enumerate(roots):
        if ended(*start(root, name, n)):
            return n
        finish(root, name)
    raise AssertionError("more changes than folders")


how, name, calm, *roots = sys.argv[1:]
train(Project.load(Path(calm)), name, minutes=None, report=lambda progress: None)
if how == "at random":
    at_random(roots[0], name, 10)
else:
    print(at_each_change(roots, name))
"""


def alone():
    """The environment of a process that shares the machine with others."""
    return os.environ | {"OMP_NUM_THREADS": "1"}


def kill(how, roots, tmp_path):
    script = tmp_path / "killer.py"
    script.write_text(KILLER)
    done = subprocess.run(
        [sys.executable, script, how, NAME, *map(str, roots)],
        env=alone(),
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


LONG = {"steps": 91, "checkpoint_every": 3, "validate_every": 30, "optimizer": "muon"}


SHORT = {"steps": 4, "checkpoint_every": 2, "validate_every": 2}


@pytest.fixture(scope="module")
def undisturbed(make):
    """A long training that was never stopped, in a process of its own as the others are: the last
    bits depend on the number of threads, which other tests may have changed in this one.
    """
    root = make(**LONG)
    process = sr_bench("train", NAME, cwd=root)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return root


@pytest.mark.slow
def test_killed_ten_times_it_ends_as_if_it_had_not_been(make, undisturbed, tmp_path):
    root = make(**LONG)
    kill("at random", [make(**SHORT), root], tmp_path)
    assert outcome(root) == outcome(undisturbed)
    assert not kept(root).exists()


@pytest.fixture(scope="module")
def killed(make, tmp_path_factory):
    """Folders of a training of two checkpoints, killed at each change of a file, and finished."""
    calm, *roots = [make(**SHORT) for _ in range(24)]
    changes = int(kill("at each change", [calm, *roots], tmp_path_factory.mktemp("killer")))
    assert changes >= 12
    return roots[:changes], calm


@pytest.mark.slow
def test_killed_at_any_change_of_a_file_its_weights_are_the_same(killed):
    roots, calm = killed
    for n, root in enumerate(roots):
        assert digest(root) == digest(calm), n
        assert facts_but_time(root) == facts_but_time(calm), n
        assert not kept(root).exists(), n


@pytest.mark.slow
def test_killed_at_any_change_of_a_file_its_record_is_the_same(killed):
    roots, calm = killed
    assert [n for n, root in enumerate(roots) if curves(root) != curves(calm)] == []


@pytest.mark.slow
def test_killed_at_any_change_of_a_file_it_leaves_nothing_behind(killed):
    roots, _ = killed
    left = [p for root in roots for p in (root / "methods").rglob(".*")]
    assert left == []


def sr_bench(*words, cwd, **options):
    return subprocess.Popen(
        [SCRIPT, *words],
        cwd=cwd,
        env=alone(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@pytest.mark.slow
def test_the_command_killed_and_given_again(make, undisturbed):
    root = make(**LONG)
    first = sr_bench("train", NAME, cwd=root)
    late = time.monotonic() + 120
    while not kept(root).exists() and first.poll() is None and time.monotonic() < late:
        time.sleep(0.002)
    first.kill()
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    reached = read_facts(kept(root))["step"]
    assert 0 < reached < 91

    second = sr_bench("train", NAME, "--json", cwd=root)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert outcome(root) == outcome(undisturbed)
    told = json.loads(out)
    assert (told["training"], told["step"], told["steps"]) == (NAME, 91, 91)
    assert told["last"] == read_facts(weights(root))["last"]


# Several processes


def torchrun(root, *words):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--no-python"]
    return subprocess.run(
        [*command, "--nproc-per-node", "2", str(SCRIPT), *words],
        cwd=root,
        env=alone(),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def columns(text):
    return np.array([line.split("\t") for line in text.splitlines()[1:]], float)


@pytest.fixture(scope="module")
def shared(make):
    """A training by one process, the same by two, and what these printed."""
    fields = {"steps": 40, "batch": 6, "clip": 0.05, "optimizer": "sgd", "lr": 0.05}
    one, two = make(**fields), make(**fields)
    done = torchrun(two, "train", NAME, "--json")
    assert done.returncode == 0, done.stderr
    go(one)
    return one, two, done.stdout


@pytest.mark.slow
def test_two_processes_train_what_one_does(shared):
    one, two, _ = shared
    assert read_facts(weights(two))["processes"] == 2
    alone, together = load_file(weights(one)), load_file(weights(two))
    for key in alone:
        torch.testing.assert_close(together[key], alone[key], rtol=1e-5, atol=1e-7)
    assert curves(one).keys() == curves(two).keys()
    for path, text in curves(one).items():
        np.testing.assert_allclose(columns(curves(two)[path]), columns(text), rtol=1e-5)
    assert facts_but_time(two) == facts_but_time(one)
    assert not kept(two).exists()


@pytest.mark.slow
def test_two_processes_print_one_answer(shared):
    assert json.loads(shared[2])["training"] == NAME
