"""Flags of `python -m study.run`. Nothing heavy is imported, so that --help answers at once.

Values stay text: `study.sources` checks them together with the environment and
the file of --config, so that all mistakes come in one message.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NoReturn

from model.data.spelling import did_you_mean
from study.arguments import add_storage, add_study_name
from study.errors import UsageError
from study.presets import ABOUT_PRESETS, DEFAULT_PRESET

_EPILOG = """\
What no flag says comes from the environment (STUDY_FOLDS=5,
STUDY_TRAINING__EPOCHS=12), then from the TOML file, then from the preset.
Ctrl-C is safe: the same command goes on where it stopped.

exit codes: 0 done, 1 trials that failed for good, 2 a mistake in flags, settings
or data, 130 interrupted"""


class RunParser(argparse.ArgumentParser):
    """Raises where argparse would print and exit, and never takes one flag for another."""

    def __init__(self) -> None:
        super().__init__(
            prog="python -m study.run",
            description="Train until the study holds N finished trials in all, then report them.",
            epilog=_EPILOG,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self.add_argument("--n-trials", metavar="N", help="finished trials in all (required)")
        add_storage(self)
        add_study_name(self)
        self._add_settings()
        self._add_confirmation()
        self._add_options()

    def parse(self, argv: Sequence[str] | None = None) -> argparse.Namespace:
        """Parse a command line; a flag that was not given is None. --help prints and exits.

        Raises:
            UsageError: a flag that does not exist or lacks its value, or a stray word.
        """
        found, strays = self.parse_known_args(argv)
        if strays:
            raise UsageError(self._about(strays))
        return found

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        raise UsageError([f"{message}; see {self.prog} --help"])

    def _about(self, strays: Sequence[str]) -> list[str]:
        """One fault a stray; the word after an unknown flag is taken for its value."""
        known = [flag for action in self._actions for flag in action.option_strings]
        faults = []
        value_may_follow = False
        for stray in strays:
            flag, _, value = stray.partition("=")
            if stray.startswith("-"):
                faults.append(f"{flag}: no such flag{did_you_mean(flag, known)}")
            elif not value_may_follow:
                faults.append(f"expected flags and their values, found {stray!r}")
            value_may_follow = stray.startswith("-") and not value
        return faults

    def _add_settings(self) -> None:
        group = self.add_argument_group("what the study is (the same whenever it goes on)")
        for flag, metavar, text in (
            ("--data", "D", "wisdm51, synthetic, a CMI folder, or the TOML file of a table"),
            ("--config", "F.toml", "settings of the study"),
            ("--preset", "P", f"{ABOUT_PRESETS} (default: {DEFAULT_PRESET})"),
            ("--arms", "a,b", "weighting schemes to compare"),
            ("--folds", "K", "of the cross-validation over subjects"),
            ("--epochs", "E", "of every trial"),
            ("--seed", "S", "of splits, weights, batches and the order of cells"),
        ):
            group.add_argument(flag, metavar=metavar, help=text)

    def _add_confirmation(self) -> None:
        group = self.add_argument_group("after the search: fresh repeats (other seeds and folds)")
        group.add_argument(
            "--confirm",
            metavar="R",
            nargs="?",
            const="5",
            help="train each arm's best cell and the baseline on R fresh repeats, on top of the N "
            "trials (5 if R is left out); with --until-decided: repeats at its last look "
            "(default: 10)",
        )
        group.add_argument(
            "--until-decided",
            action="store_true",
            help="repeat the best cells of the learned arms and the fixed one until each "
            "comparison is decided, or no number of repeats could decide it",
        )
        group.add_argument(
            "--reruns",
            metavar="Q",
            help="repeats more on splits of the confirmation with other seeds, which tell seed "
            "noise from split noise (default: 0)",
        )

    def _add_options(self) -> None:
        group = self.add_argument_group("how it runs")
        for flag, metavar, text in (
            ("--workers", "W", "processes that train (default: one a core, or one a GPU)"),
            ("--device", "auto|cpu|cuda", "(default: auto)"),
            (
                "--stack",
                "T",
                "trials a worker trains at once (default: auto, what a GPU has room for)",
            ),
            (
                "--stall-limit",
                "SECONDS",
                "no epoch for so long: the worker is killed and its trials run again "
                "(default: from what epochs take)",
            ),
            (
                "--trial-limit",
                "SECONDS",
                "a trial may take so long in all (default: from what trials take)",
            ),
            (
                "--outage-limit",
                "SECONDS",
                "how long to go on without the database (default: 600)",
            ),
            ("--log-format", "text|json", "of what is logged to standard error (default: text)"),
            (
                "--log-level",
                "L",
                "least that is logged: debug, info, warning, error (default: info)",
            ),
        ):
            group.add_argument(flag, metavar=metavar, help=text)
        for flag, text in (
            ("--dry-run", "say which cells would run and what they would cost; run none"),
            ("--accept-changes", "go on although data, settings or model code have changed"),
        ):
            group.add_argument(flag, action="store_true", help=text)
