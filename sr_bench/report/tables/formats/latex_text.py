"""Any text as LaTeX that compiles, with any engine and without any package."""

from __future__ import annotations

import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "%": r"\%",
    "&": r"\&",
    "#": r"\#",
    "$": r"\$",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "×": r"$\times$",
    "±": r"$\pm$",
    "−": "$-$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "∞": r"$\infty$",
    "µ": r"$\mu$",
    "†": r"$\dagger$",
    "–": "--",
    "—": "---",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
}
_TYPEWRITER = "<>|"  # a typewriter font has these where others have something else
_BREAK = r"\allowbreak{}"
# Combining accents, as LaTeX writes them on the letter before.
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
}


def escape(text: str) -> str:
    """``text`` as it is, to be set in LaTeX; a character that LaTeX lacks becomes its number."""
    return "".join(_character(c) for c in " ".join(text.split()))


def code(text: str) -> str:
    """A name as one types it; lines may break after ``|`` and ``+``."""
    shown = (c if c in _TYPEWRITER else _character(c) for c in " ".join(text.split()))
    return rf"\texttt{{{''.join(c + _BREAK if c in '|+' else c for c in shown)}}}"


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if " " <= character <= "~":
        return character
    letter, *accents = tuple(unicodedata.normalize("NFD", character))
    if "A" <= letter.upper() <= "Z" and len(accents) == 1 and accents[0] in _ACCENTS:
        letter = {"i": r"\i", "j": r"\j"}.get(letter, letter)
        return rf"\{_ACCENTS[accents[0]]}{{{letter}}}"
    return f"[U+{ord(character):04X}]"
