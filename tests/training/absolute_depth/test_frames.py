"""Frames with sparse depth: readers, sizes, the mirror, the order."""

import dataclasses
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from training.absolute_depth.batches import DepthBatch, DepthBatches, prepare
from training.absolute_depth.configuration import AbsoluteDepthConfiguration, DepthData
from training.absolute_depth.examples import depth_example, mirror, resize_sparse
from training.absolute_depth.frames import depth_frames
from training.frame_files import FrameError
from training.frame_loader import FrameLoader, FrameLoaderParameters
from training.input import AugmentationParameters
from training.subset import SubsetParameters


def test_a_drive_is_read(drive: Path) -> None:
    frames = depth_frames(drive)
    assert [frame.key for frame in frames] == [f"{number:06d}" for number in range(4)]
    assert {frame.centre for frame in frames} == {33}
    codes = cv2.imread(str(drive / "depth" / "000002.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(frames[2].metres(), codes.astype(np.float32) / 256)
    assert frames[2].pixels().shape == (40, 60, 3)
    assert depth_frames(drive.parent)[0].key == "street-000000"


def test_kitti_is_read_with_prepared_depth(kitti: Path) -> None:
    frames = depth_frames(kitti / "raw", kitti / "frames.csv", kitti / "depth" / "forward_x")
    # the second frame has no scan
    assert [frame.image.name for frame in frames] == ["0000000000.jpg", "0000000002.jpg"]
    assert all(frame.centre == 33 for frame in frames)
    assert np.count_nonzero(frames[0].metres()) > 50
    assert frames[0].key == "2011_09_26_drive_0001_sync-image_02-0000000000"


def test_what_is_missing_is_named(kitti: Path, drive: Path, tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="is no simulated drive; for KITTI raw give a list of frames"):
        depth_frames(kitti / "raw")
    with pytest.raises(FrameError, match=r"has no prepared-\*.json; run PrepareKittiDepth"):
        depth_frames(kitti / "raw", kitti / "frames.csv", tmp_path)
    with pytest.raises(FrameError, match="which needs neither a list nor prepared depth"):
        depth_frames(drive, kitti / "frames.csv")
    copy = tmp_path / "copy"
    shutil.copytree(kitti / "depth" / "forward_x", copy)
    next(copy.rglob("0000000002.png")).unlink()
    with pytest.raises(FrameError, match=r"lacks 1 files of 2 frames, the first .*0000000002.png"):
        depth_frames(kitti / "raw", kitti / "frames.csv", copy)
    next(copy.glob("*/*/*/prepared-*.json")).write_text("{}")
    with pytest.raises(FrameError, match=r"is no record of PrepareKittiDepth"):
        depth_frames(kitti / "raw", kitti / "frames.csv", copy)


def test_damaged_files_of_a_drive_are_named(drive: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(drive, copy)
    (copy / "depth" / "000001.png").write_bytes(b"no image")
    with pytest.raises(FrameError, match=r"depth/000001.png is no 16-bit depth image"):
        depth_frames(copy)[1].metres()
    (copy / "calib.txt").write_text("P2: 1 2 3\n")
    with pytest.raises(FrameError, match=r"calib.txt has no row P2: of twelve numbers"):
        depth_frames(copy)
    (copy / "calib.txt").unlink()
    with pytest.raises(FrameError, match=r"calib.txt has no row P2"):
        depth_frames(copy)


def test_sparse_depth_is_not_interpolated() -> None:
    metres = np.zeros((4, 6), np.float32)
    metres[0, 0], metres[1, 1], metres[3, 5], metres[2, 2] = 9, 5, 7, 4
    assert resize_sparse(metres, (2, 3)).tolist() == [[5, 0, 0], [0, 4, 7]]
    larger = resize_sparse(metres, (8, 12))
    assert np.count_nonzero(larger) == 4
    assert larger[0, 0] == 9
    assert larger[6, 10] == 7
    assert not resize_sparse(np.zeros((4, 6), np.float32), (2, 3)).any()


def test_the_mirror_is_at_the_principal_point() -> None:
    image = np.arange(6, dtype=np.uint8).reshape(1, 6, 1).repeat(3, 2)
    metres = np.arange(1, 7, dtype=np.float32).reshape(1, 6)
    flipped, depth = mirror(image, metres, 2.5)  # the middle: a plain flip
    assert flipped[0, :, 0].tolist() == [5, 4, 3, 2, 1, 0]
    assert depth.tolist() == [[6, 5, 4, 3, 2, 1]]
    flipped, depth = mirror(image, metres, 3.5)
    assert flipped[0, :, 0].tolist() == [5, 5, 5, 4, 3, 2]
    assert depth.tolist() == [[0, 0, 6, 5, 4, 3]]
    flipped, depth = mirror(image, metres, 1.0)
    assert depth.tolist() == [[3, 2, 1, 0, 0, 0]]
    assert flipped[0, :, 0].tolist() == [2, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("centre", [0.0, 1.5, 2.5, 3.5, 5.0])
def test_mirrored_twice_is_as_before_where_nothing_was_lost(centre: float) -> None:
    image = np.arange(6, dtype=np.uint8).reshape(1, 6, 1).repeat(3, 2)
    metres = np.arange(1, 7, dtype=np.float32).reshape(1, 6)
    again, depth = mirror(*mirror(image, metres, centre), centre)
    kept = np.abs(np.arange(6) - centre) <= min(centre, 5 - centre)
    assert depth[0].tolist() == np.where(kept, metres[0], 0).tolist()
    assert again[0, kept].tolist() == image[0, kept].tolist()
    assert kept.any()


def test_a_mirrored_scene_has_the_same_camera() -> None:
    """A point left of the axis by so much comes as much to its right: u = f X / Z + c holds for -X."""
    width, focal, centre = 101, 60.0, 42.0
    columns = np.array([centre + focal * X / 10 for X in (-3.0, 1.0, 5.0)])
    metres = np.zeros((1, width), np.float32)
    metres[0, np.rint(columns).astype(int)] = [11, 12, 13]
    _, mirrored = mirror(np.zeros((1, width, 3), np.uint8), metres, centre)
    expected = np.rint([centre + focal * X / 10 for X in (3.0, -1.0, -5.0)]).astype(int)
    assert mirrored[0, expected].tolist() == [11, 12, 13]


def test_examples_are_mirrored_at_the_scaled_principal_point(drive: Path) -> None:
    frame = depth_frames(drive)[0]
    image, metres = depth_example(frame, (20, 30), mirrored=False)
    assert image.shape == (20, 30, 3)
    flipped, mirrored = depth_example(frame, (20, 30), mirrored=True)
    # column 33 of 60 is 16.25 of 30: 32.5 rounds to 32, column 2 comes from column 30, which is none, 3 from 29
    np.testing.assert_array_equal(flipped[:, 3], image[:, 29])
    np.testing.assert_array_equal(mirrored[:, 3:], metres[:, 3:][:, ::-1])
    assert not mirrored[:, :3].any()


def test_a_depth_image_of_another_size_is_refused(drive: Path, tmp_path: Path) -> None:
    path = tmp_path / "small.png"
    cv2.imwrite(str(path), np.ones((4, 4), np.uint16))
    with pytest.raises(FrameError, match=r"small.png is 4x4, its image 60x40"):
        depth_example(dataclasses.replace(depth_frames(drive)[0], depth=path), (20, 30), False)


def loader(drive: Path, ranks: tuple[int, int] = (0, 1), workers: int = 0) -> FrameLoader[DepthBatch]:
    made = DepthBatches(depth_frames(drive), (20, 30), 0.5, 7)
    return FrameLoader(made.batch, 4, FrameLoaderParameters(2, workers), "x", 7, ranks)


def test_ranks_and_workers_share_the_same_steps(drive: Path) -> None:
    whole = list(loader(drive))
    assert sorted(whole[0].keys + whole[1].keys) == [f"{number:06d}" for number in range(4)]
    parts = [list(loader(drive, (rank, 2), workers=1)) for rank in (0, 1)]
    for batch, first, second in zip(whole, *parts, strict=True):
        assert batch.keys == first.keys + second.keys
        for name in ("images", "metres", "draws"):
            assert torch.equal(getattr(batch, name), torch.cat([getattr(first, name), getattr(second, name)]))


def test_rows_without_a_sample_have_no_depth(drive: Path) -> None:
    batch = DepthBatches(depth_frames(drive), (20, 30), 0.5, 7).batch(0, np.array([1]), 3)
    assert batch.keys == ["000001", "", ""]
    assert not batch.metres[1:].any()
    assert batch.metres[0].any()


def test_colours_are_jittered_by_the_batchs_own_numbers(drive: Path) -> None:
    batch = DepthBatches(depth_frames(drive), (20, 30), 0.0, 7).batch(0, np.array([1, 2]), 2)
    still = AugmentationParameters(brightness=0, contrast=0, saturation=0, hue=0)
    example = prepare(batch, torch.device("cpu"), still)
    torch.testing.assert_close(example.images, batch.images.float() / 255)
    bright = prepare(batch, torch.device("cpu"), dataclasses.replace(still, brightness=0.5))
    factors = 1 + 0.5 * (2 * batch.draws[:, 1] - 1)
    expected = (example.images * factors.view(-1, 1, 1, 1)).clamp(0, 1)
    torch.testing.assert_close(bright.images, expected)
    assert example.part(slice(1, 2)).keys == ["000002"]


def test_frames_are_named_by_the_configuration(drive: Path, kitti: Path) -> None:
    with pytest.raises(ValueError, match="give validation_folder or validation_frames"):
        DepthData().open(drive, True)
    own = DepthData("street", validation_folder="street")
    assert len(own.open(drive.parent, False)) == len(own.open(drive.parent, True)) == 4
    listed = str(kitti / "frames.csv")
    of_kitti = DepthData("raw", "depth/forward_x", listed, validation_frames=listed)
    assert len(of_kitti.open(kitti, False)) == len(of_kitti.open(kitti, True)) == 2
    some = AbsoluteDepthConfiguration(dataset=own, subset=SubsetParameters(max_samples=3))
    assert len(some.frames(drive.parent, validation=False)) == 3
    assert len(some.frames(drive.parent, validation=True)) == 4
