"""Many comparisons in several processes; a run that is interrupted goes on where it was.

The file holds `settings` and, by name, the record of each comparison that is done. It is written
anew after each of them, under another name first, so that it is whole at any time.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.command import Mistake
from benchmarks.real_verdict import trained
from benchmarks.real_verdict.comparisons import Comparison, Setup
from model.data.load import load_sequences
from study.fingerprint import model_hash

Results = dict[str, Any]


def settings_of(setup: Setup) -> dict[str, Any]:
    """What must be the same for results to stand in one file."""
    config = setup.config
    data = load_sequences(config.data, config.features.feature_set)
    size = {
        "data": config.data,
        "subjects": config.subjects,
        "folds": config.folds,
        "epochs": config.training.epochs,
    }
    return asdict(setup) | size | {"data_hash": data.digest, "model_hash": model_hash()}


def begun(file: Path, settings: dict[str, Any]) -> Results:
    """What the file holds so far.

    Raises:
        Mistake: it cannot be read, or holds something else or results of other settings.
    """
    if not file.exists():
        return {"settings": settings, "comparisons": {}}
    results = read(file)
    differing = sorted(
        name
        for name in settings.keys() | results["settings"].keys()
        if settings.get(name) != results["settings"].get(name)
    )
    if differing:
        raise Mistake(
            f"{file} holds results of another {', another '.join(differing)}: name another "
            "file, or remove this one"
        )
    return results


def read(file: Path) -> Results:
    """Results as they were written.

    Raises:
        Mistake: a file that is not there or does not hold them.
    """
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Mistake(f"{file}: {error.strerror}") from None
    except ValueError:
        results = None
    parts = (results.get("settings"), results.get("comparisons")) if _is_table(results) else ()
    if not parts or not all(map(_is_table, parts)):
        raise Mistake(f"{file}: expected what `python -m benchmarks.real_verdict` writes")
    found: Results = results
    return found


def _is_table(value: object) -> bool:
    return isinstance(value, dict)


def write(file: Path, results: Results) -> None:
    """Replace the file at once; comparisons in the order of their names."""
    ordered = dict(sorted(results["comparisons"].items()))
    text = json.dumps(results | {"comparisons": ordered}, indent=1, allow_nan=False) + "\n"
    new = file.with_name(file.name + ".new")
    new.write_text(text, encoding="utf-8")
    new.replace(file)


def run(comparisons: Sequence[Comparison], setup: Setup, file: Path, jobs: int) -> Results:
    """Train what the file does not hold yet, in `jobs` processes.

    Raises:
        Mistake: as `begun`.
        RuntimeError: as `trained.train`; what is done by then is kept.
    """
    results = begun(file, settings_of(setup))
    done = results["comparisons"]
    left = [one for one in comparisons if one.name not in done]
    print(f"{len(comparisons)} comparisons, {len(left)} to train", file=sys.stderr)
    started = time.perf_counter()
    for count, (name, record) in enumerate(_trained(left, setup, min(jobs, len(left))), 1):
        done[name] = record
        write(file, results)
        _tell(name, count, len(left), started)
    return results


def _trained(
    left: Sequence[Comparison], setup: Setup, jobs: int
) -> Iterator[tuple[str, trained.Record]]:
    """Name and record of each comparison as it gets done."""
    if jobs < 2:
        yield from ((one.name, trained.train(one, setup)) for one in left)
        return
    spawn = get_context("spawn")  # a fork would share torch's threads
    with ProcessPoolExecutor(jobs, spawn, trained.prepare) as pool:
        names = {pool.submit(trained.train, one, setup): one.name for one in left}
        try:
            for future in as_completed(names):
                yield names[future], future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _tell(name: str, done: int, count: int, started: float) -> None:
    """To standard error: how far the run is."""
    spent = time.perf_counter() - started
    left = spent / done * (count - done)
    print(f"{name}: {done} of {count}, {spent:.0f} s, {left:.0f} s left", file=sys.stderr)
