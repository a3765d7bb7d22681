"""Batches: the same samples in the same order, whoever reads them, whatever happens meanwhile."""

import io
import json
import logging
import pickle
import shutil
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import webdataset

from training.loader import Batch, Loader, LoaderParameters
from training.shards import Dataset, DatasetError

PARAMETERS = LoaderParameters(batch_size=4, workers=0, shards_mixed=2, confidence=True)
SIZE = (32, 48)
FIRST = "drive-00000000"


def loader(folder: Path, split: str = "train", **changes: Any) -> Loader:
    own = {name: changes.pop(name) for name in list(changes) if hasattr(PARAMETERS, name)}
    return Loader(Dataset.open(str(folder)).split(split), replace(PARAMETERS, **own), SIZE, **{"seed": 3, **changes})


def keys(batches: Iterable[Batch]) -> list[str]:
    return [key for batch in batches for key in batch.keys if key]


def assert_same(found: Batch, wanted: Batch) -> None:
    assert found.keys == wanted.keys
    for name in ("images", "codes", "confidence", "draws"):
        assert torch.equal(getattr(found, name), getattr(wanted, name)), name


def all_keys(folder: Path, split: str) -> list[str]:
    return sorted(Dataset.open(str(folder)).split(split).keys.to_pylist())


# -- order -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [0, 2, 3])
def test_an_epoch_has_every_sample_once_and_the_next_another_order(small_dataset: Path, workers: int) -> None:
    one = loader(small_dataset, workers=workers)
    first, second = list(one), list(one)
    assert len(first) == len(second) == one.steps_per_epoch == 6
    assert sorted(keys(first)) == sorted(keys(second)) == all_keys(small_dataset, "train")
    assert keys(first) != keys(second)
    assert [len(batch.keys) for batch in first] == [4] * 6
    assert one.epoch == 2


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_workers_change_nothing(small_dataset: Path, workers: int) -> None:
    for found, wanted in zip(loader(small_dataset, workers=workers), loader(small_dataset), strict=True):
        assert_same(found, wanted)


@pytest.mark.parametrize(("ranks", "batch_size"), [(2, 4), (4, 4), (2, 22), (8, 8), (30, 30)])
def test_ranks_share_the_batches_of_one(small_dataset: Path, ranks: int, batch_size: int) -> None:
    # three shards of 11, 8 and 3 samples: uneven, and fewer than ranks
    whole = list(loader(small_dataset, batch_size=batch_size))
    parts = [list(loader(small_dataset, batch_size=batch_size, rank=rank, world_size=ranks)) for rank in range(ranks)]
    assert [len(part) for part in parts] == [len(whole)] * ranks
    for step, wanted in enumerate(whole):
        together = [part[step] for part in parts]
        assert [key for batch in together for key in batch.keys] == wanted.keys
        held = [bool(key) for key in wanted.keys]
        for name in ("images", "codes", "confidence", "draws"):
            found = torch.cat([getattr(batch, name) for batch in together])
            assert torch.equal(found[held], getattr(wanted, name)[held]), name


def test_validation_comes_as_the_table_lists_it(small_dataset: Path) -> None:
    split = Dataset.open(str(small_dataset)).split("val")
    assert keys(loader(small_dataset, "val", shuffle=False, workers=2)) == split.keys.to_pylist()


def test_rows_without_a_sample_have_no_labels_and_anothers_frame(small_dataset: Path) -> None:
    *_, last = loader(small_dataset)
    assert [bool(key) for key in last.keys] == [True, True, False, False]
    assert last.confidence is not None
    assert not last.codes[2:].any() and not last.confidence[2:].any() and last.codes[:2].any()
    assert all(any(torch.equal(last.images[row], last.images[other]) for other in (0, 1)) for row in (2, 3))


# -- resuming ----------------------------------------------------------------------------------------------------------

CHANGES = {
    "nothing": ({}, {}),
    "1 to 2 ranks": ({}, {"world_size": 2}),
    "2 to 1 ranks": ({"world_size": 2}, {}),
    "2 to 4 ranks": ({"world_size": 2}, {"world_size": 4}),
    "2 to 3 workers": ({"workers": 2}, {"workers": 3}),
    "another batch": ({}, {"batch_size": 6}),
}


