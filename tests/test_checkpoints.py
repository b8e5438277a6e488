"""Other people's weight files: found in what a training saved, or refused by what they are."""

import io
import os
import sys
import tarfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat
from scipy.sparse import csc_matrix

from sr_bench.data.datasets.fetch import MIRROR
from sr_bench.networks.caffe_files import read_caffemodel, write_caffemodel
from sr_bench.networks.weights import (
    Rule,
    check_fit,
    load_strictly,
    read_checkpoint,
    read_mat,
    rename,
    with_known,
)
from sr_bench.support import notices
from sr_bench.support.errors import SrBenchError


def network():
    """Two layers: keys head.weight, head.bias, body.0.weight, body.0.bias."""
    layers = {"head": torch.nn.Linear(3, 2), "body": torch.nn.Sequential(torch.nn.Linear(2, 2))}
    return torch.nn.ModuleDict(layers)


torch.manual_seed(0)
STATE = network().state_dict()
OTHER = {k: v + 1 for k, v in STATE.items()}
BESIDE = {"optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []}, "epoch": 3}


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch):
    monkeypatch.setattr(notices, "_said", set())


@pytest.fixture
def saved(tmp_path):
    def save(content, name="net.pth", **options):
        torch.save(content, tmp_path / name, **options)
        return tmp_path / name

    return save


def below(prefix, state=STATE):
    return {prefix + k: v for k, v in state.items()}


def loaded(path):
    model = network()
    load_strictly(model, read_checkpoint(path), path)
    return model.state_dict()


def same(state, expected=STATE):
    return state.keys() == expected.keys() and all(
        torch.equal(state[k], expected[k]) for k in state
    )


def refusal(path, read=read_checkpoint):
    with pytest.raises(SrBenchError) as caught:
        read(path)
    assert str(path) in str(caught.value) and "weights_only" not in str(caught.value)
    return str(caught.value)


# Prefixes


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "generator.", "model.", "net.", "net_g.", "module._orig_mod.",
     "_orig_mod.module.", "model.net_g.module."],
)  # fmt: skip
@pytest.mark.parametrize("wrapper", [None, "state_dict", "params"])
def test_a_prefix_of_all_keys_is_removed_and_told(saved, caplog, prefix, wrapper):
    state = below(prefix)
    path = saved({wrapper: state} if wrapper else state)
    assert same(loaded(path))
    assert f"{path}: the prefix '{prefix}' was removed from 4 of 4 keys" in caplog.text


def test_a_part_of_the_network_that_was_compiled_by_itself(saved, caplog):
    keys = {"head.weight": "head._orig_mod.weight", "body.0.bias": "body.module.0.bias"}
    assert same(loaded(saved({keys.get(k, k): v for k, v in STATE.items()})))
    assert "removed from 2 of 4 keys" in caplog.text


def test_a_prefix_that_is_the_networks_own_stays(saved, caplog):
    model = torch.nn.ModuleDict({"model": network()})
    path = saved(below("model.", OTHER))
    load_strictly(model, read_checkpoint(path), path)
    assert same(model.state_dict(), below("model.", OTHER))
    assert not caplog.text


def test_a_prefix_of_some_keys_stays_and_both_sides_are_shown(saved):
    path = saved(below("module.") | {"extra.weight": torch.ones(2)})
    error = refusal(path, loaded)
    assert "head.weight is missing" in error
    assert "The file has 5 keys, the first are module.head.weight, " in error
    assert "the network has 4, the first are head.weight, head.bias, body.0.weight" in error
    assert "All keys" not in error


def test_of_a_prefixed_file_that_does_not_fit_only_what_differs_is_named(saved):
    state = {k: v for k, v in STATE.items() if k != "head.bias"} | {"head.weight": torch.ones(5)}
    error = refusal(saved(below("module.", state)), loaded)
    assert "head.weight is (5,), the network has (2, 3); head.bias is missing; check" in error
    assert "All keys of the file begin with the prefix 'module.'" in error
    assert "The file has 3 keys, the first are module.head.weight" in error


