"""params.yaml: what is accepted, and how each mistake is told."""

from pathlib import Path

import pytest

from sr_bench.data.catalogue.protocols import find_protocol
from sr_bench.project.entries import Run, TrainEntry
from sr_bench.project.project import Project, require_project
from sr_bench.support.errors import SrBenchError, WrongUse

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
    assert project.datasets(run) == {"Set5": [find_protocol("edsr-2017")]}
    assert project.method_folders == [tmp_path / "methods"]
    assert project.manifest("Set5") == tmp_path / "build/manifests/Set5.json"
    assert project.scores("bicubic-x2") == tmp_path / "build/scores/bicubic-x2.csv"
    assert project.sr("a", "b", "c") == tmp_path / "build/sr/a/b/c"


def test_a_dataset_lists_the_protocols_it_is_scored_under(load):
    entry = "{method: bicubic, scale: 2, protocols: [srcnn-2015, edsr-2017]}"
    project = load(protocols="{edsr-2017: [Set5, Set14], srcnn-2015: [Set5]}", runs=runs(entry))
    run = project.run("bicubic-x2")
    srcnn, edsr = map(find_protocol, ("srcnn-2015", "edsr-2017"))
    assert project.datasets(run) == {"Set5": [srcnn, edsr], "Set14": [edsr]}
    assert project.images_of(run) == 5 * 2 + 14


def test_a_run_is_named_after_what_it_is():
    full = Run(method="srcnn", variant="9-5-5", weights="author", scale=3, protocols=("edsr-2017",))
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


@pytest.mark.parametrize("scale", ["9", "1", "2.5", "two", "[2]", "null"])
def test_a_wrong_scale(load, scale):
    entry = f"{{method: bicubic, scale: {scale}, protocols: [edsr-2017]}}"
    refused(load, "runs.bicubic-x2.scale: Input should be", runs=runs(entry))


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


# Trainings


X2 = "srcnn-9-1-5-sr-bench-t91-x2"
SRCNN = "{method: srcnn, variant: 9-1-5, recipe: fast, data: T91, scales: [2]}"
WARM = SRCNN.replace("[2]}", f"[3], start: {X2}}}")


def trainings(entry=SRCNN, name=X2):
    return f"{{{name}: {entry}}}"


def test_trainings_and_their_paths(load, tmp_path):
    project = load(train=trainings(), train_warm=trainings(WARM, X2.replace("x2", "x3")))
    assert list(project.trainings) == [X2, X2.replace("x2", "x3")]
    assert project.training(X2).scales == (2,)
    assert project.trained(X2) == tmp_path / f"methods/weights/{X2}.safetensors"
    assert project.checkpoint(X2) == tmp_path / f"methods/checkpoints/{X2}.safetensors"
    assert project.training_log(X2) == tmp_path / f"methods/logs/{X2}"
    assert load().trainings == {}


@pytest.mark.parametrize(
    ("data", "scales", "name"),
    [
        ("T91", (3,), "mdsr-full-sr-bench-t91-x3"),
        ("Open591", (2, 3, 4), "mdsr-full-sr-bench-open591"),
        ("DIV2K-train", (4,), "mdsr-full-sr-bench-div2k-x4"),
    ],
)
def test_a_training_is_named_after_what_it_makes(data, scales, name):
    entry = TrainEntry(method="mdsr", variant="full", recipe="fast", data=data, scales=scales)
    assert entry.name == name


def test_an_unknown_training_suggests_near_ones(load):
    with pytest.raises(WrongUse, match=rf"unknown training '{X2}x' in .*did you mean {X2}"):
        load(train=trainings()).training(X2 + "x")


def test_a_training_whose_name_disagrees(load):
    for name in (X2.replace("x2", "x3"), X2.replace("t91", "open591"), "mine"):
        refused(load, f"is called '{name}'", f"'{X2}'", "rename it", train=trainings(name=name))


@pytest.mark.parametrize(
    ("change", "fact"),
    [
        (("scales: [2]", "scales: [9]"), "scales.0: Input should be less than or equal to 8, but"),
        (("scales: [2]", "scales: []"), "scales: "),
        (("recipe: fast, ", ""), f"'train.{X2}.recipe' is missing"),
        (("recipe: fast", "recipe: fast, steps: 5"), f"unknown key 'train.{X2}.steps'"),
    ],
)
def test_a_training_that_cannot_be(load, change, fact):
    refused(load, fact, train=trainings(SRCNN.replace(*change)))


def test_weights_are_nothing_to_train_on(load):
    data = "SRCNN-author-weights"
    name = f"srcnn-9-1-5-sr-bench-{data.lower()}-x2"
    facts = (f"{name}: {data} holds weights; name a dataset", "train: ")
    refused(load, *facts, train=trainings(SRCNN.replace("T91", data), name))
    name = name.replace(data.lower(), "t92")
    refused(load, "'T92'", "T91", train=trainings(SRCNN.replace("T91", "T92"), name))


def test_a_warm_training_names_its_start_and_a_cold_one_does_not(load):
    refused(load, f"{X2}: start is None", "move it or correct it", train_warm=trainings())
    name = X2.replace("x2", "x3")
    refused(load, f"{name}: start is '{X2}'", "move it", train=trainings(WARM, name))


JOINED = SRCNN.replace("[2]}", f"[2, 3, 4], start: [{X2}, {X2}-a, {X2}-b]}}")


