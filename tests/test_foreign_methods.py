"""Weights of the registered methods, opened as files: what they are follows from their content."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from sr_bench.data.catalogue.sources import Source, SourceFile, Sources
from sr_bench.networks.inference import Upscaler
from sr_bench.networks.method import Method, Published
from sr_bench.networks.method_files import method_files
from sr_bench.networks.opened import OpenOptions, open_model
from sr_bench.networks.weights import load_strictly, read_checkpoint
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.support.files import sha256

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "methods/weights"
EDSR = WEIGHTS / "edsr-baseline-sr-bench-open690-x2.safetensors"
MDSR = WEIGHTS / "mdsr-baseline-sr-bench-open690.safetensors"
METHODS = method_files([ROOT / "methods"])


def opened(spec, **options):
    return open_model(str(spec), methods=METHODS, options=OpenOptions(**options))


def mmediting_state():
    """EDSR's weights under the keys that mmediting gives them."""
    names = {"head.0": "conv_first", "body.16": "conv_after_body", "tail.1": "conv_last"}
    names |= {"tail.0.0": "upsample.0.upsample_conv"}
    state = {}
    for key, value in load_file(EDSR).items():
        layer, _, kind = key.rpartition(".")
        name = names.get(layer, layer.replace(".body.0", ".conv1").replace(".body.2", ".conv2"))
        state[f"{name}.{kind}"] = value
    return state