def test_rules_are_tried_without_the_prefix_and_rows_name_the_files_keys(saved, caplog):
    state = read_checkpoint(saved(below("module.")))
    rules = [Rule(r"(head|body\.0)\.(.*)", r"ours.\1.\2")]
    renamed = rename(state, rules, saved(1))
    assert list(renamed.state) == [f"ours.{k}" for k in STATE]
    assert renamed.rows[0].theirs == "module.head.weight"
    assert "the prefix 'module.' was removed" in caplog.text
    with pytest.raises(SrBenchError, match=r"All keys of the file begin with .*'module\.'"):
        rename(state, [Rule("tail", "x")], saved(1))


def test_a_format_is_known_by_its_key_whatever_stands_before(saved):
    path = saved(1)
    assert same(with_known(below("module.generator."), ["generator.head.weight"], path),
                below("generator."))  # fmt: skip
    assert with_known(below("module."), ["other"], path).keys() == below("module.").keys()


def test_the_fit_is_checked_under_the_networks_keys():
    assert same(check_fit(network(), below("module."), Path("x.pth")))


# Wrappers


@pytest.mark.parametrize(
    "wrapper",
    ["state_dict", "model", "model_state_dict", "net_g", "generator", "params", "params_ema", "ema",
     "weights", "something_new"],
)  # fmt: skip
def test_weights_are_taken_out_of_what_a_training_saved(saved, caplog, wrapper):
    path = saved({wrapper: STATE, **BESIDE, "iter": torch.tensor(7)})
    assert same(read_checkpoint(path))
    average = ", the moving average," if "ema" in wrapper else ""
    assert f"{path}: '{wrapper}'{average} is taken" in caplog.text


@pytest.mark.parametrize(
    "content",
    [
        {"model": {"state_dict": STATE}, **BESIDE},
        {"checkpoint": {"net": {"params": below("module.")}}},
        {"generator": STATE, "discriminator": OTHER},
        {"state_dict": {"generator": STATE, "discriminator": OTHER}},
        {"state_dict": STATE, "best": torch.tensor(3.0), "mean": torch.ones(3)},
        {"model": OTHER, "model_ema": STATE},
        {"params": OTHER, "ema": {"shadow": STATE}},
        {**STATE, **BESIDE},
        {**STATE, "step_counter": torch.tensor(5)},
        {"n_averaged": torch.tensor(9), **below("module.")},
        {**below("online_model.", OTHER), **below("ema_model."), "initted": torch.tensor(True)},
        {**below("generator."), **below("discriminator.", OTHER)},
        {**below("model."), "loss.vgg.0.weight": torch.ones(2)},
    ],
)
def test_the_network_is_found_wherever_it_lies(saved, content):
    model = network()
    path = saved(content)
    state = read_checkpoint(path)
    online = {k.replace("online_model.", ""): v for k, v in state.items()}
    load_strictly(model, online, path)
    assert same(model.state_dict())


def test_a_network_beside_its_moving_average_in_one_state(saved, caplog):
    both = {**below("generator.", OTHER), **below("generator_ema.")}
    path = saved({"meta": {}, "state_dict": {**both, "step_counter": torch.tensor(5)}})
    assert same(read_checkpoint(path), below("generator."))
    assert (
        "'generator_ema', the moving average, is taken; left out: 'generator', step_" in caplog.text
    )
    assert same(read_checkpoint(path, take="generator"), below("generator.", OTHER))
    assert same(read_checkpoint(path, take="generator_ema"), below("generator."))
    with pytest.raises(SrBenchError, match=r"generator_ema\..*none of them is"):
        read_checkpoint(path, take="critic")


