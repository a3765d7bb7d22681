"""Losses of the networks for road, cars and metres, stored as ``test_golden`` stores those of pre-training.

``python -m tests.training.test_task_golden`` writes ``task_golden.json`` anew, for a change that is meant.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.training.test_golden import ROUNDING, machine
from training.absolute_depth.batches import DepthExample
from training.absolute_depth.configuration import AbsoluteDepthConfiguration
from training.absolute_depth.objectives import DepthObjective
from training.configuration import RunConfiguration
from training.distributed import World
from training.learner import Learner, noise_numbers
from training.models.fastbox import FastBoxParameters
from training.models.multinet import MultiNetParameters
from training.models.network import ModelParameters
from training.multinet.annotations import Annotation, targets
from training.multinet.configuration import MultiNetConfiguration
from training.multinet.rows import stacked
from training.multinet.step import JointExample, JointRow

FILE = Path(__file__).parent / "task_golden.json"
STEPS = 3
"""Few: beyond, confidences of the second look, fifty times a score, turn roundings into other gradients."""
FASTBOX = FastBoxParameters(hidden=24, early_channels=16, second_hidden=16, deep_scale=1.0, early_scale=1.0)


def multinet(heads: str) -> MultiNetConfiguration:
    own = MultiNetConfiguration()
    return replace(
        own,
        model=replace(own.model, fc_channels=16),
        multinet=MultiNetParameters(heads, FASTBOX),  # type: ignore[arg-type]
    )


def depth(backbone: str, objective: str = "scale_invariant") -> AbsoluteDepthConfiguration:
    model = ModelParameters(backbone, "encoder_decoder")  # type: ignore[arg-type]
    return AbsoluteDepthConfiguration(model=model, objective=DepthObjective(objective))  # type: ignore[arg-type]


ARCHITECTURES: dict[str, RunConfiguration] = {
    "multinet-joint": multinet("joint"),
    "multinet-road": multinet("road"),
    "multinet-cars": multinet("cars"),
    "absolute_depth-vgg16": depth("vgg16"),
    "absolute_depth-vgg16-berhu": depth("vgg16", "berhu"),
    "absolute_depth-resnet50": depth("resnet50"),
}


def images(count: int, seed: int, size: int = 64) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed))


def joint_example(heads: str) -> JointExample:
    """A dark square that is road, bright ones that are cars."""
    road, cars = images(int(heads != "cars"), 1), images(2 * int(heads != "road"), 2)
    road[..., 32:, :] *= 0.3
    labels = torch.zeros(len(road), 64, 64, dtype=torch.int64)
    labels[:, 32:], labels[:, :4] = 1, 2
    boxes = (Annotation("car", 8, 30, 44, 60), Annotation("dontcare", 40, 0, 63, 20))
    found = [targets(boxes, 64, 64), targets(boxes[:1], 64, 64)][: len(cars)]
    cars[..., 30:60, 8:44] += 1
    truth = stacked(found or [targets((), 64, 64)])
    return JointExample([JointRow(road, labels, cars / 2, truth)], ["a"])


def depth_example() -> DepthExample:
    metres = 4 + 40 * images(2, 3).mean(1)
    metres = torch.where(torch.rand(2, 64, 64, generator=torch.Generator().manual_seed(4)) < 0.3, metres, 0)
    return DepthExample(images(2, 3), metres, ["a", "b"])


def losses(configuration: RunConfiguration) -> list[float]:
    """The task's own recipe, one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    learner = Learner(configuration.network(), configuration, World(0, 1, torch.device("cpu")))
    example: Any = depth_example()
    if isinstance(configuration, MultiNetConfiguration):
        example = joint_example(configuration.multinet.heads)
    rows = len(example.keys)
    found = [learner.step(example, noise_numbers(example.keys, 0, step), rows) for step in range(STEPS)]
    return [float(each.sum() / rows) for each in found]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_losses_are_those_stored(name: str) -> None:
    golden = json.loads(FILE.read_text())
    found, stored = losses(ARCHITECTURES[name]), golden["losses"][name]
    assert len(stored) == STEPS
    assert np.isfinite(stored).all()
    assert min(stored[1:]) < stored[0]
    if golden["machine"] == machine():
        assert found == stored
    assert found == pytest.approx(stored, rel=ROUNDING)


if __name__ == "__main__":
    content = {"machine": machine(), "losses": {name: losses(kind) for name, kind in ARCHITECTURES.items()}}
    FILE.write_text(json.dumps(content, indent=1) + "\n")
