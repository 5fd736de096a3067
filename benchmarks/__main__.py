"""``make bench``: every figure against its rival in one run, as a table and as reports/benchmarks.json."""

import importlib
import sys
from pathlib import Path

from seglossbench.files import write_json

MODULES = sorted(file.stem for file in Path(__file__).parent.glob("bench_*.py"))


def main(wanted: list[str]) -> int:
    """Run the named modules, or all; say plainly which targets are missed."""
    rows: list[dict[str, object]] = []
    for name in wanted or MODULES:
        print(f"{name} ...", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"benchmarks.{name}").run()
    columns = [str(column) for column in rows[0]]
    cells = [columns, *([_text(row[column]) for column in columns] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    missed = [row for row in rows if not row["met"]]
    print(
        f"\n{len(rows) - len(missed)} of {len(rows)} targets met"
        + "".join(f"\nMISSED: {row['what']}" for row in missed)
    )
    if not wanted:
        write_json(Path("reports/benchmarks.json"), rows)
    return 0


def _text(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