def test_two_networks_without_a_telling_name_are_not_guessed_at(saved):
    path = saved({"small": STATE, "large": OTHER})
    error = refusal(path)
    for fact in ("holds 2 networks", "'small': 4 tensors, as head.weight", "take='NAME'"):
        assert fact in error
    assert same(read_checkpoint(path, take="large"), OTHER)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        ({"hyper": {"lr": 1}, "epoch": 3}, "the keys hyper (dictionary of 1: lr), epoch (int)"),
        ([STATE], "but a list"),
        ({}, "the keys (none)"),
        ({"state_dict": {}}, "state_dict (empty dictionary)"),
    ],
)
def test_a_file_without_tensors_is_refused_with_the_keys_it_has(saved, content, fact):
    assert fact in refusal(saved(content))


# Precision


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32_and_it_is_told(saved, caplog, dtype):
    state = {k: v.to(dtype) for k, v in STATE.items()} | {"n.count": torch.tensor([3])}
    read = read_checkpoint(saved(state))
    assert {k: v.dtype for k, v in read.items()} == {
        **dict.fromkeys(STATE, torch.float32),
        "n.count": torch.int64,
    }
    assert torch.equal(read["head.bias"], STATE["head.bias"].to(dtype).float())
    name = str(dtype).removeprefix("torch.")
    assert f"4 tensors converted from {name} to float32" in caplog.text


@pytest.mark.parametrize("odd", [torch.ones(2, dtype=torch.complex64), torch.eye(2).to_sparse()])
def test_tensors_that_would_lose_something_are_refused(saved, odd):
    assert "complex, quantized or sparse tensors: x (" in refusal(saved({**STATE, "x": odd}))


def test_nothing_is_told_of_plain_weights(saved, caplog):
    assert same(loaded(saved(STATE)))
    assert not caplog.text


# Files that are something else


@pytest.mark.parametrize("name", ["net.pth", "net.safetensors", "net"])
def test_safetensors_are_known_by_their_content(tmp_path, name):
    save_file(below("module."), tmp_path / name)
    assert same(loaded(tmp_path / name))


LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 5487156\n"


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (LFS.encode(), "a Git LFS pointer (72 bytes), not a checkpoint"),
        (b"\n <!doctype html><html><body>too large to scan</body>", "an HTML page (53 bytes)"),
        (b"", "an empty file (0 bytes)"),
        (b'{"message": "Not Found"}', "JSON text"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "an HDF5 file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "a PNG image"),
        (bytes(5000), "a file that begins with zeros"),
    ],
)
@pytest.mark.parametrize("name", ["net.pth", "net.safetensors"])
def test_a_file_of_another_kind_is_refused_by_what_it_is(tmp_path, content, fact, name):
    path = tmp_path / name
    path.write_bytes(content)
    assert fact in refusal(path)


