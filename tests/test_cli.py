"""The command line: exit statuses, messages, --json, and that nothing is lost on the way out."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from PIL import Image

from sr_bench import __version__
from sr_bench.cli.app import app
from sr_bench.cli.lazy import COMMANDS
from sr_bench.data.catalogue.protocols import find_protocol, load_protocols
from sr_bench.data.catalogue.sources import find_source, load_sources
from sr_bench.imaging import images
from sr_bench.imaging.degrade import degrade
from sr_bench.support.errors import unknown

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = Path(sys.executable).with_name("sr-bench")


@pytest.fixture
def refused(cli):
    """``refused(words, status, *facts)``: ends so, in one message that has all the facts."""

    def run(words, status, *facts, cwd=None):
        out, err = cli(words, status, cwd)
        assert out == ""
        assert ("\n" + err).count("\nerror: ") == 1
        assert "Traceback" not in err
        for fact in facts:
            assert str(fact) in err

    return run


def script(*words, cwd):
    return subprocess.run(
        [SCRIPT, *map(str, words)], cwd=cwd, capture_output=True, text=True, check=False
    )


@pytest.fixture
def folders(tmp_path, picture):
    """hr/ with a.png (RGB, which 4 doesn't divide) and b.png (gray); sr/ that fits at scale 4."""
    for name, shape in (("a", (49, 62, 3)), ("b", (48, 60))):
        hr = picture(*shape)
        images.write(tmp_path / "hr" / f"{name}.png", hr)
        images.write(tmp_path / "sr" / f"{name}_x4.png", hr[:48, :60])
    return tmp_path


def scoring(protocol="edsr-2017", scale="4"):
    return ["score", "--sr", "sr", "--hr", "hr", "--scale", scale, "--protocol", protocol]


# The script itself


def test_the_script_ends_with_0_1_and_2_and_never_a_traceback(folders):
    good = script(*scoring(), cwd=folders)
    assert (good.returncode, "signature: protocol:edsr-2017" in good.stdout) == (0, True)
    wrong = script(*scoring("edsr-2018"), cwd=folders)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "error: unknown protocol 'edsr-2018' in" in wrong.stderr
    (folders / "sr" / "a_x4.png").unlink()
    failed = script(*scoring(), cwd=folders)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert "error: sr (1 images) doesn't pair with hr (2 images)" in failed.stderr
    assert "Traceback" not in wrong.stderr + failed.stderr


def test_scoring_degrading_and_fetching_load_no_torch(folders):
    code = (
        "import sys\n"
        "from sr_bench.cli import main\n"
        "import sr_bench.data.datasets.fetch, sr_bench.evaluation.scoring.run\n"
        "import sr_bench.data.datasets.manifest, sr_bench.analysis.drift\n"
        f"sys.argv = ['sr-bench', *{[str(w) for w in scoring('srcnn-2015')]!r}]\n"
        "main.__globals__['app'](standalone_mode=False)\n"
        "assert 'sr_bench.evaluation.metrics.ssim' in sys.modules\n"
        "assert 'torch' not in sys.modules, 'torch was loaded'\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folders, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_version_and_help(cli):
    assert cli(["--version"])[0] == f"sr-bench {__version__}\n"
    for command in ("fetch", "upscale", "degrade", "score", "report", "check", "list"):
        assert "Usage" in cli([command, "--help"])[0]


@pytest.mark.parametrize(
    "words",
    [
        ["scor"],
        ["score", "--protocl", "x"],
        ["list", "things"],
        scoring(scale="9"),
        scoring(scale="1"),
        scoring(scale="four"),
        ["degrade", "--hr", "hr"],
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_2(cli, folders, words):
    _, err = cli(words, 2, cwd=folders)
    assert "Error" in err
    assert "Traceback" not in err


# list


@pytest.mark.parametrize(
    ("what", "names"), [("protocols", load_protocols().protocols), ("sources", load_sources())]
)
def test_lists_parse_and_are_complete(cli, what, names):
    rows = json.loads(cli(["list", what, "--json"])[0])
    assert [next(iter(row.values())) for row in rows] == list(names)
    assert what in cli(["list", what])[0]


def test_list_runs_and_methods_of_a_project(cli, project):
    rows = json.loads(cli(["list", "runs", "--json"], cwd=project)[0])
    facts = {"method": "bicubic", "variant": "", "weights": "none", "scale": 2}
    assert rows == [{"run": "bicubic-x2", **facts, "protocols": ["edsr-2017", "srcnn-2015"]}]
    assert "edsr-2017, srcnn-2015" in cli(["list", "runs"])[0]
    rows = json.loads(cli(["list", "methods", "--json"], cwd=project)[0])
    srcnn = next(row for row in rows if row["method"] == "srcnn")
    assert srcnn["weights"] == ["author-t91", "author-imagenet", "mmediting"]
    assert srcnn["title"] == "SRCNN" and "9-5-5" in srcnn["variants"]


def test_an_error_does_not_list_dozens_of_names():
    error = str(unknown("run", "zzz", [f"a{i:02}" for i in range(41)], where="params.yaml"))
    assert error.endswith("known: " + ", ".join(f"a{i:02}" for i in range(12)) + " and 29 more")
    few = str(unknown("run", "zzz", ["a", "b"], where="params.yaml"))
    assert few.endswith("known: a, b")


def test_help_groups_the_commands_and_each_word_has_a_help_text(cli):
    out = cli(["--help"])[0]
    places = [out.index(f"─ {panel} ─") for panel in COMMANDS]
    assert places == sorted(places) and "─ Commands ─" not in out
    for name, command in typer.main.get_command(app).commands.items():
        assert any(name in commands for commands in COMMANDS.values())
        texts = [command.help, *(p.help for p in command.params)]
        assert all(texts), name
        assert "[" not in "".join(texts), f"{name}: [brackets] are markup, and not printed"


def test_the_list_of_commands_says_what_each_command_says_and_imports_none(cli):
    code = (
        "import sys\n"
        "from sr_bench.cli import main\n"
        "sys.argv = ['sr-bench', '--help']\n"
        "main.__globals__['app'](standalone_mode=False)\n"
        "heavy = {'torch', 'numpy', 'pandas', 'scipy', 'skimage', 'pydantic', 'requests'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    listed = "".join(re.findall(r"\w+", done.stdout))
    for command in typer.main.get_command(app).commands.values():
        first = command.help.partition("\n\n")[0]
        assert "".join(re.findall(r"\w+", first)) in listed


@pytest.mark.parametrize("words", [["-h"], ["list", "-h"], ["score", "--help"]])
def test_help_by_its_short_name_too(cli, words):
    assert "Usage: " in cli(words)[0]


def test_python_m_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "sr_bench", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"sr-bench {__version__}\n"


# score


def test_score_as_json_holds_images_means_and_signature(cli, folders, picture):
    noisy = np.clip(images.read(folders / "hr/b.png").astype(int) + 5, 0, 255).astype(np.uint8)
    images.write(folders / "sr" / "b_x4.png", noisy)
    scores = json.loads(cli([*scoring(), "--json"], cwd=folders)[0])
    assert scores["signature"] == find_protocol("edsr-2017").signature
    a, b = scores["images"]
    assert (a["image"], a["sr"], a["hr"]) == ("a", "sr/a_x4.png", "hr/a.png")
    assert float(a["psnr"]) == float("inf")
    assert 30 < b["psnr"] < 40
    assert scores["mean"]["ssim"] == pytest.approx((a["ssim"] + b["ssim"]) / 2)
    assert float(scores["mean"]["psnr"]) == float("inf")


def test_score_prints_names_as_they_are_and_writes_csv(cli, folders, picture):
    odd = "[bold]x[_x].png"
    for folder in ("sr", "hr"):
        images.write(folders / folder / odd, picture(48, 60))
    out, _ = cli([*scoring(), "--csv", "new/rows.csv"], cwd=folders)
    for text in ("[bold]x[_x].png", "a_x4.png", "mean of 3", "signature: protocol:edsr-2017"):
        assert text in out
    rows = list(csv.DictReader((folders / "new/rows.csv").open()))
    assert [(r["image"], r["metric"]) for r in rows[:2]] == [
        ("[bold]x[_x]", "psnr"),
        ("[bold]x[_x]", "ssim"),
    ]
    assert {r["signature"] for r in rows} == {find_protocol("edsr-2017").signature}


def hr16(path):
    Image.fromarray(np.arange(2880, dtype=np.uint16).reshape(48, 60)).save(path)


BAD = {
    "missing": (lambda f: (f / "sr/a_x4.png").unlink(), "a.png has no sr image"),
    "truncated": (
        lambda f: (f / "sr/a_x4.png").write_bytes(b"\x89PNG\r\n"),
        "sr/a_x4.png: it is a PNG image that can't be decoded",
    ),
    "gray sr": (
        lambda f: images.write(f / "sr/a_x4.png", np.zeros((48, 60), np.uint8)),
        "a (sr/a_x4.png): sr is gray, hr is RGB",
    ),
    "other size": (
        lambda f: images.write(f / "sr/a_x4.png", np.zeros((49, 62, 3), np.uint8)),
        "a (sr/a_x4.png): sr is (49, 62), hr is (48, 60)",
    ),
    "alpha": (
        lambda f: Image.new("RGBA", (60, 48)).save(f / "sr/a_x4.png"),
        "sr/a_x4.png: pixels are RGBA, expected 8-bit gray (L) or RGB; it has an alpha",
    ),
    "palette": (
        lambda f: Image.new("P", (62, 49)).save(f / "hr/a.png"),
        "hr/a.png: pixels are P, expected 8-bit",
    ),
    "16 bits": (lambda f: hr16(f / "hr/b.png"), "hr/b.png: pixels are I;16, expected 8-bit"),
    "no folder": (lambda f: shutil.rmtree(f / "sr"), "sr: no such folder"),
}


@pytest.mark.parametrize("which", ["missing", "no folder"])
def test_score_of_sets_that_do_not_pair_ends_with_1_and_keeps_the_old_csv(refused, folders, which):
    damage, fact = BAD[which]
    (folders / "rows.csv").write_text("old")
    damage(folders)
    refused([*scoring(), "--csv", "rows.csv"], 1, fact, cwd=folders)
    assert (folders / "rows.csv").read_text() == "old"
    assert sorted(p.name for p in folders.iterdir() if p.is_file()) == ["rows.csv"]


@pytest.mark.parametrize("which", sorted(set(BAD) - {"missing", "no folder"}))
def test_a_bad_image_does_not_cost_the_scores_of_the_other(cli, folders, which):
    damage, fact = BAD[which]
    damage(folders)
    good, bad = ("a", "b") if which == "16 bits" else ("b", "a")
    out, err = cli([*scoring(), "--csv", "rows.csv"], 1, cwd=folders)
    assert "1 of 2 images could not be scored" in err and fact in err
    assert "mean of 1 of 2: not the whole set" in out and f"\t{good}.png\t" in out
    rows = list(csv.DictReader((folders / "rows.csv").open()))
    assert {r["image"] for r in rows if r["value"]} == {good}
    assert [(r["image"], fact in r["error"]) for r in rows if not r["value"]] == [(bad, True)]
    said = json.loads(cli([*scoring(), "--json"], 1)[0])
    assert [i["image"] for i in said["images"]] == [good]
    assert [f["name"] for f in said["failed"]] == [bad] and "mean" not in said


def test_a_set_of_bad_images_alone_writes_nothing(refused, folders):
    (folders / "rows.csv").write_text("old")
    for path in (folders / "sr").iterdir():
        path.write_text("<html>")
    facts = ("2 of 2 images", "a_x4.png: not an image but an HTML page", "b_x4.png: not an image")
    refused([*scoring(), "--csv", "rows.csv"], 1, *facts, cwd=folders)
    assert (folders / "rows.csv").read_text() == "old"


def test_what_is_no_image_is_skipped_with_its_name_and_reason(cli, folders, picture):
    for name in ("notes.txt", "all.csv", "LICENSE"):
        (folders / "hr" / name).write_text("text")
    np.save(folders / "sr" / "a.npy", np.zeros(3))
    images.write(folders / "sr" / "old" / "a.png", picture(8, 8))
    Image.new("RGB", (8, 8)).save(folders / "hr" / "lost", "PNG")
    for junk in (".DS_Store", "._a.png", "Thumbs.db", "desktop.ini", ".hidden.png"):
        (folders / "hr" / junk).write_bytes(b"\0\5\26\7")
    (folders / "hr" / "__MACOSX").mkdir()
    out, err = cli([*scoring(), "--json"], cwd=folders)
    skipped = {s["file"]: s["reason"] for s in json.loads(out)["skipped"]}
    assert skipped == {
        "hr/LICENSE": "no image (plain text)",
        "hr/all.csv": "no image (plain text)",
        "hr/lost": "a PNG image whose name has no image's suffix; rename it if it belongs to the "
        "set",
        "hr/notes.txt": "no image (plain text)",
        "sr/a.npy": "no image (a NumPy array)",
        "sr/old": "a folder; images in it are not looked at",
    }
    assert all(f"skipped: {file}: {reason}" in err for file, reason in skipped.items())
    assert json.loads(cli([*degrading(), "--json"])[0])["skipped"] == [
        {"file": f, "reason": r} for f, r in skipped.items() if f.startswith("hr")
    ]


def test_a_folder_of_many_formats_is_scored_whole(cli, tmp_path, picture):
    suffixes = ("png", "BMP", "tif", "TIFF", "webp", "ppm", "JPG")
    for suffix in suffixes:
        for folder in ("sr", "hr"):
            (tmp_path / folder).mkdir(exist_ok=True)
            options = {"lossless": True} if suffix == "webp" else {}
            path = tmp_path / folder / f"im_{suffix.lower()}{len(suffix)}.{suffix}"
            Image.fromarray(picture(24, 24, 3)).save(path, **options)
    said = json.loads(cli([*scoring(scale="2"), "--json"], cwd=tmp_path)[0])
    assert len(said["images"]) == len(suffixes) and said["failed"] == said["skipped"] == []


ODD = {
    b"caf\xe9": "caf\\xe9",  # Latin-1
    b"\x1b[31mred": "\\x1b[31mred",  # turns the terminal red
    "abc\u202egnp".encode(): "abc\\u202egnp",  # shown backwards
    b"two\nlines": "two\\nlines",
}


@pytest.fixture
def odd_names(tmp_path, picture):
    """hr/ and sr/ with images of these names."""
    for folder in ("hr", "sr"):
        for name in ODD:
            images.write(tmp_path / folder / os.fsdecode(name + b".png"), picture(24, 24, 3))
    return tmp_path


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_odd_names_are_escaped_in_the_table_and_in_csv(odd_names, encoding):
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    words = [SCRIPT, *scoring(scale="2"), "--csv", "rows.csv"]
    done = subprocess.run(words, cwd=odd_names, capture_output=True, env=environment, check=False)
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr
    assert {c for c in done.stdout if c < 32} == {9, 10}  # lines with tabs
    rows = (odd_names / "rows.csv").read_bytes().decode()
    for shown in ODD.values():
        assert f"{shown}.png\t".encode() in done.stdout
        assert f"\n{shown},edsr-2017,psnr," in rows


def test_json_of_odd_names_is_valid_unicode(cli, odd_names):
    said = json.loads(cli([*scoring(scale="2"), "--json"], cwd=odd_names)[0])
    assert "caf\\xe9" in [i["image"] for i in said["images"]]
    assert "\x1b[31mred" in [i["image"] for i in said["images"]]  # JSON has its own escape
    json.dumps(said, ensure_ascii=False).encode()  # no lone surrogate


def test_an_error_about_an_odd_name_is_escaped(cli, folders):
    (folders / "hr" / "a\x1b[2J\u202e.png").write_text("x")
    _, err = cli(scoring(), 1, cwd=folders)
    assert "a\\x1b[2J\\u202e.png has no sr image" in err and "\x1b[2J" not in err


def test_score_in_wrong_use(refused, folders):
    refused(scoring("edsr2017"), 2, "unknown protocol 'edsr2017'", "edsr-2017", cwd=folders)
    refused(["score", "--sr", "sr"], 2, "score needs --sr DIR --hr DIR --scale S --protocol NAME")
    refused(["score", "bicubic-x2", "--scale", 2], 2, "takes --dataset and --protocol alone")
    refused(["score", "bicubic-x2"], 2, "params.yaml: no such file; run this in a project folder")


# degrade


def degrading(protocol="edsr-2017", out="lr"):
    return ["degrade", "--hr", "hr", "--out", out, "--scale", 4, "--protocol", protocol]


@pytest.mark.parametrize("protocol", ["edsr-2017", "srcnn-2015"])
def test_degrade_writes_what_the_library_makes(cli, folders, protocol):
    made = json.loads(cli([*degrading(protocol), "--json"], cwd=folders)[0])
    rule = find_protocol(protocol).degradation
    assert made["degradation"] == str(rule)
    assert [m["shape"] for m in made["images"]] == [[12, 15, 3], [12, 15]]
    for name, listed in zip("ab", made["images"]):
        path = folders / listed["lr"]
        lr = np.load(path) if path.suffix == ".npy" else images.read(path)
        expected = degrade(images.read(folders / f"hr/{name}.png"), rule, scale=4)
        assert lr.dtype == expected.dtype
        assert np.array_equal(lr, expected)
    assert len(list((folders / "lr").iterdir())) == 2


def test_degrade_that_cannot_be_done(refused, folders, picture):
    refused(degrading("edsr"), 2, "unknown protocol 'edsr'", cwd=folders)
    refused(degrading(out="hr"), 2, "hr: is the HR folder too", cwd=folders)
    images.write(folders / "hr" / "tiny.png", picture(8, 8))
    (folders / "hr" / "tiny.png").rename(folders / "hr" / "a.bmp")
    refused(degrading(), 1, "hr: two images of one name: a.bmp and a.png", cwd=folders)
    shutil.rmtree(folders / "hr")
    refused(degrading(), 1, "hr: no such folder", cwd=folders)


def test_a_bad_image_does_not_cost_the_lr_of_the_others(cli, folders, picture):
    images.write(folders / "hr" / "tiny.png", picture(8, 8))
    (folders / "hr" / "page.jpg").write_text("<html>")
    out, err = cli(degrading("basicsr-y"), 1, cwd=folders)
    assert "2 of 4 images by basicsr-y" in out
    assert "2 of 4 images could not be degraded" in err
    assert "hr/tiny.png: image is (8, 8), smaller than 12" in err
    assert "hr/page.jpg: not an image but an HTML page (6 bytes)" in err
    assert sorted(p.name for p in (folders / "lr").iterdir()) == ["a.png", "b.png"]


def test_a_folder_that_cannot_be_made_is_one_message(refused, folders):
    (folders / "file").write_text("x")
    refused(degrading(out="file/lr"), 1, "file", cwd=folders)
    assert (folders / "file").read_text() == "x"


# fetch


def test_fetch_in_wrong_use(refused, project):
    refused(["fetch"], 2, "fetch needs names, or --run RUN", cwd=project)
    refused(["fetch", "set5"], 2, "unknown dataset or weights 'set5'", "Set5")
    refused(["fetch", "--run", "bicubic-x7"], 2, "unknown run 'bicubic-x7'", "bicubic-x2")
    refused(["fetch", "Set5", "--run", "bicubic-x2"], 2, "leave one out")


def test_an_unknown_name_among_known_ones_fetches_nothing(refused, project, tmp_path):
    refused(["fetch", "T91", "Sett5"], 2, "unknown dataset or weights 'Sett5'", cwd=project)
    assert not (project / "data" / "T91").exists()


def test_a_wrong_file_in_the_mirror_ends_with_1(refused, project, tmp_path, monkeypatch):
    source = find_source("Set5")
    for file in source.files:
        copy = tmp_path / "mirror" / file.urls[0].removeprefix("https://")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(b"not an image")
    monkeypatch.setenv("SR_BENCH_MIRROR", str(tmp_path / "mirror"))
    before = sorted((project / "data/Set5").iterdir())
    manifest = (project / "build/manifests/Set5.json").read_bytes()
    words = ["fetch", "Set5", "--data", project / "data"]
    refused(words, 1, f"{tmp_path}/mirror/", "has 12 bytes", "sources.yaml pins", cwd=tmp_path)
    assert sorted((project / "data/Set5").iterdir()) == before
    assert (project / "build/manifests/Set5.json").read_bytes() == manifest


# Stages of a project


def test_upscale_then_score_a_run(cli, project):
    cli(["upscale", "bicubic-x2"], cwd=project)
    rows = json.loads(cli(["score", "bicubic-x2", "--json"])[0])
    cells = {(r["protocol"], r["metric"]): r["images"] for r in rows}
    assert cells[("edsr-2017", "psnr")] == cells[("srcnn-2015", "ssim")] == 2
    out, _ = cli(["score", "bicubic-x2"])
    assert out.startswith("bicubic-x2: 5 cells in ")


@pytest.mark.parametrize(
    ("find", "replace", "facts"),
    [
        ("scale: 2", "scale: 9", ["runs.bicubic-x2.scale", "less than or equal to 8", "it is 9"]),
        ("ledger: null", "ledgr: null", ["unknown key 'ledgr'", "'ledger' is missing"]),
        ("runs:\n", "runs:\n  bicubic-x2: {}\n", ["key 'bicubic-x2' is given first", "line 6"]),
        ("runs:", "runs: [", ["not YAML"]),
        ("method: bicubic", "method: bicubi", ["'bicubic-x2'", "'bicubi-x2'", "rename it"]),
        ("fetch: [Set5]", "fetch: [Set6]", ["unknown dataset or weights 'Set6'", "Set5"]),
        ("[edsr-2017, srcnn", "[edsr-2016, srcnn", ["unknown protocol 'edsr-2016'", "edsr-2017"]),
    ],
)
def test_params_that_are_wrong_end_with_2(refused, project, find, replace, facts):
    params = project / "params.yaml"
    assert find in params.read_text()
    params.write_text(params.read_text().replace(find, replace))
    for words in (["upscale", "bicubic-x2"], ["score", "bicubic-x2"], ["list", "runs"]):
        refused(words, 2, f"{params}", *facts, cwd=project)


def test_an_unknown_run_ends_with_2(refused, project):
    for command in ("upscale", "score"):
        refused([command, "bicubic-x9"], 2, "unknown run 'bicubic-x9'", "bicubic-x2", cwd=project)


def test_an_unknown_method_ends_with_2(refused, project):
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("bicubic", "bicubik"))
    refused(
        ["upscale", "bicubik-x2"],
        2,
        "unknown method 'bicubik'",
        "did you mean bicubic or bicubic_limited?",
        cwd=project,
    )


def test_two_methods_of_one_name_end_with_1(refused, project):
    (project / "mine").mkdir()
    methods = Path(__file__).resolve().parent.parent / "methods"
    shutil.copy(methods / "bicubic.py", project / "mine" / "better.py")
    params = project / "params.yaml"
    params.write_text(params.read_text().replace("methods: [", "methods: [mine, "))
    facts = ["mine/better.py", "methods/bicubic.py", "called 'bicubic'", "rename one"]
    refused(["upscale", "bicubic-x2"], 1, *facts, cwd=project)


def test_scoring_what_was_not_upscaled_ends_with_1(refused, project):
    facts = ["has 0 images, Set5 has 2", "sr-bench upscale bicubic-x2"]
    refused(["score", "bicubic-x2"], 1, *facts, cwd=project)


# train


@pytest.fixture
def trainable(project):
    """The project with an entry that is never trained here."""
    entry = "{method: srcnn, variant: 9-1-5, recipe: fast, data: Set5, scales: [2]}"
    params = project / "params.yaml"
    params.write_text(f"{params.read_text()}train:\n  srcnn-9-1-5-sr-bench-set5-x2: {entry}\n")
    return project


def test_train_help_and_wrong_words(cli):
    assert "torchrun" in cli(["train", "--help"])[0]
    for words in (
        ["train"],
        ["train", "a", "--minutes", "-1"],
        ["train", "a", "--minutes", "soon"],
    ):
        assert "Error" in cli(words, 2)[1]


def test_training_in_wrong_use(refused, trainable, tmp_path):
    name = "srcnn-9-1-5-sr-bench-set5-x2"
    facts = (f"unknown training '{name[:-1]}3'", f"did you mean {name}?")
    refused(["train", f"{name[:-1]}3"], 2, *facts, cwd=trainable)
    refused(["train", name], 2, "params.yaml: no such file", cwd=tmp_path)


@pytest.mark.parametrize(
    ("change", "status", "facts"),
    [
        (("recipe: fast", "recipe: fats"), 2, ["unknown recipe 'fats' in", "9-1-5;", "mean fast?"]),
        (("srcnn", "srcn"), 2, ["unknown method 'srcn'", "srcnn"]),
        (("9-1-5", "9-1-7"), 2, ["unknown variant with recipes '9-1-7'", "9-1-5"]),
        (("method: srcnn, variant: 9-1-5", "method: bicubic, variant: 9-1-5"), 1, ["to train"]),
        (("data: Set5", "data: Set5, start: x"), 2, ["start is 'x'", "train_warm"]),
    ],
)
def test_an_entry_that_cannot_be_trained(refused, trainable, change, status, facts):
    params = trainable / "params.yaml"
    head, train = params.read_text().split("train:\n")
    name, entry = train.split(": ", 1)
    entry = entry.replace(*change)
    method = entry.split("method: ")[1].split(",")[0]
    variant = entry.split("variant: ")[1].split(",")[0]
    name = f"{method}-{variant}-sr-bench-set5-x2"
    params.write_text(f"{head}train:\n  {name}: {entry}")
    refused(["train", name], status, *facts, cwd=trainable)


def test_images_too_small_for_a_recipe_end_with_1(refused, trainable):
    facts = ["colour.png: is 46 x 33, a patch needs 72 pixels of hr", "small_images to skip"]
    refused(["train", "srcnn-9-1-5-sr-bench-set5-x2"], 1, *facts, cwd=trainable)
    assert not (trainable / "methods").exists()


@pytest.fixture
def checkpoint(tmp_path):
    """EDSR baseline x2 under BasicSR's keys, values 0..255."""
    state = {"conv_first.weight": torch.zeros(64, 3, 3, 3), "conv_first.bias": torch.ones(64)}
    for i in range(16):
        for name in (f"body.{i}.conv1", f"body.{i}.conv2"):
            state |= {f"{name}.weight": torch.zeros(64, 64, 3, 3), f"{name}.bias": torch.ones(64)}
    sizes = {"conv_after_body": (64, 64), "upsample.0": (256, 64), "conv_last": (3, 64)}
    for name, (out, into) in sizes.items():
        state |= {f"{name}.weight": torch.zeros(out, into, 3, 3), f"{name}.bias": torch.ones(out)}
    torch.save({"params": state}, tmp_path / "edsr.pth")
    return tmp_path / "edsr.pth"


def test_keys_shows_what_becomes_of_each(cli, checkpoint):
    out, _ = cli(["keys", "edsr", "baseline", 2, checkpoint, "--json"], cwd=ROOT)
    rows = {row["theirs"]: row for row in json.loads(out)}
    assert len(rows) == 72
    assert rows["body.3.conv2.bias"] == {
        "theirs": "body.3.conv2.bias",
        "ours": "body.3.body.2.bias",
        "shape": [64],
        "divisor": 255.0,
    }
    out, _ = cli(["keys", "edsr", "baseline", 2, checkpoint], cwd=ROOT)
    assert "tail.1.weight" in out and "divided by 255" in out and "72 keys" in out


def test_keys_of_another_scale_or_method(refused, checkpoint):
    fact = "tail.0.0.bias is (256,), the network has (576,)"
    refused(["keys", "edsr", "baseline", 3, checkpoint], 1, str(checkpoint), fact, cwd=ROOT)
    fact = "method bicubic x3 has no nn.Module whose keys could be listed"
    refused(["keys", "bicubic", "", 3, checkpoint], 1, fact, cwd=ROOT)
    missing = checkpoint.with_name("missing.pth")
    refused(["keys", "edsr", "baseline", 2, missing], 1, str(missing), cwd=ROOT)
