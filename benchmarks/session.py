"""Measures rows: the checks first, then one row after the other, written as they come."""

from __future__ import annotations

import json
import pkgutil
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from benchmarks import table
from benchmarks.gate import gate
from benchmarks.machine import load, machine
from benchmarks.registry import ROWS
from benchmarks.result import Row


class Session:
    """One run of the command."""

    def __init__(self, command: Sequence[str], form: str, output: Path | None) -> None:
        """Write to `output`, or standard output at the end, as a table or JSON."""
        self.form = form
        self.output = output
        self.machine = machine(command)
        self.results: list[dict[str, Any]] = []

    def run(self, names: Sequence[str], repeats: int) -> bool:
        """Check and measure; whether all went well."""
        tell("checks:")
        checks = gate(tell)
        if not all(check.holds for check in checks):
            tell("nothing is measured, since what would be compared is not the same")
            return False
        self.machine["checks"] = {check.what: check.difference for check in checks}
        well = True
        for group in groups(names):
            before, started = load(), time.perf_counter()
            tell(f"{', '.join(group)} ...")
            rows, failed = measured(group, repeats)
            well = well and not failed
            seconds = round(time.perf_counter() - started, 1)
            tell(f"{', '.join(group)}: {seconds:g} s")
            of_row = {"load_before": before, "load_after": load(), "seconds": seconds}
            found = self.machine | of_row
            self.results += [row.as_json(found) for row in rows]
            if self.output is not None:
                self._write(self.output)
        if self.output is None:
            print(self._text(), end="")
        return well

    def _text(self) -> str:
        if self.form == "json":
            return json.dumps(self.results, indent=1, allow_nan=False) + "\n"
        return table.text(self.results)

    def _write(self, output: Path) -> None:
        unfinished = output.with_name(output.name + ".part")
        unfinished.write_text(self._text(), encoding="utf-8")
        unfinished.replace(output)


def groups(names: Sequence[str]) -> Iterator[list[str]]:
    """Names that are measured together, in the order of the names."""
    for _, group in groupby(names, lambda name: ROWS[name].measure):
        yield list(group)


def measured(names: Sequence[str], repeats: int) -> tuple[list[Row], bool]:
    """Rows of one measurement, and whether it failed: a failure costs no other row."""
    entry = ROWS[names[0]]
    try:
        function = pkgutil.resolve_name(entry.measure)
        return (function(repeats, names) if entry.together else [function(repeats)]), False
    except Exception as error:
        traceback.print_exc()
        first_line = str(error).partition("\n")[0]
        reason = f"failed: {type(error).__name__}: {first_line}"
        return [Row(name, ROWS[name].about, "-", skipped=reason) for name in names], True


def tell(message: str) -> None:
    """Say how it goes, on standard error."""
    print(message, file=sys.stderr, flush=True)
