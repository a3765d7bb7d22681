"""Labels of road and cars as pictures, and beside predictions in TensorBoard."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.distributed import World
from training.labelled_frames import labelled_frames
from training.multinet.annotations import Annotation
from training.multinet.configuration import MultiNetConfiguration
from training.multinet.data import FrameSet, MultiNetData
from training.multinet.detections import Detections
from training.multinet.inference import Eyes
from training.multinet.overlay import CAR_COLOUR, labelled
from training.multinet.task import MultiNetTask


def test_a_label_has_green_road_and_boxes_of_what_counts_as_a_car() -> None:
    image, road = np.full((60, 80, 3), 100, np.uint8), np.zeros((60, 80), bool)
    road[30:] = True
    kinds = (Annotation("van", 20, 20, 50, 50), Annotation("pedestrian", 60, 5, 70, 15))
    picture = labelled(image, road, kinds)
    assert picture[10, 5].tolist() == [100, 100, 100]
    assert picture[55, 5].tolist() == [80, 160, 80]
    assert picture[50, 35].tolist() == list(CAR_COLOUR)
    assert picture[10, 60].tolist() == [100, 100, 100]
    assert (image == 100).all()


def test_validation_shows_label_and_prediction_of_the_same_frame(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = np.array([[5, 5, 25, 25]], np.float32)
    monkeypatch.setattr(Eyes, "road", lambda eyes, image: np.ones(image.shape[:2]))
    monkeypatch.setattr(Eyes, "cars", lambda eyes, image: Detections(box, np.array([0.9], np.float32)))
    frames = FrameSet(drive.name, validation_folder=drive.name)
    configuration = MultiNetConfiguration(dataset=MultiNetData(road=frames, cars=frames))
    task = MultiNetTask(configuration, str(drive.parent))
    found = task.validate(None, World(0, 1, torch.device("cpu")), first=False)  # type: ignore[arg-type]
    road, cars = found.overlays[0], found.overlays[4]
    frame, truth = task.validation.road[0].pixels(), task.validation.road[0].labels() == 1
    width = frame.shape[1]
    tint = np.rint(0.5 * frame + 0.5 * np.array([60, 220, 60])).astype(np.uint8)
    np.testing.assert_array_equal(road[:, :width], np.where(truth[..., None], tint, frame))
    np.testing.assert_array_equal(road[:, width:], tint)
    seen = task.validation.cars[0].annotations[0]
    assert cars[int(seen.bottom), int(seen.left) + 5].tolist() == list(CAR_COLOUR)
    assert cars[25, width + 15].tolist() == list(CAR_COLOUR)


def test_frames_for_a_report_have_road_or_boxes(drive: Path) -> None:
    frames = FrameSet(drive.name, validation_folder=drive.name)
    configuration = MultiNetConfiguration(dataset=MultiNetData(road=frames, cars=frames))
    road, cars = labelled_frames(configuration, str(drive.parent), 2)
    known = MultiNetTask(configuration, str(drive.parent)).validation
    assert (road.key, cars.key) == (known.road[2].key, known.cars[2].key)
    np.testing.assert_array_equal(road.frame, known.road[2].pixels())
    np.testing.assert_array_equal(road.label, labelled(road.frame, known.road[2].labels() == 1, ()))
    np.testing.assert_array_equal(cars.label, labelled(cars.frame, None, known.cars[2].annotations))
    assert not np.array_equal(cars.label, cars.frame)
