"""The sequences a study trains on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model.data.load import load_sequences
from model.errors import DataError, Fault

if TYPE_CHECKING:
    from model.data.sequences import SequenceSet
    from study.config import StudyConfig


def study_sequences(config: StudyConfig) -> SequenceSet:
    """Load them: those of the study's subjects, pilots left out.

    Raises:
        DataError: data that cannot be used, or fewer subjects than the study asks for.
    """
    sequences = load_sequences(config.data, config.features.feature_set).without_pilots()
    if config.subjects is None:
        return sequences
    names = sorted({sequences.subject_names[i] for i in set(sequences.subject.tolist())})
    if len(names) < config.subjects:
        raise DataError(
            config.data,
            [
                Fault(
                    f"expected at least {config.subjects} subjects that are not pilots (setting "
                    f"subjects), found {len(names)}"
                )
            ],
        )
    return sequences.of_subjects(names[: config.subjects])
