"""The baseline's data: every sequence once an epoch, of about one length if bucketed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from benchmarks.made_up import made_up
from benchmarks.plain.data import (
    FoldDataset,
    LengthBuckets,
    Padded,
    scaling_of,
    training_loader,
    validation_loader,
)

BATCH = 8


@pytest.fixture(scope="module")
def dataset() -> FoldDataset:
    sequences = made_up(each=20)
    chosen = np.arange(len(sequences))
    return FoldDataset(sequences, chosen, scaling_of(sequences, chosen), max_length=25)


def batches(dataset: FoldDataset, *, bucketed: bool) -> list[Padded]:
    return list(training_loader(dataset, BATCH, bucketed=bucketed))


@pytest.mark.parametrize("bucketed", [False, True])
def test_every_sequence_comes_once_padded_with_zeros(
    dataset: FoldDataset, *, bucketed: bool
) -> None:
    seen = batches(dataset, bucketed=bucketed)
    assert len(seen) == len(training_loader(dataset, BATCH, bucketed=bucketed)) == 15
    lengths = torch.cat([batch.exists.sum(1) for batch in seen])
    assert sorted(lengths.tolist()) == sorted(dataset.length.tolist())
    assert max(dataset.length) == 25  # the last rows of longer ones
    for batch in seen:
        assert batch.x.shape[:2] == batch.exists.shape
        assert not batch.x[~batch.exists].any()


def test_buckets_pad_less(dataset: FoldDataset) -> None:
    torch.manual_seed(0)
    random, bucketed = (
        np.mean([batch.x.shape[1] for batch in batches(dataset, bucketed=b)]) for b in (False, True)
    )
    assert bucketed < 0.85 * random


def test_buckets_come_in_another_order_every_epoch(dataset: FoldDataset) -> None:
    buckets = LengthBuckets(dataset.length, BATCH)
    assert list(buckets) != list(buckets)


def test_validation_keeps_the_order_unless_bucketed(dataset: FoldDataset) -> None:
    plain = torch.cat([b.label for b in validation_loader(dataset, BATCH, bucketed=False)])
    assert plain.tolist() == dataset.labels.tolist()
    lengths = [b.exists.sum(1) for b in validation_loader(dataset, BATCH, bucketed=True)]
    assert torch.cat(lengths).tolist() == sorted(dataset.length)


def test_scaling_leaves_out_what_was_not_recorded() -> None:
    sequences = made_up()
    assert sequences.present is not None
    mean, sd = scaling_of(sequences, np.arange(len(sequences)))
    recorded = np.where(sequences.present, sequences.features, np.nan)
    np.testing.assert_allclose(mean, np.nanmean(recorded, axis=0), rtol=1e-5)
    np.testing.assert_allclose(sd, np.nanstd(recorded, axis=0), rtol=1e-5)
