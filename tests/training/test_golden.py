"""Twenty losses of every architecture, stored: a change of rounding is seen, a change of meaning stands out.

``python tests/training/test_golden.py`` writes ``golden.json`` anew, for a change that is meant.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from training.configuration import Configuration
from training.distributed import World
from training.input import Example
from training.learner import Learner, noise_numbers
from training.models.network import ModelParameters, build_network

FILE = Path(__file__).parent / "golden.json"
STEPS = 20
ARCHITECTURES = {
    "alexnet-fcn32s": ModelParameters("alexnet", "fcn32s", fc_channels=16),
    "alexnet-fcn32s-hundred": ModelParameters("alexnet", "fcn32s", "hundred", fc_channels=16),
    "caffenet-fcn32s": ModelParameters("caffenet", "fcn32s", fc_channels=16),
    "vgg16-fcn32s": ModelParameters("vgg16", "fcn32s", fc_channels=16),
    "vgg16-fcn16s": ModelParameters("vgg16", "fcn16s", fc_channels=16),
    "vgg16-fcn8s": ModelParameters("vgg16", "fcn8s", fc_channels=16, at_once=True),
    "vgg16-encoder_decoder": ModelParameters("vgg16", "encoder_decoder"),
    "resnet50-encoder_decoder": ModelParameters("resnet50", "encoder_decoder"),
}
ROUNDING = 2e-2
"""Relative, on other processors and versions, which add up in another order. AVX2 in place of AVX512 makes 6e-3 in the
worst architecture and 1e-7 in the best: the L1's sign and Adam's division turn near-ties into whole steps."""


def losses(parameters: ModelParameters) -> list[float]:
    """The paper's recipe on two random frames of 64x64, one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    world = World(0, 1, torch.device("cpu"))
    learner = Learner(build_network(parameters), Configuration(model=parameters), world)
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(2, 3, 64, 64, generator=generator)
    z = 0.7 * images.mean(1) + 0.3 * torch.linspace(1, 0, 64)[:, None]
    valid = torch.rand(2, 64, 64, generator=generator) > 0.2
    example = Example(images, z * valid, valid, None, ["a", "b"])
    return [float(learner.step(example, noise_numbers(example.keys, 0, epoch), 2).sum() / 2) for epoch in range(STEPS)]


def machine() -> dict[str, Any]:
    """What rounding depends on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = models[0].partition(":")[2].strip() if models else ""
    return {
        "torch": torch.__version__,
        "processor": processor,
        "instructions": torch.backends.cpu.get_cpu_capability(),
    }


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_losses_are_those_stored(name: str) -> None:
    golden = json.loads(FILE.read_text())
    found, stored = losses(ARCHITECTURES[name]), golden["losses"][name]
    assert len(stored) == STEPS
    assert stored[-1] < stored[0]
    if golden["machine"] == machine():
        assert found == stored
    assert found == pytest.approx(stored, rel=ROUNDING)
    assert found[0] == pytest.approx(stored[0], rel=1e-6)  # zero scores: no network in it yet


if __name__ == "__main__":
    stored = {"machine": machine(), "losses": {name: losses(kind) for name, kind in ARCHITECTURES.items()}}
    (Path(sys.argv[1]) if len(sys.argv) > 1 else FILE).write_text(json.dumps(stored, indent=1) + "\n")