def test_an_npz_a_zip_and_an_old_tar_are_refused_by_what_they_are(tmp_path):
    np.savez(tmp_path / "a.npz", first=np.ones(3), second=np.ones(2))
    assert "a NumPy archive (.npz) with first, second" in refusal(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as bundle:
        bundle.writestr("weights/net.pth", b"x")
    assert "a zip archive with weights/net.pth" in refusal(tmp_path / "a.zip")
    with tarfile.open(tmp_path / "a.tar", "w") as bundle:
        bundle.addfile(tarfile.TarInfo("storages"), io.BytesIO())
    assert "a tar archive, as PyTorch before 0.1.10" in refusal(tmp_path / "a.tar")


def test_a_torchscript_archive_is_refused_by_what_it_is(tmp_path):
    torch.jit.script(torch.nn.Linear(2, 2)).save(tmp_path / "net.pt")
    error = refusal(tmp_path / "net.pt")
    assert "a TorchScript archive" in error and "state_dict()" in error


class Settings:
    lr = 1


@pytest.mark.parametrize("modern", [False, True])
def test_a_pickled_model_is_refused_with_its_class(saved, modern):
    error = refusal(saved(network(), _use_new_zipfile_serialization=modern))
    assert "a whole model, pickled with its class: " in error
    assert "torch.nn.modules.container.ModuleDict" in error and "save its state_dict" in error


@pytest.mark.parametrize("modern", [False, True])
def test_objects_beside_the_weights_are_named_and_so_are_the_keys(saved, modern):
    content = {"state_dict": STATE, "args": Settings()}
    error = refusal(saved(content, _use_new_zipfile_serialization=modern))
    assert "it holds objects: " in error and "Settings" in error
    assert "its keys are head.weight, head.bias, body.0.weight, body.0.bias" in error


# MATLAB files


def test_structs_and_cells_are_read_by_nested_names(tmp_path, caplog):
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = np.ones((2, 3)), np.zeros(4)
    content = {
        "model": {"weight": cell, "note": "trained"},
        "many": np.array([(1.0,), (2.0,)], dtype=[("rate", object)]),
        "sparse": csc_matrix(np.eye(2)),
        "flag": np.array([True]),
    }
    savemat(tmp_path / "net.mat", content)
    arrays = read_mat(tmp_path / "net.mat")
    assert {k: v.shape for k, v in arrays.items()} == {
        "model.weight.1": (2, 3),
        "model.weight.2": (1, 4),
        "many.1.rate": (1, 1),
        "many.2.rate": (1, 1),
        "sparse": (2, 2),
        "flag": (1, 1),
    }
    assert arrays["many.2.rate"].item() == 2 and np.array_equal(arrays["sparse"], np.eye(2))
    assert "left out, since they aren't numeric: model.note (text)" in caplog.text


def test_the_published_vdsr_file_is_read():
    mirror = Path(os.environ.get(MIRROR, "/none")) / "raw.githubusercontent.com"
    found = list(mirror.glob("huangzehao/caffe-vdsr/*/Test/VDSR_Official.mat"))
    if not found:
        pytest.skip(f"VDSR_Official.mat is not in {MIRROR}")
    arrays = read_mat(found[0])
    assert len(arrays) == 40 and arrays["model.bias.20"].shape == (1, 1)


@pytest.mark.parametrize("value", [np.array([1 + 2j]), {"inner": np.array([3j])}])
def test_complex_numbers_are_refused(tmp_path, value):
    savemat(tmp_path / "net.mat", {"w": np.ones(2), "z": value})
    assert "complex numbers" in refusal(tmp_path / "net.mat", read_mat)


def mat_73(path):
    """A file as MATLAB 7.3 writes it: axes the other way round, cells as references."""
    with h5py.File(path, "w", userblock_size=512) as file:
        inner = file.create_group("#refs#")
        inner["a"], inner["b"] = np.arange(6.0).reshape(2, 3), np.array([[7.0]])
        cell = np.array([[inner["a"].ref], [inner["b"].ref]], dtype=h5py.ref_dtype)
        file.create_dataset("net/weights", data=cell)
        file["net/name"] = np.array([[ord(c)] for c in "conv"], np.uint16)
        file["net/name"].attrs["MATLAB_class"] = np.bytes_("char")
        file["net/none"] = np.zeros(2, np.uint64)
        file["net/none"].attrs["MATLAB_empty"] = 1
    content = bytearray(path.read_bytes())
    content[:38] = b"MATLAB 7.3 MAT-file, Platform: GLNXA64"
    path.write_bytes(content)


def test_a_mat_file_of_version_73_is_read_by_the_same_names(tmp_path, caplog):
    mat_73(tmp_path / "net.mat")
    arrays = read_mat(tmp_path / "net.mat")
    assert {k: v.shape for k, v in arrays.items()} == {
        "net.weights.1": (3, 2),
        "net.weights.2": (1, 1),
    }
    assert arrays["net.weights.1"][2, 1] == 5
    assert "left out, since they aren't numeric: net.name (text)" in caplog.text


def test_a_mat_file_of_version_73_without_h5py_is_refused_with_the_remedy(tmp_path, monkeypatch):
    mat_73(tmp_path / "net.mat")
    monkeypatch.setitem(sys.modules, "h5py", None)
    assert "pip install 'sr-bench[hdf5]'" in refusal(tmp_path / "net.mat", read_mat)


def test_a_damaged_mat_file_of_version_73_is_refused(tmp_path):
    head = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(64)
    (tmp_path / "net.mat").write_bytes(head)
    assert "not a readable MATLAB file of version 7.3" in refusal(tmp_path / "net.mat", read_mat)


# Caffe's files


def test_a_caffemodel_comes_back_as_it_was_written(tmp_path):
    write_caffemodel(tmp_path / "net.caffemodel", STATE)
    read = read_caffemodel(tmp_path / "net.caffemodel")
    assert list(read) == list(STATE)
    assert all(torch.equal(read[k], v) for k, v in STATE.items())


def test_a_caffemodel_with_other_fields_and_a_shape_of_four_numbers_is_read(tmp_path):
    data = np.arange(6, dtype="<f4").tobytes()
    blob = bytes([8, 1, 16, 1, 24, 2, 32, 3, 42, 24]) + data  # num, channels, height, width, data
    layer = (
        b"\x0a\x03abc\x12\x01X\x55\0\0\0\0" + bytes([58, len(blob)]) + blob
    )  # name, type, a float
    path = tmp_path / "net.caffemodel"
    path.write_bytes(b"\x0a\x01n" + bytes([162, 6, len(layer)]) + layer)
    (key, value), *others = read_caffemodel(path).items()
    assert (key, tuple(value.shape), others) == ("abc.weight", (1, 1, 2, 3), [])
    assert value.flatten().tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (lambda whole: whole[:-3], "cut off?"),
        (lambda whole: b"<html>" + b"x" * 300, "it is an HTML page"),
        (lambda whole: b"", "without layers that have weights"),
    ],
)
def test_what_is_no_caffemodel_is_refused(content, fact, tmp_path):
    path = tmp_path / "net.caffemodel"
    write_caffemodel(path, STATE)
    path.write_bytes(content(path.read_bytes()))
    assert fact in refusal(path, read_caffemodel)
    assert "no such file" in refusal(tmp_path / "none.caffemodel", read_caffemodel)


