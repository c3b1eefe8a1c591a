"""How many repeats confirm a result: fixed in advance, or until all is decided.

Either is written down when confirmation first begins, before any of its results
is seen, and the report goes by what was written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from study.errors import UsageError

if TYPE_CHECKING:
    from study.config import RunOptions, StudyConfig
    from study.verdict.racing import RaceRule

MOST_REPEATS = 10
"""Of the last look of a race, unless --confirm says otherwise."""


@dataclass(frozen=True)
class Stopping:
    """What a study's confirmation goes by."""

    looks: tuple[int, ...]
    """Repeats at each look; one look where their number is fixed."""
    rope: float
    races: bool

    @property
    def first(self) -> int:
        """Repeats that every finalist gets in any case."""
        return self.looks[0]

    @property
    def most(self) -> int:
        """Most repeats that a finalist may get: in a race, noise can double those of a look."""
        return self.looks[-1] * (2 if self.races else 1)

    def race_rule(self) -> RaceRule:
        """The rule of the race."""
        from study.verdict.racing import RaceRule

        return RaceRule(self.looks, self.rope)

    def as_json(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self) | {"looks": list(self.looks)}


def of_options(config: StudyConfig, options: RunOptions) -> Stopping | None:
    """What a command asks for; None if it confirms nothing."""
    rope = config.verdict.rope
    if options.until_decided:
        from study.verdict.racing import looks_of

        return Stopping(looks_of(options.confirm or MOST_REPEATS), rope, races=True)
    return None if options.confirm is None else Stopping((options.confirm,), rope, races=False)


def of_json(stored: Mapping[str, Any] | None) -> Stopping | None:
    """Inverse of `Stopping.as_json`; None for a study that has confirmed nothing."""
    if stored is None:
        return None
    return Stopping(tuple(stored["looks"]), float(stored["rope"]), bool(stored["races"]))


def require_same(stored: Stopping, asked: Stopping) -> None:
    """Have a study go on as it began.

    A fixed number of repeats may grow: the report then says by how much.

    Raises:
        UsageError: the command asks for another way to stop.
    """
    if stored.races != asked.races:
        began = "--until-decided" if stored.races else f"--confirm {stored.first}"
        raise UsageError(
            [
                f"{'--confirm' if stored.races else '--until-decided'}: expected {began}, with "
                "which the confirmation of this study began: its error rate holds for one way to "
                "stop only; go on with that, or use another --study-name"
            ]
        )
    if stored.races and stored.looks != asked.looks:
        raise UsageError(
            [
                f"--confirm: expected {stored.looks[-1]}, the repeats of the last look when "
                f"this race began (looks at {', '.join(map(str, stored.looks))}), found "
                f"{asked.looks[-1]}: looks are fixed in advance"
            ]
        )
