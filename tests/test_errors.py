"""Texts that a terminal can show, and errors that name what they are about."""

import pytest

from sr_bench.support.errors import SrBenchError, about, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("img_001 (1) [x].png", "img_001 (1) [x].png"),
        ("caf\u00e9 \u6f22\u5b57 \U0001f600", "caf\u00e9 \u6f22\u5b57 \U0001f600"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),  # Persian needs its joiner
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("a\tb\r\nc", "a\\tb\\r\\nc"),
        ("\x7f\x9b31m", "\\x7f\\x9b31m"),
        ("a\u2028b\u202e\u2066", "a\\u2028b\\u202e\\u2066"),
        ("caf\udce9", "caf\\xe9"),
        ("\ud83d", "\\ud83d"),
    ],
)
def test_what_a_terminal_would_obey_is_escaped(text, shown):
    assert printable(text) == shown
    assert printable(shown) == shown


def test_line_ends_of_a_message_stay():
    assert printable("a\n  b\x1b", lines=True) == "a\n  b\\x1b"


@pytest.mark.parametrize("error", [ValueError("too small"), MemoryError("4 GiB")])
def test_an_error_of_the_core_names_what_it_is_about(error):
    with pytest.raises(SrBenchError, match=rf"^img: .*{error}"), about("img"):
        raise error
