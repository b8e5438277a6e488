"""Which file holds a run's weights, where they were trained here."""

import json

import pytest
import torch
from safetensors.torch import save_file

from sr_bench.networks import checkpoint
from sr_bench.networks.method_files import find_method
from sr_bench.project.project import Project
from sr_bench.project.run_weights import note_weights, noted_weights, read_note
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import sha256

MDSR = "mdsr-baseline-sr-bench-t91"
SRCNN = "srcnn-9-1-5-sr-bench-t91-x3"

ENTRY = (
    "  {method}-{variant}-sr-bench-t91-x{scale}: {{method: {method}, variant: {variant}, "
    "weights: sr-bench-t91, scale: {scale}, protocols: [edsr-2017]}}\n"
)
KINDS = (("mdsr", "baseline"), ("mdsr", "baseline+"), ("srcnn", "9-1-5"))
TRAIN = f"""
train:
  {SRCNN}: {{method: srcnn, variant: 9-1-5, recipe: fast, data: T91, scales: [3]}}
  {MDSR}: {{method: mdsr, variant: baseline, recipe: fast, data: T91, scales: [2, 3, 4]}}
"""


@pytest.fixture
def trained(project):
    """The project with runs of weights that are made here; the weights are two made-up files."""
    params = project / "params.yaml"
    runs = "".join(
        ENTRY.format(method=method, variant=variant, scale=scale)
        for method, variant in KINDS
        for scale in (2, 3, 4)
    )
    params.write_text(params.read_text() + runs + TRAIN)
    opened = Project.load(project)
    for name in (MDSR, SRCNN):
        put(opened, name, name)
    return opened


def put(project, name, made):
    checkpoint.save(project.trained(name), {"w": torch.ones(3)}, {"training": made})


def note(project, name):
    return note_weights(project, name, progress=lambda _: None)


def noted(project, name):
    run = project.run(name)
    return noted_weights(project, run, find_method(run.method, project.method_folders))


def test_a_run_of_our_weights_finds_and_notes_the_file(trained):
    made = note(trained, SRCNN)
    path = trained.trained(SRCNN)
    file = f"methods/weights/{SRCNN}.safetensors"
    assert made == {"weights": "sr-bench-t91", "file": file, "sha256": sha256(path)}
    assert json.loads(trained.weights_note(SRCNN).read_text()) == made
    assert noted(trained, SRCNN) == path == trained.root / file


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("variant", ["baseline", "baseline+"])
def test_one_file_serves_all_scales_and_the_self_ensemble(trained, variant, scale):
    run = f"mdsr-{variant}-sr-bench-t91-x{scale}"
    assert note(trained, run)["file"] == f"methods/weights/{MDSR}.safetensors"
    assert noted(trained, run) == trained.trained(MDSR)


def test_weights_that_are_not_trained_yet_say_what_to_run(trained):
    note(trained, SRCNN)
    trained.trained(SRCNN).unlink()
    for ask in (note, noted):
        with pytest.raises(SrBenchError) as caught:
            ask(trained, SRCNN)
        for fact in (str(trained.trained(SRCNN)), f"make it with: sr-bench train {SRCNN}"):
            assert fact in str(caught.value)


def test_weights_of_another_training_under_this_name_are_refused(trained):
    note(trained, SRCNN)
    put(trained, SRCNN, SRCNN.replace("x3", "x2"))
    for ask in (note, noted):
        with pytest.raises(SrBenchError) as caught:
            ask(trained, SRCNN)
        for fact in ("holds the weights of 'srcnn-9-1-5-sr-bench-t91-x2'", f"says '{SRCNN}'"):
            assert fact in str(caught.value)


def test_weights_that_were_trained_again_must_be_noted_again(trained):
    note(trained, SRCNN)
    checkpoint.save(trained.trained(SRCNN), {"w": torch.zeros(3)}, {"training": SRCNN})
    with pytest.raises(SrBenchError, match=rf"sha256 is .* says .*sr-bench fetch --run {SRCNN}"):
        noted(trained, SRCNN)
    note(trained, SRCNN)
    assert noted(trained, SRCNN) == trained.trained(SRCNN)


def test_weights_without_a_note(trained):
    with pytest.raises(SrBenchError, match=rf"no such file; .*sr-bench fetch --run {SRCNN}"):
        noted(trained, SRCNN)


@pytest.mark.parametrize(
    ("key", "value"), [("weights", "sr-bench-t92"), ("file", "methods/weights/x"), ("more", "x")]
)
def test_a_note_that_says_something_else_is_refused(trained, key, value):
    """The report copies it into the provenance."""
    note(trained, SRCNN)
    assert read_note(trained, trained.run(SRCNN)) == note(trained, SRCNN)
    path = trained.weights_note(SRCNN)
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    for ask in (noted, lambda project, name: read_note(project, project.run(name))):
        with pytest.raises(SrBenchError, match=rf"says .*{value}.*sr-bench fetch --run {SRCNN}"):
            ask(trained, SRCNN)


def test_without_a_note_there_is_nothing_to_say(trained):
    assert read_note(trained, trained.run(SRCNN)) is None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not safetensors", None])
def test_files_that_sr_bench_did_not_train(trained, content):
    path = trained.trained(SRCNN)
    if content is None:
        save_file({"w": torch.ones(3)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(SrBenchError, match=f"{SRCNN}.safetensors: not weights or a checkpoint"):
        note(trained, SRCNN)


def test_weights_that_no_entry_makes(trained):
    with pytest.raises(WrongUse) as caught:
        note(trained, "srcnn-9-1-5-sr-bench-t91-x2")  # the entry is of x3
    for fact in ("unknown training for weights 'sr-bench-t91'", "runs.srcnn-9-1-5-sr-bench-t91-x2"):
        assert fact in str(caught.value)


def test_published_weights_and_none_are_no_trainings(trained):
    assert trained.training_of(trained.run("bicubic-x2")) is None
    author = trained.run(SRCNN).model_copy(update={"weights": "author-t91"})
    assert trained.training_of(author) is None
    assert noted(trained, "bicubic-x2") is None
