"""``python -m faults.table RESULTS PAGE``: the counts of ``make faults`` as the table of a page."""

import json
import re
import sys
from collections import Counter
from pathlib import Path

from faults.harness import CLEAR, HANGS, LOST, SURVIVED, TRACEBACK, WRONG

COLUMNS = (SURVIVED, CLEAR, WRONG, LOST, HANGS, TRACEBACK)
MARKED = re.compile(r"(<!-- faults -->\n).*?(<!-- /faults -->)", re.S)


def table(results):
    """Counts as Markdown: a row for each kind of fault and what it was put into."""
    rows = [json.loads(path.read_text()) for path in sorted(results.glob("*.json"))]
    lines = [
        f"| fault | in | put in | {' | '.join(COLUMNS)} |",
        f"| --- | --- | ---: |{' ---: |' * len(COLUMNS)}",
    ]
    total = Counter()
    for row in sorted(rows, key=lambda row: (row["kind"], row["what"])):
        total.update(row["found"])
        lines.append(_line(row["kind"], row["what"], Counter(row["found"])))
    lines.append(_line("**all**", "", total))
    return "\n".join(lines) + "\n"


def _line(kind, what, found):
    counts = " | ".join(str(found[name]) for name in COLUMNS)
    return f"| {kind} | {what} | {sum(found.values())} | {counts} |"


def main():
    results, page = map(Path, sys.argv[1:])
    text, count = MARKED.subn(lambda m: f"{m[1]}{table(results)}{m[2]}", page.read_text())
    if count != 1:
        sys.exit(f"{page}: has {count} places marked <!-- faults -->, expected one")
    page.write_text(text)


if __name__ == "__main__":
    main()
