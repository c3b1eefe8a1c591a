"""Recordings made of random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from model.data.features import features
from model.data.sequences import Recording, SequenceSet
from model.hierarchy import Hierarchy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RATE_HZ = 10.0


def random_recording(
    length: Sequence[int] = (5, 1, 9, 30),
    *,
    seed: int = 0,
    missing: Sequence[int] = (),
    extra: NDArray[np.float32] | None = None,
) -> Recording:
    """Smoothly turning sensors; the rows in `missing` have no quaternion."""
    rng = np.random.default_rng(seed)
    rows, sequences = sum(length), len(length)
    path = rng.normal(size=(rows, 3)).cumsum(axis=0) * 0.3
    rot = Rotation.from_rotvec(path).as_quat(scalar_first=True).astype(np.float32)
    rot[list(missing)] = np.nan
    if extra is None:
        extra = np.empty((rows, 0), np.float32)
    lengths = np.array(length, np.int64)
    return Recording(
        acc=rng.normal(scale=8, size=(rows, 3)).astype(np.float32),
        rot=rot,
        extra=extra,
        extra_names=tuple(f"extra_{i}" for i in range(extra.shape[1])),
        start=lengths.cumsum() - lengths,
        length=lengths,
        label=rng.integers(0, 3, sequences),
        subject=rng.integers(0, 2, sequences),
        sequence_id=np.array([f"SEQ_{i:06d}" for i in range(sequences)]),
        subject_names=("SUBJ_1", "SUBJ_2"),
        hierarchy=Hierarchy.of(["b"], ["a", "c"]),
        rate_hz=RATE_HZ,
        pilot_subjects=("SUBJ_2",),
    )


def sequence_set(recording: Recording, digest: str) -> SequenceSet:
    values, present, channels = features(recording, "gravity")
    return SequenceSet(
        features=values,
        present=present,
        channels=channels,
        start=recording.start,
        length=recording.length,
        label=recording.label,
        subject=recording.subject,
        sequence_id=recording.sequence_id,
        subject_names=recording.subject_names,
        hierarchy=recording.hierarchy,
        pilot_subjects=recording.pilot_subjects,
        digest=digest,
    )
