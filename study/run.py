"""Train until the study holds N finished trials in all, then report them."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from model.errors import ModelError
from storage.errors import SchemaMissing, StorageError, StudyMissing
from study.arguments import DONE, MISTAKE
from study.errors import StudyError
from study.output import show, standard_error
from study.run_arguments import RunParser

if TYPE_CHECKING:
    from study.config import RunOptions, StudyConfig
    from study.known import Results

log = logging.getLogger("study.run")

FAILED, INTERRUPTED = 1, 130
"""Exit codes, beside those of every command."""
MISTAKES = (ModelError, StorageError, StudyError)
"""What is told without a traceback."""
TRAINER = "study.worker.training:stack_trainer"


def main(argv: Sequence[str] | None = None, trainer: str = TRAINER) -> int:
    """Run the command.

    Args:
        argv: flags; by default the process's.
        trainer: "module:function" that makes a worker's trainer.

    Returns:
        The exit code: 0 done, 1 trials that failed for good, 2 a mistake, 130 interrupted.
    """
    try:
        return _main(argv, trainer)
    except MISTAKES as error:
        print(error, file=standard_error())
        return MISTAKE
    except KeyboardInterrupt:
        return INTERRUPTED


def _main(argv: Sequence[str] | None, trainer: str) -> int:
    arguments = RunParser().parse(argv)
    from study.sources import resolve

    config, options = resolve(arguments)
    if options.dry_run:
        show(_dry_run(config, options) + "\n")
        return DONE
    try:
        return _run(config, options, trainer)
    except MISTAKES as error:
        _tell(options, "run_failed", str(error))
        return MISTAKE


def _run(config: StudyConfig, options: RunOptions, trainer: str) -> int:
    from study.launch import run_study
    from study.logs import log_to

    log_to(standard_error(), options.study_name, options.log_format, options.log_level)
    ending = run_study(config, options, options.storage, trainer)
    if ending.finished < ending.asked:
        found = f"{ending.finished} of {ending.asked} trials are finished"
        _tell(options, "run_interrupted", f"interrupted: {found}; the same command goes on")
        return INTERRUPTED
    _report(options)
    return FAILED if ending.failed else DONE


def _tell(options: RunOptions, event: str, message: str) -> None:
    """Say why the command ends; where the log is for programs, as one of its events."""
    from study.logs import about

    if options.log_format == "json":
        log.error("%s", message, extra=about(event=event))
    else:
        print(message, file=standard_error())


def _dry_run(config: StudyConfig, options: RunOptions) -> str:
    from storage.url import resolve_url
    from study.dry_run import assumed_cost, dry_run, in_reach, measured_cost
    from study.known import sd_of_differences
    from study.sequences import study_sequences
    from study.stages import Stages

    results = _results(resolve_url(options.storage), options.study_name)
    seconds = [known.seconds for known in results.values() if known.is_complete]
    cost = measured_cost([s for s in seconds if s is not None])
    stages = Stages(config, options)
    said = dry_run(
        stages,
        options.n_trials,
        results,
        cost or assumed_cost(config, len(study_sequences(config))),
    )
    reach = in_reach(config, stages, sd_of_differences(stages.search, results))
    return said if reach is None else f"{reach}\n{said}"


def _results(url: str, study_name: str) -> Results:
    """What the study holds so far; nothing if it or the database does not exist yet."""
    from storage import queries
    from storage.url import sqlite_path
    from study.database import existing
    from study.known import read_results

    path = sqlite_path(url)
    if path is not None and not path.exists():
        return {}
    try:
        with existing(url) as engine:
            study_id = queries.study_by_name(engine, study_name).study_id
            return read_results(engine, study_id)
    except (SchemaMissing, StudyMissing):
        return {}


def _report(options: RunOptions) -> None:
    """Print the table and the command that shows the rest; put the table on the dashboard."""
    from storage.url import masked, resolve_url
    from study.database import existing
    from study.report import text
    from study.report.conclusion import read
    from study.report.note import refresh_note

    url = resolve_url(options.storage)
    with existing(url) as engine:
        summary, findings = read(engine, options.study_name)
    refresh_note(url, summary, findings)
    storage = "" if options.storage is None else f" --storage {masked(url)}"
    shown = text.render(summary, findings, text.BRIEF)
    name = "" if options.study_name == "study" else f" --study-name {quote(options.study_name)}"
    more = f"All of it: {_python()} -m study.report{storage}{name}"
    show(f"{shown}\n{more}\nDashboard: {_python()} -m study.dashboard{storage}\n")


def _python() -> str:
    """This interpreter as a person in this folder would type it."""
    try:
        return str(Path(sys.executable).relative_to(Path.cwd()))
    except ValueError:
        return "python"


if __name__ == "__main__":
    status = main()
    gc.freeze()  # spares Python a look at every object of every module before it ends: 0.3 s
    sys.exit(status)
