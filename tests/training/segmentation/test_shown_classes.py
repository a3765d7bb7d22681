"""What TensorBoard shows of segmentation: frame, truth and prediction in the benchmark's colours."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from training.configuration import RecordParameters
from training.distributed import World
from training.labelled_frames import labelled_frames
from training.segmentation.configuration import SegmentationConfiguration, SegmentationDataParameters
from training.segmentation.task import Segmentation

ROAD = {"cityscapes_256": (0, [128, 64, 128]), "camvid_segnet": (3, [128, 64, 128])}
"""Training id and colour."""


@pytest.mark.parametrize("layout", sorted(ROAD))
def test_classes_have_the_colours_of_their_benchmark(layout: Any, sample: Callable[..., Any], tmp_path: Path) -> None:
    sample(tmp_path, layout, {"train": 1, "val": 1})
    configuration = SegmentationConfiguration(
        dataset=SegmentationDataParameters(layout), record=RecordParameters(overlays=1)
    )
    configuration = replace(configuration, loader=replace(configuration.loader, workers=0)).with_classes()
    known, colour = ROAD[layout]

    def predict(images: torch.Tensor) -> torch.Tensor:
        scores = torch.zeros(len(images), configuration.model.outputs, *images.shape[2:])
        scores[:, known] = 1
        return scores

    found = Segmentation(configuration, str(tmp_path)).validate(predict, World(0, 1, torch.device("cpu")), first=False)
    (shown,) = found.overlays
    frame, truth, prediction = np.split(shown, 3, axis=1)
    (expected,) = labelled_frames(configuration, str(tmp_path), 1)
    np.testing.assert_array_equal(frame, expected.frame)
    np.testing.assert_array_equal(truth, expected.label)
    assert np.unique(prediction.reshape(-1, 3), axis=0).tolist() == [colour]
