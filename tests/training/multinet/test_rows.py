"""Which frames a row has, and where they come from."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from training.frame_loader import FrameLoader, FrameLoaderParameters
from training.multinet.data import FrameSet, MultiNetData, open_split
from training.multinet.frames import car_frames, road_frames
from training.multinet.rows import RowBatch, Rows
from training.subset import SubsetParameters

ALL = SubsetParameters()


def data(**changes: object) -> MultiNetData:
    own = MultiNetData(cars_per_row=2, car_height=64, car_width=128)
    return dataclasses.replace(own, **changes)  # type: ignore[arg-type]


def rows(drive: Path, kitti_object: Path, seed: int = 3) -> Rows:
    return Rows(data(), road_frames(drive), car_frames(kitti_object), seed)


def test_an_epoch_has_each_road_frame_as_it_is_and_flipped(drive: Path, kitti_object: Path) -> None:
    made = rows(drive, kitti_object)
    assert len(made) == 8
    keys = [made.row(number)[1].split("+") for number in range(16)]
    for epoch in (keys[:8], keys[8:]):
        assert sorted(key[0] for key in epoch[::2]) == [f"{number:06d}" for number in range(4)]
        assert [key[0] + "-flipped" for key in epoch[::2]] == [key[0] for key in epoch[1::2]]
    cars = [key for row in keys for key in row[1:]]
    assert sorted(cars[:5]) == sorted(cars[5:10]) == [f"{number:06d}" for number in range(5)]
    assert cars[:5] != cars[5:10] or cars[5:10] != cars[10:15]


def test_rows_are_counted_over_the_epochs(drive: Path, kitti_object: Path) -> None:
    made = rows(drive, kitti_object)
    later = made.batch(1, np.array([2]), 1)
    assert later.keys == [made.row(10)[1]]
    assert torch.equal(later.rows[0].road, made.row(10)[0].road)
    assert later.keys != made.batch(0, np.array([2]), 1).keys


def test_a_row_has_the_shapes_of_the_network(drive: Path, kitti_object: Path) -> None:
    row, _ = rows(drive, kitti_object).row(0)
    assert row.road.shape[:2] == (1, 3)
    assert row.labels.shape == (1, *row.road.shape[2:])
    assert row.cars.shape == (2, 3, 64, 128)
    assert row.truth.box.shape == (2, 2, 4, 4)
    assert row.truth.positive.any()


def test_a_row_without_decoder_or_sample_has_no_images_or_nothing_to_learn(drive: Path, kitti_object: Path) -> None:
    road, _ = Rows(data(), road_frames(drive), [], 0).row(0)
    assert len(road.cars) == len(road.truth.box) == 0
    only_cars = Rows(data(), [], car_frames(kitti_object), 0)
    assert len(only_cars) == 3
    assert len(only_cars.row(0)[0].road) == 0
    batch = rows(drive, kitti_object).batch(0, np.array([5]), 2)
    assert batch.keys[1] == ""
    empty = batch.rows[1]
    assert (empty.labels == 2).all()
    assert not empty.truth.positive.any()
    assert not empty.truth.mask.any()


def loader(drive: Path, kitti_object: Path, workers: int, ranks: tuple[int, int] = (0, 1)) -> FrameLoader[RowBatch]:
    made = rows(drive, kitti_object)
    return FrameLoader(made.batch, len(made), FrameLoaderParameters(2, workers), "x", 3, ranks, shuffle=False)


def same(one: RowBatch, other: RowBatch) -> bool:
    return one.keys == other.keys and all(
        torch.equal(a.road, b.road) and torch.equal(a.cars, b.cars) and torch.equal(a.truth.box, b.truth.box)
        for a, b in zip(one.rows, other.rows, strict=True)
    )


def test_rows_do_not_depend_on_workers_ranks_or_where_one_begins(drive: Path, kitti_object: Path) -> None:
    alone = loader(drive, kitti_object, 0)
    whole = [*alone, *alone]  # two epochs
    assert len(whole) == 8
    resumed = loader(drive, kitti_object, 2)
    resumed.load_state_dict({"seed": 3, "epoch": 1, "position": 4, "dataset": "x"})
    assert all(same(one, other) for one, other in zip(whole[6:], resumed, strict=True))
    parts = [list(loader(drive, kitti_object, 1, (rank, 2))) for rank in (0, 1)]
    for batch, first, second in zip(whole[:4], *parts, strict=True):
        assert same(batch, RowBatch(first.rows + second.rows, first.keys + second.keys))
    with pytest.raises(ValueError, match="the run was trained on data y, this is x"):
        resumed.load_state_dict({"seed": 3, "epoch": 1, "position": 4, "dataset": "y"})


def test_a_file_that_breaks_is_named_also_by_workers(drive: Path, kitti_object: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    made = rows(drive, kitti_object)
    made.cars = [dataclasses.replace(frame, image=broken) for frame in made.cars]
    batches = FrameLoader(made.batch, len(made), FrameLoaderParameters(2, 1), "x", 3, shuffle=False)
    with pytest.raises(ValueError, match=r"^.*broken.png cannot be read as an image$"):
        list(batches)


def test_a_split_has_the_frames_of_its_decoders(drive: Path) -> None:
    own = MultiNetData(FrameSet("street", validation_folder="street"))
    split = open_split(drive.parent, own, "road", ALL, validation=True)
    assert len(split.road) == 4
    assert split.cars == []
    half = open_split(drive.parent, own, "road", SubsetParameters(max_samples=2), validation=False)
    assert len(half.road) == 2
    assert len(open_split(drive.parent, own, "road", SubsetParameters(max_samples=2), validation=True).road) == 4
    with pytest.raises(ValueError, match=r"dataset.cars: give validation_folder or validation_frames"):
        open_split(drive.parent, own, "joint", ALL, validation=True)


def test_cars_split_by_drives_where_the_mapping_is_given(kitti_object: Path, tmp_path: Path) -> None:
    (tmp_path / "train_mapping.txt").write_text("".join(f"d drive_{number} 0\n" for number in range(5)))
    (tmp_path / "train_rand.txt").write_text("3,1,5,2,4")
    own = MultiNetData(cars=FrameSet(".", mapping=str(tmp_path)))
    # fewer frames than the 481 that are wanted: all drives would be held out
    with pytest.raises(ValueError, match="leave none for training"):
        open_split(kitti_object, own, "cars", ALL, validation=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cars_per_row": 0}, "dataset.cars_per_row must be positive"),
        ({"road_height": 60}, "give both road_height and road_width"),
        ({"car_width": 100}, "must be multiples of 32, not 64x100"),
        ({"road": FrameSet(mapping="x")}, "the mapping is of the object benchmark"),
    ],
)
def test_sizes_that_cannot_be_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        data(**changes).check()
