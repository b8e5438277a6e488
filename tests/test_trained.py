"""What the committed weights reach, in the committed reports, against the issue's targets."""

from pathlib import Path

import pytest

from sr_bench.analysis.ledger.ledger import TRAINED_RUN, read_ledger
from sr_bench.evaluation.scoring.table import read_scores
from sr_bench.networks.checkpoint import read_facts
from sr_bench.project.project import Project

ROOT = Path(__file__).resolve().parent.parent
PROJECT = Project.load(ROOT)
TRAINED = {
    name: read_facts(PROJECT.trained(name))
    for name in PROJECT.trainings
    if PROJECT.trained(name).is_file()
}


@pytest.fixture(scope="module")
def scores():
    table = read_scores(ROOT / "reports/scores.csv")

    def psnr(dataset):
        rows = table[(table["dataset"] == dataset) & (table["metric"] == "psnr")]
        return rows.set_index(["run", "protocol"])["value"].to_dict()

    return psnr


@pytest.fixture(scope="module")
def set5(scores):
    return scores("Set5")


@pytest.mark.parametrize(
    ("run", "beaten"),
    [
        # Trained on T91 alone, 9-1-5 goes past the authors' own weights from the same 91 images,
        # and at x3 past those they trained on ImageNet.
        *((f"srcnn-9-1-5-sr-bench-t91-x{s}", f"srcnn-9-1-5-author-t91-x{s}") for s in (2, 3, 4)),
        ("srcnn-9-1-5-sr-bench-t91-x3", "srcnn-9-1-5-author-imagenet-x3"),
        # 9-5-5 on Open591 goes past the authors' ImageNet.
        *(
            (f"srcnn-9-5-5-sr-bench-open591-x{s}", f"srcnn-9-5-5-author-imagenet-x{s}")
            for s in (2, 3, 4)
        ),
        # Larger filters help, as the paper says.
        *((f"srcnn-9-5-5-sr-bench-t91-x{s}", f"srcnn-9-1-5-sr-bench-t91-x{s}") for s in (2, 3, 4)),
        ("srcnn-9-1-5-128-64-sr-bench-t91-x3", "srcnn-9-1-5-sr-bench-t91-x3"),
        ("srcnn-9-1-5-sr-bench-t91-x3", "srcnn-9-1-5-32-16-sr-bench-t91-x3"),
    ],
)
def test_trained_here_beats(set5, run, beaten):
    assert set5[run, "srcnn-2015"] > set5[beaten, "srcnn-2015"]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("weights", ["author-imagenet", "sr-bench-t91"])
def test_more_images_help_on_bsd100(scores, scale, weights):
    psnr = scores("BSD100")
    more, fewer = (f"srcnn-9-5-5-{w}-x{scale}" for w in ("sr-bench-open591", weights))
    assert psnr[more, "srcnn-2015"] > psnr[fewer, "srcnn-2015"]


# Kim et al. 2016, doi:10.1109/CVPR.2016.182, table 2: VDSR, trained on 291 images.
@pytest.mark.parametrize(("scale", "vdsr"), [(2, 37.53), (3, 33.66), (4, 31.35)])
@pytest.mark.parametrize(
    "family", ["edsr-baseline-sr-bench-open690", "mdsr-baseline-sr-bench-open690"]
)
def test_edsr_and_mdsr_go_past_vdsr(set5, family, scale, vdsr):
    assert set5[f"{family}-x{scale}", "edsr-2017"] > vdsr


@pytest.mark.parametrize(("scale", "aim"), [(2, 37.80), (3, 34.05), (4, 31.75)])
def test_edsr_comes_near_the_published_numbers(set5, scale, aim):
    """Published: 37.98, 34.37, 32.09, after 300,000 steps on DIV2K."""
    assert set5[f"edsr-baseline-sr-bench-open690-x{scale}", "edsr-2017"] > aim


@pytest.mark.parametrize(("scale", "aim"), [(2, 37.65), (3, 34.00), (4, 31.80)])
def test_mdsr_comes_near_edsr(set5, scale, aim):
    assert set5[f"mdsr-baseline-sr-bench-open690-x{scale}", "edsr-2017"] > aim


@pytest.mark.parametrize("name", TRAINED)
def test_weights_say_how_they_were_made(name):
    facts, entry = TRAINED[name], PROJECT.training(name)
    assert facts["training"] == name
    assert facts["data"] == entry.data
    assert facts["step"] <= facts["recipe"]["steps"]
    assert facts["minutes"] > 0
    assert len(facts["held_out"]) == 8
    assert (PROJECT.training_log(name) / "plots/metrics/train/loss.tsv").is_file()


def test_every_training_has_its_weights():
    assert set(TRAINED) == set(PROJECT.trainings)


def test_what_aims_at_a_published_number_is_a_run_of_the_project():
    """A name that no run has would leave its numbers out of the table, without a word."""
    aims = {name for name in read_ledger(ROOT / "methods/published.csv")[TRAINED_RUN] if name}
    assert aims and aims <= {name.rpartition("-x")[0] for name in PROJECT.params.runs}
