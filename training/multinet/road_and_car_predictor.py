"""What MultiNet makes of frames."""

import io

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.inferring import inferring
from training.models.multinet import MultiNet
from training.multinet.configuration import MultiNetConfiguration
from training.multinet.detections import Detections
from training.multinet.inference import Eyes
from training.multinet.overlay import overlay


class RoadAndCarPredictor:
    """See ``predict.Predictor``: of an image ``NAME.overlay.png`` and, by the decoders that the network has,
    ``NAME.npy``, the probability of road, and ``NAME.txt``, cars as KITTI's result files have them.
    """

    def __init__(self, network: MultiNet, configuration: MultiNetConfiguration, device: torch.device) -> None:
        self.heads, joining = configuration.multinet.heads, configuration.prediction.joining
        self.eyes = Eyes(inferring(network, configuration.engine, device), configuration.dataset, device, joining)

    def pictures(self, frame: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8] | bytes]:
        """See ``Predictor.pictures``."""
        road, cars = self._look(frame)
        found: dict[str, NDArray[np.uint8] | bytes] = {}
        if road is not None:
            content = io.BytesIO()
            np.save(content, road, allow_pickle=False)
            found[".npy"] = content.getvalue()
        if cars is not None:
            found[".txt"] = "".join(line + "\n" for line in cars.lines()).encode()
        return {**found, ".overlay.png": cv2.cvtColor(overlay(frame, road, cars), cv2.COLOR_RGB2BGR).astype(np.uint8)}

    def overlays(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """See ``Predictor.overlays``."""
        return [overlay(frame, *self._look(frame)) for frame in frames]

    def _look(self, frame: NDArray[np.uint8]) -> tuple[NDArray[np.float64] | None, Detections | None]:
        road = self.eyes.road(frame) if self.heads != "cars" else None
        return road, self.eyes.cars(frame) if self.heads != "road" else None