def test_a_page_saved_as_a_mat_file_is_refused_by_what_it_is(tmp_path):
    (tmp_path / "net.mat").write_bytes(b"<html>" + b"x" * 300)
    assert "it is an HTML page" in refusal(tmp_path / "net.mat", read_mat)


# sr-bench keys FILE


def test_keys_lists_any_checkpoint_outside_a_project_too(cli, saved, tmp_path, caplog):
    path = saved({"params": STATE, "params_ema": {"w": torch.ones(2, 5).half()}})
    out, _ = cli(["keys", path], cwd=tmp_path)
    assert "(2, 5)" in out and "1 tensors" in out
    assert "'params_ema', the moving average, is taken (to take another: 'params')" in caplog.text
    out, _ = cli(["keys", path, "--take", "params", "--json"], cwd=tmp_path)
    assert out.count('"key"') == 4 and '"head.weight"' in out


def test_keys_lists_a_mat_file_and_refuses_other_words(cli, saved, tmp_path):
    savemat(tmp_path / "net.mat", {"w": np.ones((2, 3))})
    out, _ = cli(["keys", tmp_path / "net.mat"], cwd=tmp_path)
    assert "(2, 3)" in out and "float64" in out
    _, err = cli(["keys", "edsr", saved(STATE)], 2, cwd=tmp_path)
    assert "METHOD VARIANT SCALE FILE" in err
    _, err = cli(["keys", tmp_path / "none.pth"], 1, cwd=tmp_path)
    assert "none.pth" in err


@pytest.mark.parametrize("modern", [False, True])
def test_tensors_of_a_gpu_are_read_on_the_cpu_and_it_is_told(saved, caplog, monkeypatch, modern):
    monkeypatch.setattr(torch.serialization, "location_tag", lambda storage: "cuda:1")
    path = saved(STATE, _use_new_zipfile_serialization=modern)
    assert same(loaded(path))
    assert "tensors of cuda:1 are taken to the CPU" in caplog.text
