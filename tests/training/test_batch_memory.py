"""Slots are lent once at a time, whoever fills them, and never twice."""

import gc
import os
from pathlib import Path

import torch

from training.batch_memory import LARGEST, BatchMemory
from training.loader import Loader, LoaderParameters
from training.shards import Dataset


def test_a_slot_is_free_again_when_all_that_shares_it_is_gone() -> None:
    memory = BatchMemory(2, 8)
    first, second = memory.take(), memory.take()
    assert {first, second} == {0, 1} and memory.take() is None
    assert first is not None
    whole = memory.lend(first)
    part = whole[2:4].reshape(1, 2)
    del whole
    gc.collect()
    assert memory.take() is None
    del part
    assert memory.take() == first


def test_what_a_forked_process_fills_is_here() -> None:
    memory = BatchMemory(1, 4)
    process = os.fork()
    if not process:
        slot = memory.take()
        assert slot is not None
        memory.to_fill(slot).fill_(7)
        os._exit(0)
    os.waitpid(process, 0)
    assert memory.take() is None
    assert memory.lend(0).tolist() == [7] * 4


def test_a_forked_process_gives_nothing_back() -> None:
    memory = BatchMemory(1, 4)
    memory.take()
    lent = memory.lend(0)
    process = os.fork()
    if not process:
        del lent
        os._exit(0)
    os.waitpid(process, 0)
    assert memory.take() is None
    assert lent.numel() == 4


def test_there_are_as_many_slots_as_a_byte_counts() -> None:
    memory = BatchMemory(LARGEST + 50, 1)
    taken = [memory.take() for _ in range(LARGEST + 1)]
    assert taken[:-1] == list(range(LARGEST)) and taken[-1] is None


def test_batches_that_are_kept_keep_their_pixels(small_dataset: Path) -> None:
    split = Dataset.open(str(small_dataset)).split("train")
    for workers in (0, 1):  # 11 batches, more than there are slots
        parameters = LoaderParameters(batch_size=2, workers=workers, prefetch=1)
        kept = list(Loader(split, parameters, (32, 48)))
        for batch, again in zip(kept, Loader(split, parameters, (32, 48)), strict=True):
            assert batch.keys == again.keys and torch.equal(batch.images, again.images)
            assert torch.equal(batch.codes, again.codes)


def test_batches_that_are_let_go_come_in_the_same_memory(small_dataset: Path) -> None:
    split = Dataset.open(str(small_dataset)).split("train")
    places = [b.images.data_ptr() for b in Loader(split, LoaderParameters(batch_size=2, workers=0), (32, 48))]
    assert len(places) == 11 and len(set(places)) <= 3