def test_a_joined_training_starts_from_three(load):
    name = X2.removesuffix("-x2")
    tagged = {f"{X2}-{tag}": SRCNN.replace("[2]}", f"[2], tag: {tag}}}") for tag in "ab"}
    cold = f"{{{X2}: {SRCNN}, {', '.join(f'{k}: {v}' for k, v in tagged.items())}}}"
    found = load(train=cold, train_joined=trainings(JOINED, name)).training(name)
    assert found.starts == (X2, f"{X2}-a", f"{X2}-b")
    two = JOINED.replace(f", {X2}-b]", "]")
    refused(
        load, f"{name}: start is ('{X2}'", "three", train=cold, train_joined=trainings(two, name)
    )
    refused(load, f"{name}: start is", train=cold, train_warm=trainings(JOINED, name))
    facts = f"unknown training '{X2}-c' in {name}: start"
    wrong = JOINED.replace("-b]", "-c]")
    refused(load, facts, train=cold, train_joined=trainings(wrong, name))


def test_a_start_that_no_entry_trains(load):
    name = X2.replace("x2", "x3")
    wrong = WARM.replace("t91", "t19")
    facts = (f"unknown training '{X2.replace('t91', 't19')}' in {name}: start", X2)
    refused(load, *facts, train=trainings(), train_warm=trainings(wrong, name))


def test_a_start_is_another_training(load):
    own = SRCNN.replace("[2]}", f"[2], start: {X2}}}")
    refused(load, f"{X2}: start", train_warm=trainings(own))


def test_the_training_of_a_run(load):
    entry = (
        "{{method: srcnn, variant: {}, weights: sr-bench-t91, scale: {}, protocols: [edsr-2017]}}"
    )
    names = ("srcnn-9-1-5-sr-bench-t91-x2", "srcnn-9-1-5+-sr-bench-t91-x2")
    good = ", ".join(f"{n}: {entry.format(n.split('-sr')[0][6:], 2)}" for n in names)
    project = load(runs=f"{{{good}}}", train=trainings())
    assert [project.training_of(project.run(n)) for n in names] == [X2, X2]
    name = "srcnn-9-1-5-sr-bench-t91-x3"
    project = load(runs=runs(entry.format("9-1-5", 3), name), train=trainings())
    with pytest.raises(WrongUse, match=rf"weights 'sr-bench-t91' in .*params\.yaml: runs\.{name}"):
        project.training_of(project.run(name))


def test_a_run_uses_the_training_that_its_origin_names(load):
    longer, more = f"{X2}-longer", SRCNN.replace("[2]}", f"[2], start: {X2}, tag: longer}}")
    entry = (
        "{{method: srcnn, variant: 9-1-5, weights: sr-bench-t91, scale: 2, "
        "origin: methods/weights/{}.safetensors, protocols: [edsr-2017]}}"
    )
    for training in (X2, longer):
        given = runs(entry.format(training), X2)
        project = load(runs=given, train=trainings(), train_warm=trainings(more, longer))
        assert project.training_of(project.run(X2)) == training


def test_a_tag_is_part_of_the_name(load):
    tagged = SRCNN.replace("[2]}", "[2], tag: longer}")
    refused(load, f"'{X2}'", f"{X2}-longer", "rename it", train=trainings(tagged))
    refused(load, "tag", train=trainings(tagged.replace("longer", "No/Way")))


def test_the_origin_of_a_run_agrees_with_its_weights():
    root = Path(__file__).resolve().parent.parent
    project = Project.load(root)
    for name, run in project.params.runs.items():
        assert run.origin is not None, name
        assert (root / run.origin).is_file() or run.origin.startswith("methods/weights/"), name


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("origin: sr_bench/data/catalogue/sources.yaml", "origin: methods/weights/a.safetensors"),
        ("origin: sr_bench/data/catalogue/sources.yaml", "origin: sources.yaml"),
    ],
)
def test_a_wrong_origin_is_refused(tmp_path, old, new):
    text = (
        "methods: [methods]\nledger: null\nfetch: []\nprotocols: {edsr-2017: [Set5]}\nruns:\n"
        "  bicubic-x2: {method: bicubic, origin: sr_bench/data/catalogue/sources.yaml, scale: 2,"
        " protocols: [edsr-2017]}\n"
    )
    (tmp_path / "params.yaml").write_text(text)
    Project.load(tmp_path)
    (tmp_path / "params.yaml").write_text(text.replace(old, new))
    fact = "weights 'none' come from sr_bench/data/catalogue/sources.yaml"
    with pytest.raises(WrongUse, match=fact):
        Project.load(tmp_path)


@pytest.mark.parametrize(
    ("figure", "fact"),
    [
        ("scale: 3, protocol: edsr-2017", "run bicubic-x2 is of scale 2, the figure is of scale 3"),
        (
            "scale: 2, protocol: basicsr-y",
            "bicubic-x2 is not scored under basicsr-y, but under edsr-2017",
        ),
        (
            "scale: 2, protocol: edsr-2017",
            r"Set14 is not among the datasets of edsr-2017 \(Set5\)",
        ),
    ],
)
def test_a_figure_of_what_is_not_scored_is_refused_at_once(tmp_path, figure, fact):
    (tmp_path / "params.yaml").write_text(
        "methods: [methods]\nledger: null\nfetch: []\n"
        "protocols: {edsr-2017: [Set5], basicsr-y: [Set5]}\n"
        "runs: {bicubic-x2: {method: bicubic, scale: 2, protocols: [edsr-2017]}}\n"
        f"figures: {{a: {{image: Set14/zebra, runs: [bicubic-x2], {figure}}}}}\n"
    )
    with pytest.raises(WrongUse, match=rf"params\.yaml: figures\.a: {fact}"):
        Project.load(tmp_path)


@pytest.mark.parametrize("text", ["[" * 10_000, "{a: " * 100_000, "a: &a [*a]\n"])
def test_params_that_are_endless_as_data_are_refused(tmp_path, text):
    (tmp_path / "params.yaml").write_text(text)
    with pytest.raises(WrongUse, match="not YAML"):
        Project.load(tmp_path)
