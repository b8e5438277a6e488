"""Weight files: read strictly, and never executed."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from sr_bench.errors import SrBenchError
from sr_bench.weights import load_strictly, read_checkpoint, read_mat

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.0, 2.0])}


class Evil:
    """Unpickled in full, it makes a file: the proof that code was run."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


# Checkpoints


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("modern", [False, True])
def test_tensors_are_read_by_key(tmp_path, wrapped, modern):
    path = tmp_path / "net.pth"
    content = {"state_dict": STATE, "meta": {"epoch": 3}} if wrapped else STATE
    torch.save(content, path, _use_new_zipfile_serialization=modern)
    state = read_checkpoint(path)
    assert list(state) == ["weight", "bias"]
    assert torch.equal(state["weight"], STATE["weight"])


@pytest.mark.parametrize("modern", [False, True])
@pytest.mark.parametrize("place", ["alone", "beside tensors"])
def test_a_malicious_checkpoint_is_refused_and_runs_nothing(tmp_path, modern, place):
    proof, path = tmp_path / "code-was-run", tmp_path / "evil.pth"
    content = Evil(proof) if place == "alone" else {"state_dict": STATE, "x": Evil(proof)}
    torch.save(content, path, _use_new_zipfile_serialization=modern)
    with pytest.raises(SrBenchError, match=r"evil\.pth: refused: .*safetensors where you trust"):
        read_checkpoint(path)
    assert not proof.exists()
    torch.load(path, weights_only=False)  # the attack itself works
    assert proof.exists()


def test_a_plain_malicious_pickle_is_refused_and_runs_nothing(tmp_path):
    proof, path = tmp_path / "code-was-run", tmp_path / "evil.pth"
    path.write_bytes(pickle.dumps(Evil(proof), protocol=2))
    with pytest.raises(SrBenchError, match=r"evil\.pth: "):
        read_checkpoint(path)
    assert not proof.exists()


@pytest.mark.parametrize("modern", [False, True])
def test_a_truncated_checkpoint_is_refused_wherever_it_ends(tmp_path, modern):
    whole, path = tmp_path / "whole.pth", tmp_path / "cut.pth"
    torch.save(STATE, whole, _use_new_zipfile_serialization=modern)
    data = whole.read_bytes()
    for length in range(0, len(data), 61):
        path.write_bytes(data[:length])
        with pytest.raises(SrBenchError, match=r"cut\.pth: "):
            read_checkpoint(path)


@pytest.mark.parametrize("content", [[1, 2], torch.zeros(3), {"a": 1}, {"state_dict": {"a": "b"}}])
def test_a_checkpoint_without_a_dictionary_of_tensors(tmp_path, content):
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(SrBenchError, match=r"odd\.pth: holds no dictionary of tensors"):
        read_checkpoint(tmp_path / "odd.pth")


def test_a_missing_file_is_named(tmp_path):
    for read in (read_checkpoint, read_mat):
        with pytest.raises(SrBenchError, match="none"):
            read(tmp_path / "none")


# MATLAB files


def test_arrays_are_read_by_name(tmp_path):
    arrays = {"a": np.arange(6.0).reshape(2, 3), "b": np.ones((2, 1, 4), np.float32)}
    savemat(tmp_path / "a.mat", arrays)
    back = read_mat(tmp_path / "a.mat")
    assert {k: (v.shape, v.dtype.name) for k, v in back.items()} == {
        "a": ((2, 3), "float64"),
        "b": ((2, 1, 4), "float64"),
    }
    assert np.array_equal(back["a"], arrays["a"])


def test_a_truncated_mat_file_is_refused_wherever_it_ends(tmp_path):
    path = tmp_path / "cut.mat"
    savemat(path, {"a": np.arange(40.0)})
    data = path.read_bytes()
    for length in range(0, len(data) - 8, 13):
        path.write_bytes(data[:length])
        with pytest.raises(SrBenchError, match=r"cut\.mat: not a readable MATLAB file"):
            read_mat(path)


def test_a_mat_file_of_text_is_refused(tmp_path):
    savemat(tmp_path / "text.mat", {"a": "words"})
    with pytest.raises(SrBenchError, match=r"text\.mat: not a readable MATLAB file"):
        read_mat(tmp_path / "text.mat")


# Loading


def test_all_tensors_go_into_the_network():
    model = torch.nn.Linear(3, 2)
    load_strictly(model, STATE, Path("net.pth"))
    assert torch.equal(model.weight, STATE["weight"])
    assert torch.equal(model.bias, STATE["bias"])


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        ({"bias": None}, "bias is missing"),
        ({"extra": torch.zeros(1)}, "extra is not part of the network"),
        ({"weight": torch.zeros(3, 2)}, "weight is (3, 2), the network has (2, 3)"),
        ({"bias": None, "extra": torch.zeros(1)}, "bias is missing; extra is not part"),
    ],
)
def test_a_key_that_does_not_fit(change, fact):
    model = torch.nn.Linear(3, 2)
    before = model.weight.clone()
    state = {k: v for k, v in (STATE | change).items() if v is not None}
    with pytest.raises(SrBenchError) as caught:
        load_strictly(model, state, Path("net.pth"))
    for part in ("net.pth: does not fit the network", fact, "check the variant"):
        assert part in str(caught.value)
    assert torch.equal(model.weight, before)
