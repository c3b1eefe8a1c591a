"""Streams: the same numbers in any company, and no look at test subjects."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from model.data.batches import DeviceData, Scaling, TrainBatches, ValidationBatches
from model.data.folds import SPLITS
from model.data.masks import GAMMA, dropout_masks, splitmix64
from model.data.sequences import SequenceSet
from model.data.streams import BatchPlan, Streams
from model.fit import FitContext
from tests.model.conftest import made_up


@pytest.fixture(scope="module")
def uneven() -> SequenceSet:
    """Folds of unequal size, some values missing."""
    found = made_up(subjects=5, each=12, seed=4)
    present = np.random.default_rng(0).random(found.features.shape) > 0.2
    present[:, 0] = True
    return replace(found, present=present, features=np.where(present, found.features, 0))


def test_no_subject_on_both_sides(uneven: SequenceSet) -> None:
    for stream in Streams(uneven, 3, seed=0, normalise="train").of_repeat(0):
        trained, tested = uneven.subject[stream.train], uneven.subject[stream.test]
        assert not set(trained) & set(tested)
        assert len(stream.train) + len(stream.test) == len(uneven)


def test_scaling_knows_training_rows_only(uneven: SequenceSet) -> None:
    """Statistics of recorded training values; changing a test sequence changes nothing."""
    for stream in Streams(uneven, 3, seed=0, normalise="train").of_repeat(0):
        rows = np.concatenate(
            [np.arange(uneven.start[i], uneven.start[i] + uneven.length[i]) for i in stream.train]
        )
        assert uneven.present is not None
        shown = np.where(uneven.present[rows], uneven.features[rows].astype(float), np.nan)
        np.testing.assert_allclose(stream.mean[0], np.nanmean(shown, 0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(1 / stream.inverse_sd[0], np.nanstd(shown, 0), rtol=1e-4)


def test_subject_scaling_centres_every_subject(uneven: SequenceSet) -> None:
    stream = Streams(uneven, 3, seed=0, normalise="subject").of_repeat(0)[0]
    data = DeviceData(uneven, 200, torch.device("cpu"), torch.float64)
    everything = torch.from_numpy(np.flatnonzero(uneven.subject == 2)[None])
    x, mask, _ = data.gather(
        everything, int(uneven.length.max()), *Scaling([stream], data).of(everything)
    )
    shown = x[mask.expand_as(x) > 0].view(-1, 4)[:, 0]
    assert abs(shown.mean()) < 1e-4
    assert abs(shown.std() - 1) < 1e-2


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 4), st.integers(1, 20), st.integers(0, 3), st.integers(0, 2))
def test_every_stream_takes_the_same_steps_and_sees_its_own_side(
    folds: int, batch: int, repeat: int, epoch: int
) -> None:
    sequences = made_up(subjects=5, each=12, seed=4)
    plan = BatchPlan.of(9, len(sequences), folds, batch)
    for stream in Streams(sequences, folds, 9, "train").of_repeat(repeat):
        chosen = plan.epoch(stream, epoch, sequences.length)
        assert chosen.shape == (plan.steps, batch)
        assert set(chosen.flat) <= set(stream.train)


def test_an_endless_row_of_shuffles_shows_every_sequence_equally_often() -> None:
    sequences = made_up(subjects=5, each=12, seed=4)
    plan = BatchPlan.of(9, len(sequences), 3, 7)
    stream = Streams(sequences, 3, 9, "train").of_repeat(0)[0]
    shown = np.concatenate([plan.epoch(stream, e, sequences.length).ravel() for e in range(12)])
    times = np.bincount(shown, minlength=len(sequences))[stream.train]
    assert times.max() - times.min() <= 1


def test_streams_pad_to_about_the_same_length() -> None:
    """At any step all folds serve sequences of like length: buckets, met in one order."""
    sequences = made_up(subjects=8, each=60, seed=1)
    data = DeviceData(sequences, 200, torch.device("cpu"))
    streams = Streams(sequences, 4, 0, "train").of_repeat(0)
    plan = BatchPlan.of(0, len(sequences), 4, 16)
    filled = [
        float(batch.mask.mean()) for batch in TrainBatches(data, streams, plan, 5, 0.1, epoch=0)
    ]
    random_fill = sequences.length.mean() / sequences.length.max()
    assert np.mean(filled) > 0.88 > random_fill + 0.15


def test_order_and_dropout_belong_to_fold_and_repeat() -> None:
    sequences = made_up()
    one = Streams(sequences, 3, 0, "train")
    other = Streams(sequences, 3, 0, "train")
    other.of_repeat(1)  # asked for first: must not matter
    plan = BatchPlan.of(0, len(sequences), 3, 8)
    for a, b in zip(one.of_repeat(0), other.of_repeat(0), strict=True):
        assert np.array_equal(
            plan.epoch(a, 1, sequences.length), plan.epoch(b, 1, sequences.length)
        )
        assert a.dropout_key == b.dropout_key
    keys = [s.dropout_key for r in range(3) for s in one.of_repeat(r)]
    assert len(set(keys)) == 9


def test_repeats_that_share_a_split_share_nothing_else(context: FitContext) -> None:
    """Same folds and scaling; weights, order, dropout and drawn loss weights of their own."""
    plan, length = context.plan, context.data.length
    repeats = [context.streams.of_repeat(repeat) for repeat in (3, 3 + SPLITS, 3 + 2 * SPLITS)]
    for same in zip(*repeats, strict=True):
        for one, other in combinations(same, 2):
            assert np.array_equal(one.train, other.train)
            assert np.array_equal(one.test, other.test)
            assert np.array_equal(one.mean, other.mean)
            assert not np.array_equal(plan.epoch(one, 0, length), plan.epoch(other, 0, length))
            assert one.dropout_key != other.dropout_key
            assert not np.array_equal(one.draws(0, 9), other.draws(0, 9))
            assert not torch.equal(context.initial(one), context.initial(other))


def test_draws_belong_to_the_stream_and_the_epoch(context: FitContext) -> None:
    one, other = context.streams.of_repeat(0)
    many = one.draws(0, 5000)
    assert np.array_equal(many[:7], one.draws(0, 7)), "whatever the number of steps"
    assert not np.array_equal(many, one.draws(1, 5000))
    assert not np.array_equal(many, other.draws(0, 5000))
    assert np.abs(many.mean(0)).max() < 5 / 5000**0.5
    assert np.abs(many.std(0) - 1).max() < 0.06
    assert np.abs(np.corrcoef(many.T) - np.eye(4)).max() < 0.07


def masks(*keys: int, step: int = 0, batch: int = 64, rate: float = 0.2) -> Tensor:
    return dropout_masks(torch.tensor(keys), step, (batch, 10), rate)


def test_dropout_masks_belong_to_key_and_step() -> None:
    assert torch.equal(masks(5, 7)[0], masks(5)[0])
    assert not torch.equal(masks(5, 6)[0], masks(5, 6)[1])
    assert not torch.equal(masks(5), masks(5, step=1))


@given(st.integers(-(2**63), 2**63 - 1), st.integers(0, 10**6), st.floats(0, 0.95))
@settings(max_examples=50, deadline=None)
def test_dropout_drops_its_share_of_every_channel(key: int, step: int, rate: float) -> None:
    mask = masks(key, step=step, batch=4000, rate=rate)[0]
    dropped = (mask == 0).double().mean(0)
    assert torch.allclose(mask[mask != 0], torch.tensor(1 / (1 - rate)))
    bound = 6 * (rate * (1 - rate) / 4000) ** 0.5 + 12 / 4000  # Bernstein's, at 1.5e-8
    assert (dropped - rate).abs().max() < bound


def test_random_bits_are_those_of_splitmix64() -> None:
    """First outputs for the seed 1234567, as published with the reference implementation."""
    state = 1234567 + torch.arange(1, 4) * GAMMA
    wanted = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [bits % 2**64 for bits in splitmix64(state).tolist()] == wanted


def test_every_test_sequence_is_served_once_and_missing_values_are_zero(
    uneven: SequenceSet,
) -> None:
    data = DeviceData(uneven, 200, torch.device("cpu"))
    streams = Streams(uneven, 3, 0, "train").of_repeat(0)
    served: list[list[int]] = [[], [], []]
    for batch in ValidationBatches(data, streams, 7):
        for s in range(3):
            served[s] += batch.label[s][batch.counted[s]].tolist()
        assert batch.x.isfinite().all()
        assert (batch.x * (1 - batch.mask)).abs().max() == 0
    for stream, labels in zip(streams, served, strict=True):
        assert labels == uneven.label[stream.test].tolist()
    everything = torch.arange(len(uneven))[None]
    x, mask, _ = data.gather(
        everything, int(uneven.length.max()), *Scaling(streams[:1], data).of(everything)
    )
    assert uneven.present is not None
    recorded = (x[mask.expand_as(x) > 0] != 0).sum()
    assert recorded <= uneven.present.sum()


def test_long_sequences_keep_their_end() -> None:
    sequences = made_up()
    data = DeviceData(sequences, 10, torch.device("cpu"))
    i = int(sequences.length.argmax())
    zero, one = torch.zeros(1, 1, 1, 4), torch.ones(1, 1, 1, 4)
    x, _, _ = data.gather(torch.tensor([[i]]), 10, zero, one)
    end = sequences.start[i] + sequences.length[i]
    np.testing.assert_array_equal(x[0, 0].numpy(), sequences.features[end - 10 : end])
