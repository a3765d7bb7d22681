"""What is shown of metric depth: its points in the colours of the field, in TensorBoard and in reports."""

from pathlib import Path

import numpy as np
import pytest
import torch

from training.absolute_depth import task
from training.absolute_depth.configuration import AbsoluteDepthConfiguration, DepthData
from training.absolute_depth.overlay import colour, points
from training.absolute_depth.task import AbsoluteDepthTask
from training.configuration import RecordParameters
from training.distributed import World
from training.labelled_frames import labelled_frames
from training.overlay import NO_LABEL

GREY = [NO_LABEL] * 3


def test_points_are_three_pixels_wide_and_the_nearer_is_drawn() -> None:
    metres = np.zeros((7, 9), np.float32)
    metres[3, 2], metres[3, 4] = 40, 5
    shown = points(metres)
    far, near = colour(np.array([[40.0, 5.0]]))[0].tolist()
    assert shown[3, 1:7].tolist() == [far, far, near, near, near, GREY]
    assert shown[1].tolist() == [GREY] * 9
    assert sum(near) > sum(far)


def test_a_frame_stands_beside_its_points_and_the_prediction(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = AbsoluteDepthConfiguration(
        dataset=DepthData(drive.name, validation_folder=drive.name), record=RecordParameters(overlays=1)
    )
    own = AbsoluteDepthTask(configuration, str(drive.parent))
    monkeypatch.setattr(task, "predict_metres", lambda predict, frames, *more: [np.full((40, 60), 8.0, np.float32)])
    found = own.validate(None, World(0, 1, torch.device("cpu")), first=False)  # type: ignore[arg-type]
    frame, truth, prediction = np.split(found.overlays[0], 3, axis=1)
    first = own.validation[0]
    np.testing.assert_array_equal(frame, first.pixels())
    np.testing.assert_array_equal(truth, points(first.metres()))
    assert np.unique(prediction.reshape(-1, 3), axis=0).tolist() == colour(np.full((1, 1), 8.0))[0].tolist()
    (middle,) = labelled_frames(configuration, str(drive.parent), 1)
    known = own.validation[2]
    assert middle.key == known.key
    np.testing.assert_array_equal(middle.frame, known.pixels())
    np.testing.assert_array_equal(middle.label, points(known.metres()))
