"""Frames as the network gets them: sizes, augmentation, targets."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from training.frame_files import FrameError, read_image
from training.multinet.annotations import Annotation, targets
from training.multinet.examples import DRAWS, MultiNetAugmentation, car_example, jittered, moved, road_example
from training.multinet.frames import car_frames, road_frames

NOTHING = MultiNetAugmentation(brightness=0, contrast=0, crop=0, flip=0)
HALF = np.full(DRAWS, 0.5)


def test_a_road_frame_keeps_its_size_and_is_cut_softly(drive: Path) -> None:
    frame = road_frames(drive)[0]
    image, labels = road_example(frame, None, None, HALF, False)
    np.testing.assert_array_equal(image, read_image(frame.image))
    np.testing.assert_array_equal(labels, frame.labels())
    draws = np.array([0.1, 0.5, 0.25, 0.9, 0.5, 0.5])  # crop; 17 rows, 9 columns, from the end
    cut, cut_labels = road_example(frame, None, MultiNetAugmentation(brightness=0, contrast=0), draws, False)
    np.testing.assert_array_equal(cut, image[:-17, :-9])
    np.testing.assert_array_equal(cut_labels, labels[:-17, :-9])
    draws[3] = 0.1
    cut, _ = road_example(frame, None, MultiNetAugmentation(brightness=0, contrast=0), draws, False)
    np.testing.assert_array_equal(cut, image[17:, 9:])
    draws[0] = 0.8  # not less than the chance: no crop
    whole, _ = road_example(frame, None, MultiNetAugmentation(brightness=0, contrast=0), draws, True)
    np.testing.assert_array_equal(whole, image[:, ::-1])


def test_a_road_frame_is_resized_where_a_size_is_given(drive: Path) -> None:
    image, labels = road_example(road_frames(drive)[0], (35, 65), None, HALF, False)
    assert image.shape == (35, 65, 3)
    assert set(np.unique(labels)) <= {0, 1, 2}


def test_cars_move_with_the_picture(drive: Path) -> None:
    frame = car_frames(drive)[0]
    (box,) = frame.annotations
    image, found = car_example(frame, (96, 160), None, HALF)
    assert image.shape == (96, 160, 3)
    x, y = 160 / 130, 96 / 70
    expected = targets((box.scaled(x, y),), 96, 160)
    np.testing.assert_array_equal(found.box, expected.box)
    flipped, mirrored = car_example(frame, (96, 160), dataclasses.replace(NOTHING, flip=1), HALF)
    np.testing.assert_array_equal(flipped, image[:, ::-1])
    np.testing.assert_array_equal(mirrored.box, targets((box.scaled(x, y).mirrored(160),), 96, 160).box)


def red_box(image: NDArray[np.uint8]) -> list[int]:
    rows, columns = np.nonzero((image[..., 0] > 120) & (image[..., 1] < 80))
    return [columns.min(), rows.min(), columns.max(), rows.max()]


@pytest.mark.parametrize("draws", [(0.0, 0.9, 0.3), (1.0, 0.1, 0.6)])
def test_jitter_moves_the_boxes_with_the_cars(drive: Path, draws: tuple[float, float, float]) -> None:
    frame = dataclasses.replace(car_frames(drive)[1], annotations=())
    own = np.array([0.9, *draws, 0.5, 0.5])
    image, _ = car_example(frame, (64, 128), dataclasses.replace(NOTHING, jitter=True), own)
    still, _ = car_example(frame, (64, 128), None, HALF)
    left, top, right, bottom = red_box(still)
    _, (box,) = moved(still, (Annotation("Car", left, top, right, bottom),), np.array(draws))
    np.testing.assert_allclose([box.left, box.top, box.right, box.bottom], red_box(image), atol=1.1)


def test_brightness_is_added_and_contrast_is_about_the_mean() -> None:
    image = np.array([[[100, 50, 10], [120, 50, 250]]], np.uint8)
    own = MultiNetAugmentation(brightness=20, contrast=0.5)
    assert jittered(image, own, np.array([1.0, 0.5])).tolist() == [[[120, 70, 30], [140, 70, 255]]]
    # half the contrast about 110, 50, 130
    assert jittered(image, own, np.array([0.5, 0.0])).tolist() == [[[105, 50, 70], [115, 50, 190]]]


def test_ground_truth_of_another_size_is_refused(drive: Path, tmp_path: Path) -> None:
    truth = tmp_path / "truth.png"
    cv2.imwrite(str(truth), np.zeros((5, 5), np.uint8))
    frame = dataclasses.replace(road_frames(drive)[0], ground_truth=truth)
    with pytest.raises(FrameError, match=r"truth.png is 5x5, its image 130x70"):
        road_example(frame, None, None, HALF, False)
