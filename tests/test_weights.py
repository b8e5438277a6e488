"""Weight files: read strictly, and never executed."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat

from sr_bench.networks import checkpoint
from sr_bench.networks.weights import (
    RenamedKey,
    Rule,
    check_fit,
    layer_rules,
    load_strictly,
    read_checkpoint,
    read_mat,
    read_own,
    read_safetensors,
    rename,
)
from sr_bench.support.errors import SrBenchError

STATE = {"weight": torch.arange(6.0).reshape(2, 3), "bias": torch.tensor([1.0, 2.0])}


class Evil:
    """Unpickled in full, it makes a file: the proof that code was run."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return Path.touch, (self.proof,)


# Checkpoints


OTHER = {"weight": torch.zeros(2, 3), "bias": torch.zeros(2)}


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"state_dict": STATE, "meta": {"epoch": 3}},
        {"params": STATE},
        {"params_ema": STATE},
        {"params": OTHER, "params_ema": STATE},  # the average is what BasicSR's results are from
    ],
)
@pytest.mark.parametrize("modern", [False, True])
def test_tensors_are_read_by_key(tmp_path, content, modern):
    path = tmp_path / "net.pth"
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
    for read in (read_checkpoint, read_mat, read_safetensors, read_own):
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
    with pytest.raises(SrBenchError, match=r"without numeric arrays; it holds a \(text\)"):
        read_mat(tmp_path / "text.mat")


# safetensors files


def test_safetensors_of_ours_are_read_under_their_keys(tmp_path):
    path = tmp_path / "net.safetensors"
    save_file(STATE, path)
    own = read_own(path)
    assert {k: v.tolist() for k, v in own.state.items()} == {
        k: v.tolist() for k, v in STATE.items()
    }
    assert sorted(r.theirs for r in own.rows) == ["bias", "weight"]
    assert all(r.theirs == r.ours and r.divisor == 1 for r in own.rows)


def test_a_truncated_safetensors_file_is_refused_wherever_it_ends(tmp_path):
    whole, path = tmp_path / "whole.safetensors", tmp_path / "cut.safetensors"
    save_file(STATE, whole)
    data = whole.read_bytes()
    for length in range(0, len(data), 7):
        path.write_bytes(data[:length])
        with pytest.raises(SrBenchError, match=r"cut\.safetensors: not a readable safetensors"):
            read_safetensors(path)


@pytest.mark.parametrize("read", [read_safetensors, read_checkpoint, checkpoint.load])
def test_a_flipped_bit_in_weights_that_were_trained_here_is_noticed(tmp_path, read):
    """The format has no check sum: of any other program's file the tensors would be others."""
    path = tmp_path / "net.safetensors"
    checkpoint.save(path, STATE, {"training": "net"})
    read(path)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1  # of a tensor
    path.write_bytes(content)
    with pytest.raises(SrBenchError, match=r"net\.safetensors: its content has changed since it"):
        read(path)


# Renaming

NET = Path("net.pth")


def test_the_first_rule_that_fits_a_key_renames_it_and_divides_its_values():
    state = {"a.0.w": torch.tensor([4.0, 6.0]), "a.10.w": torch.ones(1), "mean": torch.zeros(3)}
    rules = [Rule(r"a\.0\.w", "first", 2), Rule(r"a\.(\d+)\.w", r"b.\1"), Rule("mean", None)]
    renamed = rename(state, rules, NET)
    assert {k: v.tolist() for k, v in renamed.state.items()} == {"first": [2, 3], "b.10": [1]}
    assert renamed.rows == [
        RenamedKey("a.0.w", "first", (2,), 2),
        RenamedKey("a.10.w", "b.10", (1,), 1),
        RenamedKey("mean", None, (3,), 1),
    ]
    assert state["a.0.w"].tolist() == [4, 6]


def test_only_the_biases_of_layers_are_divided():
    state = {"conv.weight": torch.tensor([255.0]), "conv.bias": torch.tensor([255.0])}
    renamed = rename(state, layer_rules({"conv": "head.0"}, bias_divisor=255), NET)
    assert {k: v.item() for k, v in renamed.state.items()} == {
        "head.0.weight": 255,
        "head.0.bias": 1,
    }


def test_a_rule_is_for_whole_keys():
    with pytest.raises(SrBenchError, match=r"net\.pth: 2 of 2 keys .*: xa, ax; check the method"):
        rename(dict.fromkeys(["xa", "ax"], torch.ones(1)), [Rule("a", "b")], NET)


def test_keys_that_become_one_are_refused():
    state = {"a": torch.ones(1), "b": torch.ones(1)}
    with pytest.raises(SrBenchError, match=r"net\.pth: b and another key both become c"):
        rename(state, [Rule("[ab]", "c")], NET)


def test_two_keys_may_be_left_out():
    assert rename(STATE, [Rule(".*", None)], NET).state == {}


def test_an_error_about_hundreds_of_keys_is_short():
    state = {f"k{i:03}": torch.ones(1) for i in range(300)}
    for refuse in (
        lambda: rename(state, [], NET),
        lambda: check_fit(torch.nn.Identity(), state, NET),
    ):
        with pytest.raises(SrBenchError, match=r"k000.*k005.*and 294 more") as caught:
            refuse()
        assert len(str(caught.value)) < 500


# Loading


def test_the_fit_is_checked_without_memory_for_the_network():
    with torch.device("meta"):
        model = torch.nn.Linear(3, 2)
    check_fit(model, STATE, NET)
    with pytest.raises(SrBenchError, match="bias is missing"):
        check_fit(model, {"weight": STATE["weight"]}, NET)


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