def same_as_edsr(model):
    lr = torch.rand(1, 3, 9, 11, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return torch.equal(model(lr), opened(EDSR).model(lr))


def test_weights_that_were_trained_here_say_what_they_are():
    found = opened(EDSR)
    assert (found.scale, found.origin, found.name) == (2, "method edsr baseline x2", EDSR.stem)
    assert found.sha256 and not found.notes and not found.options
    assert found.model.colour == "rgb" and found.model.reach > 30


def test_published_weights_are_known_by_their_hash(real):
    paths = [p for p in real("SRCNN-author-weights") if p.match("9-1-5(ImageNet)/x3.mat")]
    found = opened(paths[0])
    assert (found.scale, found.origin) == (3, "method srcnn 9-1-5 x3, weights author-imagenet")


def test_a_project_s_own_sources_know_weights_by_their_hash(tmp_path):
    path = tmp_path / "mine.safetensors"
    path.write_bytes(EDSR.read_bytes())
    published = {("baseline", "mine", 2): Published("of-mine", "net/mine.safetensors")}
    file, method = METHODS["edsr"]
    known = SourceFile("net/mine.safetensors", path.stat().st_size, sha256(path), ())
    group = Source("of-mine", "weights", "t", "l", "f", (known,))
    sources = Sources({"of-mine": {}}, {}, {"of-mine": group})
    methods = {"edsr": (file, replace(method, published=published))}

    def origin(options):
        return open_model(str(path), methods=methods, options=options).origin

    assert origin(OpenOptions(sources=sources)) == "method edsr baseline x2, weights mine"
    assert origin(OpenOptions()) == "method edsr baseline x2"


@pytest.mark.parametrize(
    ("wrapper", "prefix"),
    [("params", ""), ("params_ema", "module."), ("state_dict", "_orig_mod."), ("net_g", "module.")],
)
def test_wrapped_weights_are_known_by_keys_and_shapes(tmp_path, wrapper, prefix):
    path = tmp_path / "mine.pth"
    state = {f"{prefix}generator.{k}": v.bfloat16() for k, v in mmediting_state().items()}
    torch.save({wrapper: state, "optimizer": {"state": {}}, "epoch": 3}, path)
    found = opened(path)
    assert found.origin == "method edsr baseline x2" and found.scale == 2
    told = "; ".join(found.notes)
    assert f"'{wrapper}'" in told and "bfloat16" in told and (not prefix or prefix in told)


def test_several_scales_in_one_file_need_the_scale():
    with pytest.raises(WrongUse, match="x2, x3, x4; name one"):
        opened(MDSR)
    assert opened(MDSR, scale=3).origin == "method mdsr baseline x3"


def test_another_scale_than_asked_for_is_refused_with_both():
    with pytest.raises(WrongUse, match="is edsr baseline x2, but the scale asked for is 4"):
        opened(EDSR, scale=4)


def test_weights_that_fit_several_methods_are_not_guessed_at(tmp_path):
    path = tmp_path / "three.safetensors"
    source = WEIGHTS / "srcnn-9-1-5-rgb-sr-bench-t91-x3.safetensors"
    save_file(load_file(source), path)  # without the facts of its header
    with pytest.raises(WrongUse, match="fits srcnn 9-1-5-rgb, srcnn 9-1-5-ycbcr, all alike"):
        opened(path, scale=3)
    assert opened(f"srcnn:9-1-5-ycbcr={path}", scale=3).model.colour == "ycbcr"


def test_a_file_that_does_not_fit_the_method_that_is_named():
    with pytest.raises(SrBenchError, match=r"isn't weights of edsr full.*\(256, 3, 3, 3\)"):
        opened(f"edsr:full={EDSR}")
    assert same_as_edsr(opened(f"edsr={EDSR}").model)


def test_a_method_without_weights_is_opened_by_its_name():
    found = opened("bicubic", scale=3)
    assert (found.scale, found.origin, found.sha256) == (3, "method bicubic x3", None)
    sr = Upscaler(found.name, found.model, OpenOptions().made_by, 3).enlarger.called
    assert sr(torch.rand(1, 5, 4).numpy()).shape == (1, 15, 12)
    with pytest.raises(WrongUse, match="name one"):
        opened("bicubic")
    with pytest.raises(WrongUse, match="edsr=FILE"):
        opened("edsr")


def test_the_degradation_reaches_a_method_that_enlarges_inside():
    from sr_bench.data.catalogue.protocols import find_protocol

    degradation = find_protocol("srcnn-2015").degradation
    assert opened("bicubic", scale=2, degradation=degradation).model.border == "replicate"


def method_without_key_map(published):
    """A method whose network is the same at every scale, and whose weights are read by load."""

    def load(setup):
        calls.append((setup.variant, setup.scale))
        network = torch.nn.Conv2d(1, 1, 3)
        load_strictly(network, read_checkpoint(setup.file), setup.file)
        network.colour = "y"
        return network.eval()

    calls = []
    method = Method(name="flat", load=load, reference="made up", published=published)
    return {"flat": (Path("flat.py"), method)}, calls


def test_a_method_without_a_map_of_keys_is_tried_at_the_scales_that_it_has(tmp_path):
    path = tmp_path / "flat.pth"
    torch.save({"params": torch.nn.Conv2d(1, 1, 3).state_dict()}, path)
    published = {("", "author", s): Published("nowhere", f"x{s}.pth") for s in (2, 3)}
    methods, calls = method_without_key_map(published)
    with pytest.raises(WrongUse, match="flat of the scales x2, x3; name one"):
        open_model(str(path), methods=methods, options=OpenOptions())
    assert {scale for _, scale in calls} == {2, 3}
    calls.clear()
    found = open_model(str(path), methods=methods, options=OpenOptions(scale=5))
    assert found.origin == "method flat x5" and {scale for _, scale in calls} == {5}
    assert "'params' is taken" in found.notes


def test_a_file_is_read_once_for_all_trials(tmp_path, monkeypatch):
    path = tmp_path / "mine.pth"
    torch.save({"params": mmediting_state()}, path)
    reads = []
    real_load = torch.load
    monkeypatch.setattr(torch, "load", lambda *a, **k: reads.append(a) or real_load(*a, **k))
    assert opened(path).origin == "method edsr baseline x2"
    assert len(reads) == 1


def test_notices_go_to_the_notes_alone(tmp_path, caplog):
    path = tmp_path / "mine.pth"
    torch.save({"params": mmediting_state()}, path)
    assert opened(path).notes and not caplog.records
