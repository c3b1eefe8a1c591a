"""What is compared, and with which subjects and seeds.

The baseline is trained on repeats 1 to R. In an A/A pair the arm is the baseline again, on
repeats SPLITS + 1 to SPLITS + R: the same splits, all other random numbers its own. A crippled
arm shares the baseline's repeats, as the arms of a study do.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.config import LossConfig
from model.data.folds import SPLITS
from study.config import StudyConfig
from study.presets import PRESETS

Kind = Literal["aa", "known"]
KINDS: tuple[Kind, ...] = ("aa", "known")

BASELINE = LossConfig()
CRIPPLED: Mapping[str, LossConfig] = {
    # The binary head alone is trained, and the score is that of the fine head.
    "heads_off": LossConfig(alpha=0.0, nine_class_loss_weight=0.0, kl_weight=0.0),
    "alpha_05": LossConfig(alpha=0.05),
}
"""Arms that must lose, the worst first."""


@dataclass(frozen=True)
class Setup:
    """What all comparisons of a run share."""

    preset: str = "quick"
    """Of `study.presets`: subjects, folds, epochs, network."""
    repeats: int = 2
    """R of each side."""
    seed: int = 0
    """Of subjects, splits and trainings."""

    @property
    def config(self) -> StudyConfig:
        """The study that each comparison is the size of."""
        preset = PRESETS[self.preset]
        return StudyConfig.model_validate({k: v for k, v in preset.items() if k != "arms"})


@dataclass(frozen=True)
class Comparison:
    """An arm against the baseline."""

    kind: Kind
    number: int
    """Among those of its kind; subjects and seeds follow from it."""
    name: str
    arm: LossConfig
    apart: int
    """Added to the arm's repeats; a multiple of SPLITS keeps the splits."""

    def repeats(self, count: int) -> list[tuple[int, int]]:
        """The arm's repeat and the baseline's, `count` pairs."""
        return [(repeat + self.apart, repeat) for repeat in range(1, count + 1)]

    def training_seed(self, seed: int) -> int:
        """Seed of splits and trainings."""
        return int(self._key(seed).generate_state(1)[0])

    def subjects(self, names: Collection[str], count: int, seed: int) -> list[str]:
        """Draw `count` of the names without replacement, sorted."""
        drawn = np.random.default_rng(self._key(seed)).choice(sorted(names), count, replace=False)
        return sorted(drawn.tolist())

    def _key(self, seed: int) -> np.random.SeedSequence:
        return np.random.SeedSequence([seed, KINDS.index(self.kind), self.number])


def planned(kinds: Collection[str], pairs: int) -> list[Comparison]:
    """The comparisons of these kinds; crippled arms first, since they are few."""
    known = [
        Comparison("known", number, f"known/{name}", loss, 0)
        for number, (name, loss) in enumerate(CRIPPLED.items())
    ]
    same = [Comparison("aa", i, f"aa/{i:03}", BASELINE, SPLITS) for i in range(pairs)]
    return [one for one in known + same if one.kind in kinds]