def steps(folder: Path, state: dict[str, Any] | None, world_size: int = 1, **changes: Any) -> list[list[str]]:
    """The keys of each step of the rest of an epoch, over all ranks."""
    ranks = []
    for rank in range(world_size):
        one = loader(folder, rank=rank, world_size=world_size, **changes)
        if state is not None:
            one.load_state_dict(state)
        promised, found = one.steps_left, list(one)
        assert len(found) == promised
        ranks.append(found)
    return [keys(batches) for batches in zip(*ranks, strict=True)]


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
def test_what_remains_of_an_epoch_is_that_of_the_undisturbed_run(
    small_dataset: Path, before: dict[str, int], after: dict[str, int]
) -> None:
    undisturbed = steps(small_dataset, None, **before)
    assert sorted(chain(*undisturbed)) == all_keys(small_dataset, "train")
    interrupted, iterator = (one := loader(small_dataset, **before)), iter(one)
    for done in range(1, 6):
        next(iterator)
        # what a checkpoint keeps; the workers have read further by now
        state = json.loads(json.dumps(interrupted.state_dict()))
        remaining = steps(small_dataset, state, **after)
        assert list(chain(*remaining)) == list(chain(*undisturbed[done:]))
        if after.get("batch_size", 4) == 4:
            assert remaining == undisturbed[done:]


def test_a_resumed_epoch_has_the_same_pixels_and_augmentation(small_dataset: Path) -> None:
    undisturbed = list(one := loader(small_dataset)) + list(one)
    again = loader(small_dataset, workers=2)
    again.load_state_dict({"seed": 3, "epoch": 1, "position": 8, "dataset": "0123456789ab"})
    for found, wanted in zip(again, undisturbed[8:], strict=True):
        assert_same(found, wanted)
    assert not torch.equal(undisturbed[0].draws, undisturbed[6].draws)


def test_another_dataset_is_not_resumed(small_dataset: Path) -> None:
    with pytest.raises(ValueError, match=r"the run read dataset ffff, .* is 0123456789ab: it cannot be resumed here"):
        loader(small_dataset).load_state_dict({"seed": 3, "epoch": 0, "position": 4, "dataset": "ffff"})


def test_a_batch_that_cannot_be_dealt_is_refused(small_dataset: Path) -> None:
    with pytest.raises(ValueError, match="a batch of 4 cannot be dealt to 3 ranks; give a multiple"):
        loader(small_dataset, world_size=3)


# -- damage ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def damaged(small_dataset: Path, tmp_path: Path) -> Path:
    """A copy to damage."""
    return Path(shutil.copytree(small_dataset, tmp_path / "copy"))


def place(folder: Path, key: str) -> tuple[Path, int, int]:
    split = Dataset.open(str(folder)).split("train")
    shard, offset, size = split.place(split.keys.to_pylist().index(key))
    return folder / shard, offset, size


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def header(folder: Path) -> set[str]:
    path, offset, _ = place(folder, FIRST)
    overwrite(path, offset, b"\xff" * 512)
    return {FIRST}


def frame(folder: Path) -> set[str]:
    path, offset, _ = place(folder, FIRST)
    overwrite(path, offset + 512, bytes(100))
    return {FIRST}


def label(folder: Path) -> set[str]:
    path, offset, size = place(folder, FIRST)
    at = path.read_bytes().index(b"IDAT", offset, offset + size)
    overwrite(path, at + 30, b"\0\xff\0")
    return {FIRST}


def truncation(folder: Path) -> set[str]:
    path, offset, _ = place(folder, "drive-00000009")
    with path.open("r+b") as file:
        file.truncate(offset + 700)
    return {"drive-00000009", "drive-00000010"}


def missing(folder: Path) -> set[str]:
    place(folder, "drive-00000019")[0].unlink()
    return {"drive-00000019", "drive-00000020", "drive-00000021"}


