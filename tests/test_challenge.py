"""`sr-bench challenge`: a made-up repository of the challenge's shape."""

import csv
import json
import math
import os
from pathlib import Path

import pytest
import torch
from torch import nn

from sr_bench.imaging import images
from sr_bench.support.errors import SrBenchError, WrongUse
from sr_bench.timing.challenge.entries import Entry, findings, scores
from sr_bench.timing.challenge.loading import limit_memory
from sr_bench.timing.challenge.official import Cost, official_of, officials
from sr_bench.timing.challenge.process import Limits, team_process
from sr_bench.timing.challenge.repository import Repository

MODEL = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 48, 1)
        self.shuffle = nn.PixelShuffle(4)

    def forward(self, lr):
        print("noise on standard output")
        return self.shuffle(self.conv(lr))
"""
SCRIPT = """
import os
import torch
from package_that_nobody_has import FlopCountAnalysis


def select_model(args, device):
    model_id = args.model_id
    if model_id == 0:
        from models.team00_net import Net
        name, data_range = f"{model_id:02}_Net_baseline", 1.0
        model = Net()
        path = os.path.join("model_zoo", "team00_net.pth")
        model.load_state_dict(torch.load(path), strict=True)
    elif model_id == 1:
        pass
    elif model_id == 2:
        from models.team00_net import Net
        name, data_range = "02_missing", 1.0
        model = Net()
        model.load_state_dict(torch.load("model_zoo/team02_net.pth"))
    elif model_id == 3:
        while True:
            pass
    elif model_id == 4:
        from models.team00_net import Net
        name, data_range = "04_loose", 255.0
        model = Net().cuda()
        model.load_state_dict(torch.load("model_zoo/team04_net.pth"), strict=False)
        open("written.txt", "w").write("by team 4")
    elif model_id == 5:
        from models.team00_net import Net
        name, data_range = "05_wide", 1.0
        model = Net()
        model.load_state_dict(torch.load("model_zoo/team05_net.pth"), strict=True)
        model.forward = lambda lr: torch.zeros(1, 3, 2 * lr.shape[2], 2 * lr.shape[3])
    elif model_id == 6:
        print(FlopCountAnalysis)
    elif model_id == 7:
        os._exit(3)
    elif model_id == 8:
        raise RuntimeError(os.environ.get("A_TOKEN", "no token is seen"))
    elif model_id == 9:
        from models.team00_net import Net
        name, data_range = "09_random", 1.0
        model = Net()
        model.forward = lambda lr: torch.rand(1, 3, 4 * lr.shape[2], 4 * lr.shape[3])
    else:
        raise NotImplementedError
    model.eval()
    return model.to(device), name, data_range, None


if __name__ == "__main__":
    raise SystemExit("the script itself must not run")
