"""A trained network as predictors call it."""

from typing import Any

import torch
from torch import Tensor

from training.configuration import EngineParameters
from training.learner import precision
from training.models.network import Network
from training.task import Predict


def inferring(network: Network, engine: EngineParameters, device: torch.device) -> Predict:
    """The network on the device, in evaluation mode and in the precision of the engine."""
    network, kind = network.to(device).eval(), precision(engine.precision, device)

    def predict(*inputs: Tensor) -> Any:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=kind == torch.bfloat16):
            return network(*inputs)

    return predict