DAMAGE = {
    "not a tar header": header,
    "damaged JPEG": frame,
    "does not match its checksum": label,
    "the tar is truncated": truncation,
    "cannot be read": missing,
}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(("reason", "harm"), DAMAGE.items(), ids=[harm.__name__ for harm in DAMAGE.values()])
def test_damage_costs_its_samples_alone_and_is_named(
    damaged: Path, caplog: pytest.LogCaptureFixture, reason: str, harm: Any, workers: int
) -> None:
    sound = {key: batch.images[row] for batch in loader(damaged) for row, key in enumerate(batch.keys) if key}
    lost = harm(damaged)
    one = loader(damaged, workers=workers, skipped_fraction=0.2)
    with caplog.at_level(logging.WARNING, "training.loader"):
        batches = list(one)
    assert len(batches) == one.steps_per_epoch == 6
    assert set(keys(batches)) == set(sound) - lost and len(keys(batches)) == len(sound) - len(lost)
    skipped = [skipped for batch in batches for skipped in batch.skipped]
    assert {skip.key for skip in skipped} == lost and all(reason in skip.reason for skip in skipped)
    for batch in batches:
        for row, key in enumerate(batch.keys):
            assert torch.equal(batch.images[row], sound[key]) if key else not batch.codes[row].any()
    shard = skipped[0].shard
    assert f"epoch 0: {len(lost)} of 22 samples of train cannot be read: {shard}: {len(lost)}, as " in caplog.text
    assert f"in {shard} is skipped: " in caplog.text


def test_too_much_damage_stops_with_what_and_how_much(damaged: Path) -> None:
    missing(damaged)
    with pytest.raises(DatasetError, match=r"3 of 22 .*small-train-000002\.tar: 3, as .*than skipped_fraction 0\.1 "):
        list(loader(damaged, skipped_fraction=0.1))


def test_damage_is_counted_anew_in_each_epoch(damaged: Path) -> None:
    header(damaged)
    one = loader(damaged, skipped_fraction=0.05)
    for _ in range(3):
        assert len(keys(one)) == 21


# -- what tars hold ----------------------------------------------------------------------------------------------------


class Trap:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_pickles_are_not_opened(damaged: Path, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    content = pickle.dumps(Trap(trap))
    path, offset, size = place(damaged, FIRST)
    blocks = path.read_bytes()[offset : offset + size]
    for name in (f"{FIRST}.pkl", f"{FIRST}.pyd", f"{FIRST}.pth"):
        info = tarfile.TarInfo(name)
        info.size = len(content)
        blocks += info.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % 512)
    (damaged / "trap.tar").write_bytes(blocks)
    split = Dataset.open(str(damaged)).split("train")
    split.shards.append("trap.tar")
    number = split.keys.to_pylist().index(FIRST)
    split.shard = split.shard.copy()
    split.shard[number] = len(split.shards) - 1
    split._offset, split._size = split._offset.copy(), split._size.copy()
    split._offset[number], split._size[number] = 0, len(blocks)
    found = list(Loader(split, PARAMETERS, SIZE, seed=3))
    assert FIRST in keys(found) and not trap.exists()
    pickle.loads(content)
    assert trap.exists()  # the trap works


def test_stock_webdataset_reads_the_tars(small_dataset: Path) -> None:
    split = Dataset.open(str(small_dataset)).split("train")
    urls = [str(small_dataset / shard) for shard in split.shards]
    stock = webdataset.WebDataset(urls, shardshuffle=False, empty_check=False).decode("rgb8")
    found = {sample["__key__"]: sample for sample in stock}
    assert sorted(found) == all_keys(small_dataset, "train")
    assert set(found[FIRST]) >= {"jpg", "depth.png", "confidence.png", "json"}
    path, offset, size = place(small_dataset, FIRST)
    with tarfile.open(fileobj=io.BytesIO(path.read_bytes()[offset : offset + size])) as tar:
        assert tar.getnames() == [f"{FIRST}.{kind}" for kind in ("jpg", "depth.png", "confidence.png", "json")]
    whole = Loader(split, replace(PARAMETERS, batch_size=22), (64, 96))
    (batch,) = whole
    row = batch.keys.index(FIRST)
    assert found[FIRST]["json"] == {"frame": 0}
    np.testing.assert_array_equal(found[FIRST]["depth.png"][..., 0], batch.codes[row].numpy())
    assert np.abs(found[FIRST]["jpg"].astype(int) - batch.images[row].permute(1, 2, 0).numpy()).mean() < 2
