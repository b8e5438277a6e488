"""The pytest plug-in, in a test run of somebody else's project."""

pytest_plugins = ["pytester"]

TEST = """
from types import SimpleNamespace
from sr_bench.conformance import ours

def wrong(sr, hr, *, metric, planes, crop):
    return ours.score(sr, hr, metric=metric, planes=planes, crop=0)

def test_mine(conforms):
    conforms(SimpleNamespace(score={score}))
"""


def run(pytester, monkeypatch, score):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # loaded here alone, installed or not
    pytester.makepyfile(TEST.format(score=score))
    options = ("-p", "sr_bench.conformance.plugin", "-p", "no:cacheprovider")
    return pytester.runpytest_inprocess(*options, "-k", "psnr-rgb or resize-2-none-mirror")


def test_what_agrees_passes_and_what_is_not_offered_skips(pytester, monkeypatch):
    run(pytester, monkeypatch, "ours.score").assert_outcomes(passed=3, skipped=1)


def test_what_differs_fails_with_the_difference(pytester, monkeypatch):
    result = run(pytester, monkeypatch, "wrong")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*psnr-rgb-crop3: 38.133*, expected 38.131* dB"])