"""


def nearest():
    """The weights of a network that repeats each pixel: all sixteen of a channel are its own."""
    weight = torch.zeros(48, 3, 1, 1)
    for channel in range(3):
        weight[16 * channel : 16 * (channel + 1), channel] = 1
    return {"conv.weight": weight, "conv.bias": torch.zeros(48)}


@pytest.fixture
def repository(tmp_path):
    root = tmp_path / "NTIRE2025_ESR"
    for folder in ("models", "model_zoo"):
        (root / folder).mkdir(parents=True)
    (root / "README.md").write_text("# NTIRE 2025 Challenge on Efficient Super-Resolution\n")
    (root / "test_demo.py").write_text(SCRIPT)
    (root / "models/team00_net.py").write_text(MODEL)
    torch.save(nearest(), root / "model_zoo/team00_net.pth")
    (root / "model_zoo/team05_net.pth").write_bytes(
        (root / "model_zoo/team00_net.pth").read_bytes()
    )
    torch.save({"conv.weight": nearest()["conv.weight"]}, root / "model_zoo/team04_net.pth")
    return root


@pytest.fixture
def hr(tmp_path, picture):
    for name in ("a", "b"):
        images.write(tmp_path / "hr" / f"{name}.png", picture(48, 56, 3))
    return tmp_path / "hr"


def test_all_teams(cli, repository, hr, tmp_path, monkeypatch):
    """One run over all teams; the endless one is stopped after a while."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("A_TOKEN", "secret")
    words = ["challenge", repository, "--dataset", hr, "--limit", "15", "--no-time", "--json"]
    out, err = cli([*words, "--csv", "teams.csv"], status=1)
    facts = json.loads(out)
    teams = {entry["team"]: entry for entry in facts["teams"]}
    every_team_is_measured_or_named_with_the_reason(teams, err)
    what_was_adapted_and_what_stands_out_is_said(teams, facts, repository)
    with (tmp_path / "teams.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["team"]) for row in rows] == list(teams)
    assert float(rows[0]["psnr"]) == teams[0]["results"][0]["psnr"]
    assert "took longer" in rows[2]["error"]


def every_team_is_measured_or_named_with_the_reason(teams, err):
    assert list(teams) == [0, 2, 3, 4, 5, 6, 7, 8, 9]  # 1 is a branch that does nothing
    good = teams[0]["results"][0]
    assert good["images"] == 2 and good["signature"].startswith("protocol:edsr-2017")
    assert teams[0]["costs"]["params"] == 3 * 48 + 48
    assert teams[0]["costs"]["macs"] == 256 * 256 * 3 * 48
    assert (teams[0]["costs"]["activations"], teams[0]["costs"]["convolutions"]) == (256**2 * 48, 1)
    assert teams[0]["failed"] == "" and len(teams[0]["files"]["team00_net.pth"]) == 64
    reasons = {
        2: "team02_net.pth",
        3: "took longer than 15 s (load)",
        5: "expected",  # x2 of a x4 challenge
        6: "No module named 'package_that_nobody_has'",
        7: "its process ended with 3",
        8: "no token is seen",
    }
    for team, text in reasons.items():
        assert text in teams[team]["failed"] and teams[team]["results"] == [], teams[team]
        assert f"team {team}: " in err
    assert "6 of 9 teams failed" in err


def what_was_adapted_and_what_stands_out_is_said(teams, facts, repository):
    assert facts["year"] == 2025
    assert "asks for CUDA; computed on cpu" in teams[4]["notes"]
    assert any("strict=False: 1 parameters" in note for note in teams[4]["notes"])
    assert any("were different the second time" in note for note in teams[9]["notes"])
    assert not any("the second time" in note for note in teams[0]["notes"])
    assert not (repository / "written.txt").exists()  # it wrote into a folder of its own
    assert not list(repository.rglob("__pycache__"))
    same = [text for text in facts["findings"] if "same file" in text]
    assert len(same) == 1 and "team 0 (team00_net.pth) and team 5 (team05_net.pth)" in same[0]
    # Of noise, repeating pixels is worse than bicubic.
    assert any(text.startswith("team 0 has ") and "bicubic" in text for text in facts["findings"])


def test_the_table_has_time_and_the_official_score(cli, repository, hr, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    out, _ = cli(["challenge", repository, "--team", "4", "--dataset", hr])
    assert "00_Net_baseline" in out and "04_loose" in out  # the baseline is measured beside it
    assert f"{math.exp(2):.2f}" in out and "0.7 exp(2 runtime/EFDN's)" in out
    assert "team 4: asks for CUDA; computed on cpu" in out


def test_a_wrong_folder_team_or_year_is_told(cli, repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words, text in (
        ([tmp_path], "has no test_demo.py"),
        ([repository, "--team", "1"], "unknown team '1'"),
        ([repository, "--team", ","], "names no team"),
        ([repository, "--year", "2021"], "unknown year '2021'"),
        ([repository, "--protocol", "edsr"], "unknown protocol"),
    ):
        _, err = cli(["challenge", *words], status=2)
        assert text in err


def test_reading_a_repository_runs_nothing(repository):
    found = Repository.read(repository)
    assert (found.year, found.commit) == (2025, None) and found.chosen("02,0") == (0, 2)
    git = repository / ".git"
    git.mkdir()
    (git / "HEAD").write_text("ref: refs/heads/main\n")
    (git / "packed-refs").write_text(f"# pack-refs\n{'a' * 40} refs/heads/main\n")
    assert Repository.read(repository).commit == "a" * 40
    (repository / "test_demo.py").write_text("def select_model(args, device): pass\n")
    with pytest.raises(SrBenchError, match="compares model_id with no number"):
        Repository.read(repository)
    (repository / "test_demo.py").write_text("def :")
    with pytest.raises(SrBenchError, match="isn't Python"):
        Repository.read(repository)


def test_official_scores_are_data_with_their_source():
    known = officials()
    assert set(known) == {2023, 2024, 2025, 2026}
    for official in known.values():
        assert official.source.startswith("https://github.com/") and len(official.commit) == 40
    for year in (2024, 2025, 2026):
        assert sum(known[year].weights.values()) == pytest.approx(1)
        baseline = Cost(16.69e-3, 16.70e9, 0.276e6)
        assert known[year].score(baseline, baseline) == pytest.approx(7.3891, abs=5e-5)
        assert known[year].score(Cost(None, 1, 1), baseline) is None
    half = known[2026].score(Cost(0.5, 1, 1), Cost(1, 1, 1))
    assert half == pytest.approx(0.8 * math.e + 0.2 * math.e**2)
    assert known[2023].score(Cost(1, 1, 1), Cost(1, 1, 1)) is None
    assert official_of(None) is None
    with pytest.raises(WrongUse):
        official_of(1999)


def test_without_the_baseline_there_is_no_score():
    entries = [Entry(3, costs={"median_s": 1.0, "macs": 1, "params": 1})]
    assert scores(entries, official_of(2025)) == {} and findings(entries, []) == []
    entries.append(Entry(0, costs={"median_s": 1.0, "macs": 1, "params": 1}))
    assert scores(entries, official_of(2025)) == {3: pytest.approx(7.389, abs=1e-3)} | {
        0: pytest.approx(7.389, abs=1e-3)
    }


def test_times_of_a_busy_machine_are_called_so():
    busy, calm = ({"median_s": 1.0, "iqr_s": spread, "not_known": {}} for spread in (0.3, 0.05))
    assert "the machine does other work" in Entry(3, notes=["a"], costs=busy).remarks[-1]
    assert Entry(3, notes=["a"], costs=calm).remarks == Entry(3, notes=["a"]).remarks == ["a"]


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is bounded on Linux")
def test_a_team_that_takes_too_much_memory_is_stopped(repository):
    text = SCRIPT.replace(
        "        while True:\n            pass\n", "        torch.zeros(10**10)\n"
    )
    (repository / "test_demo.py").write_text(text)
    with team_process(repository, Limits(60)) as process, pytest.raises(SrBenchError) as caught:
        process.ask("load", team=3, device="cpu", memory_mb=500, threads=1)
    assert "memory" in str(caught.value)


def test_a_network_is_called_in_its_process_and_gives_the_same_values(repository):
    with team_process(repository, Limits(60)) as process:
        facts = process.ask("load", team=4, device="cpu", memory_mb=4000, threads=1)
        lr = torch.rand(1, 3, 5, 6)
        sr = process.model(facts["range"])(lr)
        pid = process.child.pid
    expected = nn.functional.interpolate(lr, scale_factor=4)
    assert sr.shape == expected.shape
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_no_limit_is_set_where_the_system_cannot(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "resource", None)
    limit_memory(1)  # would stop this process at once
