"""A ground truth folder: what the benchmarks read from it is what was rendered, always with the same bytes."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.sequences import MOVING, RELIABLE, VISIBLE, Sequence
from simulation import DriveParameters, Frame, render
from simulation.ground_truth import depth_codes, flow_codes, write_ground_truth
from simulation.video import decode

from .conftest import DRIVE, SMALL


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("truth") / "drive"
    write_ground_truth(folder, DRIVE)
    return folder


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_benchmarks_read_the_motion(written: Path, drive: list[Frame]) -> None:
    sequence = Sequence(written)
    assert len(sequence) == len(drive)
    assert np.allclose(sequence.camera().matrix, drive[0].K)
    for index, frame in enumerate(drive[:-1]):
        motion = sequence.motion(index)
        assert np.allclose(motion.R, frame.R, atol=1e-10) and np.allclose(motion.T, frame.T, atol=1e-10)
    # the poses say the same
    (written / "pairs.csv").rename(written / "aside.csv")
    try:
        for index, frame in enumerate(drive[:-1]):
            motion = Sequence(written).motion(index)
            assert np.allclose(motion.R, frame.R, atol=1e-9) and np.allclose(motion.T, frame.T, atol=1e-9)
    finally:
        (written / "aside.csv").rename(written / "pairs.csv")


def test_the_benchmarks_read_the_truth(written: Path, drive: list[Frame]) -> None:
    sequence = Sequence(written)
    for index, frame in enumerate(drive):
        assert np.array_equal(sequence.image(index), frame.image)
        depth, mask = sequence.depth(index), sequence.mask(index)
        assert depth is not None and mask is not None
        known = frame.depth <= 255
        assert np.abs(depth - frame.depth)[known].max() <= 1 / 512
        assert not depth[~known].any()
        assert np.array_equal(mask & RELIABLE > 0, known)
        assert np.array_equal(mask & VISIBLE > 0, known & frame.visible)
        assert np.array_equal(mask & MOVING > 0, frame.moving)


def test_the_benchmarks_read_the_flow(written: Path, drive: list[Frame]) -> None:
    sequence = Sequence(written)
    for index, frame in enumerate(drive[:-1]):
        read = sequence.flow(index)
        assert read is not None
        flow, known = read
        assert np.array_equal(known, np.isfinite(frame.flow).all(-1) & (np.abs(frame.flow) < 511).all(-1))
        assert np.abs(flow - frame.flow)[known].max() <= 1 / 128 + 1e-6
    assert sequence.flow(len(drive) - 1) is None


def test_classes_labels_and_times(written: Path, drive: list[Frame]) -> None:
    times = [float(line) for line in (written / "times.txt").read_text().split()]
    assert times == pytest.approx([frame.time_s for frame in drive], abs=1e-6)
    for index, frame in enumerate(drive):
        classes = cv2.imread(str(written / "classes" / f"{index:06d}.png"), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(classes, frame.classes)
        lines = (written / "label_2" / f"{index:06d}.txt").read_text().splitlines()
        assert lines == [box.line() for box in frame.boxes]
        assert all(len(line.split()) == 15 for line in lines)
    assert len(list(decode(written / "video.mp4"))) == len(drive)


def test_the_same_drive_gives_the_same_bytes_anywhere(written: Path, tmp_path: Path) -> None:
    write_ground_truth(tmp_path / "elsewhere", DRIVE)
    assert digests(tmp_path / "elsewhere") == digests(written)
    names = {path.name for path in written.iterdir()}
    readme = (written / "README.md").read_text()
    assert all(f"`{name}" in readme for name in names - {"README.md"})
    assert "render OUT --seed 1 --frames 4 --width 192 --height 108 --fps 10 --traffic 2" in readme


def test_with_a_quality_the_images_are_those_of_the_video(tmp_path: Path, drive: list[Frame]) -> None:
    folder = tmp_path / "drive"
    write_ground_truth(folder, replace(DRIVE, crf=35))
    sequence = Sequence(folder)
    for index, image in enumerate(decode(folder / "video.mp4")):
        assert np.array_equal(sequence.image(index), image)
        assert 1 < np.abs(image.astype(int) - drive[index].image).mean() < 20
    depth = sequence.depth(0)
    assert depth is not None and np.array_equal(depth, depth_codes(drive[0].depth) / np.float32(256))


def test_a_pair_across_a_cut_has_no_motion_and_no_truth(tmp_path: Path) -> None:
    parameters = DriveParameters(seed=1, frames=6, cuts=1, **SMALL)
    write_ground_truth(tmp_path / "drive", parameters)
    (cut,) = (index for index, frame in enumerate(render(parameters)) if frame.cut and index < 5)
    sequence = Sequence(tmp_path / "drive")
    assert [not sequence.motion(index).T.any() for index in range(5)] == [index == cut for index in range(5)]
    mask, read = sequence.mask(cut), sequence.flow(cut)
    assert mask is not None and not (mask & VISIBLE).any() and (mask & RELIABLE).any()
    assert read is not None and not read[1].any()
    assert f"after frame {cut}." in (tmp_path / "drive" / "README.md").read_text()


def test_an_output_that_is_not_finished_leaves_nothing(tmp_path: Path) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        write_ground_truth(tmp_path / "drive", DRIVE, stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch])
def test_nothing_is_replaced(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "drive")
    with pytest.raises(ValueError, match="it exists; name a new folder or remove it first"):
        write_ground_truth(tmp_path / "drive", DRIVE)
    with pytest.raises(ValueError, match="cannot write ground truth to"):
        write_ground_truth(tmp_path / "drive" / "below" if make is Path.touch else Path("/proc/drive"), DRIVE)


def test_codes_of_the_images() -> None:
    depth = np.array([[0, 1, 1.498, 255, 255.1, np.inf]], np.float32)
    assert depth_codes(depth).tolist() == [[0, 256, 383, 65280, 0, 0]]
    flow = np.array([[[0, 0], [1.5, -2], [-512, 511.98], [512, 0], [0, -512.1], [np.nan, 0]]], np.float32)
    codes = flow_codes(flow)
    assert codes[0, :3].tolist() == [[32768, 32768, 1], [32864, 32640, 1], [0, 65535, 1]]
    assert not codes[0, 3:].any()


def test_what_is_fixed_is_what_the_scene_does_not_show_and_what_the_logo_encircles(tmp_path: Path) -> None:
    parameters = DriveParameters(frames=1, bonnet="matte", logo=True, date_stamp=True, width=320, height=180)
    write_ground_truth(tmp_path / "drive", parameters)
    fixed = cv2.imread(str(tmp_path / "drive" / "fixed.png"), cv2.IMREAD_UNCHANGED)
    void = cv2.imread(str(tmp_path / "drive" / "classes" / "000000.png"), cv2.IMREAD_UNCHANGED) == 11
    assert set(np.unique(fixed)) == {0, 255}
    assert (fixed[void] == 255).all()
    within = (fixed == 255) & ~void
    rows, columns = np.nonzero(within)
    assert within.any() and rows.max() < parameters.height / 4 and columns.min() > 3 * parameters.width / 4


def test_nothing_is_fixed_in_a_bare_drive(written: Path) -> None:
    assert not cv2.imread(str(written / "fixed.png"), cv2.IMREAD_UNCHANGED).any()
