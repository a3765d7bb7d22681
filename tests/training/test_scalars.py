"""What TensorBoard shows of a run: curves, and frames with label and prediction in the colours of depth."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from training import checkpoint
from training.configuration import (
    Configuration,
    EngineParameters,
    InputParameters,
    OptimisationParameters,
    RecordParameters,
)
from training.engine import pretrain
from training.loader import Loader, LoaderParameters
from training.models.network import ModelParameters
from training.overlay import colour
from training.run_folder import load_network, read_metrics
from training.shards import Dataset

CONFIGURATION = Configuration(
    model=ModelParameters(fc_channels=8),
    input=InputParameters(64, 64),
    loader=LoaderParameters(batch_size=4, workers=0),
    optimisation=OptimisationParameters(epochs=1, learning_rate=1e-3),
    engine=EngineParameters(device="cpu", deterministic=True),
    record=RecordParameters(log_steps=2, overlays=2, validation_samples=4),
)


@pytest.fixture(scope="module")
def run(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six steps, stopped and resumed after the third."""
    place = tmp_path_factory.mktemp("runs") / "run"
    brief = replace(CONFIGURATION, optimisation=replace(CONFIGURATION.optimisation, steps=3))
    pretrain(brief, str(small_dataset), place, resume=False)
    pretrain(CONFIGURATION, str(small_dataset), place, resume=True)
    return place


@pytest.fixture(scope="module")
def board(run: Path) -> Any:
    events = EventAccumulator(str(run / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    return events.Reload()


def test_a_picture_has_the_frame_its_label_and_the_prediction(run: Path, board: Any, small_dataset: Path) -> None:
    tags = [f"label and prediction/{place}" for place in range(2)]
    assert board.Tags()["images"] == tags
    split = Dataset.open(str(small_dataset)).split("val")
    batch = next(iter(Loader(split, CONFIGURATION.loader, (64, 64), shuffle=False)))
    network, _, _ = load_network(checkpoint.steps(run)[-1])
    with torch.inference_mode():
        predicted = network(batch.images.float().div(255)).numpy()
    codes = batch.codes.numpy()
    for row, tag in enumerate(tags):
        shown = {event.step: decoded(event.encoded_image_string) for event in board.Images(tag)}
        assert sorted(shown) == [0, 3, 6]
        image, z = batch.images[row].permute(1, 2, 0).numpy(), (codes[row] - np.float32(0.5)) / 255
        expected = np.hstack([image, colour(z, codes[row] > 0), colour(predicted[row])])
        assert np.abs(shown[6].astype(int) - expected).max() <= 4  # the last step of the map, by rounding
        assert not np.array_equal(shown[0], shown[6])


def decoded(content: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)


def test_curves_are_those_of_the_metrics(run: Path, board: Any) -> None:
    noted = [line for line in read_metrics(run) if "loss" in line]
    losses = {event.step: event.value for event in board.Scalars("training/loss")}
    assert losses == pytest.approx({line["step"]: line["loss"] for line in noted}, rel=1e-6)
    assert [(line["step"], line["of"]) for line in noted] == [(2, 3), (3, 3), (4, 6), (6, 6)]
    scores = {event.step: event.value for event in board.Scalars("validation/l1/network")}
    validated = [line for line in read_metrics(run) if "network" in line.get("validation", {})]
    assert scores == pytest.approx({line["step"]: line["validation"]["network"]["l1"] for line in validated}, rel=1e-6)


def test_pictures_change_no_weight(run: Path, small_dataset: Path, tmp_path: Path) -> None:
    bare = replace(CONFIGURATION, record=replace(CONFIGURATION.record, overlays=0))
    pretrain(bare, str(small_dataset), tmp_path / "bare", resume=False)
    found, expected = (checkpoint.read_weights(checkpoint.steps(place)[-1]) for place in (tmp_path / "bare", run))
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
