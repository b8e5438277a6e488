"""params.yaml: what is accepted, and how each mistake is told."""

import pytest

from sr_bench.errors import SrBenchError, WrongUse
from sr_bench.project import Project, Run, require_project

GOOD = {
    "methods": "[methods]",
    "ledger": "null",
    "fetch": "[Set5]",
    "protocols": "{edsr-2017: [Set5], srcnn-2015: [Set5]}",
    "runs": "{bicubic-x2: {method: bicubic, scale: 2, protocols: [edsr-2017]}}",
}


@pytest.fixture
def load(tmp_path):
    """``load(text)`` or ``load(key=value)``, which changes the good params."""

    def make(text=None, **changes):
        entries = (GOOD | changes).items()
        text = text if text is not None else "".join(f"{k}: {v}\n" for k, v in entries)
        (tmp_path / "params.yaml").write_text(text)
        return Project.load(tmp_path)

    return make


def runs(entry, name="bicubic-x2"):
    return f"{{{name}: {entry}}}"


def refused(load, *expected, text=None, **changes):
    with pytest.raises(WrongUse) as caught:
        load(text, **changes)
    message = str(caught.value)
    for fact in ("params.yaml: ", *expected):
        assert fact in message
    assert "Traceback" not in message and "pydantic" not in message


def test_good_params_and_their_paths(load, tmp_path):
    project = load()
    run = project.run("bicubic-x2")
    assert run == Run(method="bicubic", scale=2, protocols=("edsr-2017",))
    assert project.datasets(run) == {"Set5": ["edsr-2017"]}
    assert project.method_folders == [tmp_path / "methods"]
    assert project.manifest("Set5") == tmp_path / "build/manifests/Set5.json"
    assert project.scores("bicubic-x2") == tmp_path / "build/scores/bicubic-x2.csv"
    assert project.sr("a", "b", "c") == tmp_path / "build/sr/a/b/c"


def test_a_dataset_lists_the_protocols_it_is_scored_under(load):
    entry = "{method: bicubic, scale: 2, protocols: [srcnn-2015, edsr-2017]}"
    project = load(protocols="{edsr-2017: [Set5, Set14], srcnn-2015: [Set5]}", runs=runs(entry))
    run = project.run("bicubic-x2")
    assert project.datasets(run) == {"Set5": ["srcnn-2015", "edsr-2017"], "Set14": ["edsr-2017"]}
    assert project.images_of(run) == 5 * 2 + 14


def test_a_run_is_named_after_what_it_is():
    full = Run(method="srcnn", variant="9-5-5", weights="author", scale=3, protocols=("x",))
    assert (full.family, full.name) == ("srcnn-9-5-5-author", "srcnn-9-5-5-author-x3")


def test_anchors_and_merges_still_work(load):
    text = "".join(f"{k}: {v}\n" for k, v in GOOD.items() if k != "runs") + (
        "runs:\n"
        "  bicubic-x2: &two {method: bicubic, scale: 2, protocols: &all [edsr-2017]}\n"
        "  bicubic-x3: {<<: *two, scale: 3}\n"
        "  bicubic-x4: {method: bicubic, scale: 4, protocols: *all}\n"
    )
    assert [r.scale for r in load(text).params.runs.values()] == [2, 3, 4]


def test_a_missing_file_says_where_to_be(tmp_path):
    with pytest.raises(WrongUse, match=r"params\.yaml: no such file; run this in a project folder"):
        Project.load(tmp_path)


@pytest.mark.parametrize("text", ["a: b: c", "runs: [", "\ttab", "x: *nobody", "{[1]: 2}"])
def test_what_is_not_yaml(load, text):
    refused(load, "not YAML: ", ", line ", text=text)


def test_what_is_not_text(load, tmp_path):
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00runs")
    with pytest.raises(WrongUse, match=r"params\.yaml: not YAML: .*utf-8"):
        Project.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[1, 2]", "only words"])
def test_yaml_that_is_no_mapping(load, text):
    refused(load, "the file: ", "correct it", text=text)


def test_an_unknown_key(load):
    refused(load, "unknown key 'shuffle' (value True); remove or rename it", shuffle="true")
    entry = "{method: bicubic, scale: 2, protocols: [edsr-2017], sclae: 3}"
    refused(load, "unknown key 'runs.bicubic-x2.sclae' (value 3)", runs=runs(entry))


def test_a_missing_key(load):
    refused(load, "'runs.bicubic-x2.method' is missing", runs=runs("{scale: 2, protocols: [a]}"))


def test_a_run_given_twice(load):
    entry = "{method: bicubic, scale: 2, protocols: [edsr-2017]}"
    refused(
        load,
        "key 'bicubic-x2' is given first",
        "and again",
        "line 5",
        runs=f"{{bicubic-x2: {entry}, bicubic-x2: {entry}}}",
    )


@pytest.mark.parametrize("scale", ["5", "1", "2.5", "two", "[2]", "null"])
def test_a_wrong_scale(load, scale):
    entry = f"{{method: bicubic, scale: {scale}, protocols: [edsr-2017]}}"
    refused(load, "runs.bicubic-x2.scale: Input should be 2, 3 or 4, but it is", runs=runs(entry))


def test_a_name_that_disagrees_with_its_entry(load):
    entry = "{method: bicubic, scale: 3, protocols: [edsr-2017]}"
    refused(load, "'bicubic-x2'", "'bicubic-x3'", "rename it", runs=runs(entry))


def test_unknown_names_suggest_near_ones(load):
    refused(load, "unknown dataset or weights 'Set51'", "Set5", fetch="[Set51]")
    refused(load, "'edsr-2018'", "edsr-2017", protocols="{edsr-2018: [Set5]}")
    refused(load, "'Sett14'", "Set14", protocols="{edsr-2017: [Sett14]}")


def test_a_protocol_that_params_do_not_list(load):
    entry = "{method: bicubic, scale: 2, protocols: [edsr-div2k]}"
    with pytest.raises(WrongUse, match=r"'edsr-div2k' in .*params\.yaml: runs\.bicubic-x2.*edsr"):
        load(runs=runs(entry))


def test_names_given_twice_would_count_images_twice(load):
    entry = "{method: bicubic, scale: 2, protocols: [edsr-2017, edsr-2017]}"
    refused(load, "'edsr-2017' is named 2 times", runs=runs(entry))
    refused(load, "'Set5' is named 2 times", protocols="{edsr-2017: [Set5, Set5]}")


def test_nothing_to_score_is_an_error(load):
    entry = "{method: bicubic, scale: 2, protocols: []}"
    refused(load, "runs.bicubic-x2.protocols: ", runs=runs(entry))
    refused(load, "protocols.edsr-2017: ", protocols="{edsr-2017: []}")


def test_weights_are_no_dataset(load):
    refused(
        load,
        "edsr-2017: SRCNN-author-weights holds weights",
        protocols="{edsr-2017: [SRCNN-author-weights]}",
    )


def test_every_mistake_is_told_at_once(load):
    refused(load, "unknown key 'a'", "unknown key 'b'", a="1", b="2")


def test_an_unknown_run_suggests_near_ones(load):
    with pytest.raises(WrongUse, match=r"unknown run 'bicubic-x5' in .*did you mean bicubic-x2"):
        load().run("bicubic-x5")


def test_a_project_without_runs(load, tmp_path):
    load(runs="{}")
    with pytest.raises(SrBenchError, match=r"params\.yaml: runs is empty"):
        require_project(tmp_path)
