"""What a network for segmentation makes of frames."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training.inferring import inferring
from training.models.network import Network
from training.segmentation.configuration import SegmentationConfiguration
from training.segmentation.inference import class_scores, full_size


class ClassPredictor:
    """See ``predict.Predictor``: of an image ``NAME.png``, ids as the labels of the dataset hold them."""

    def __init__(self, network: Network, configuration: SegmentationConfiguration, device: torch.device) -> None:
        self.predict, self.device = inferring(network, configuration.engine, device), device
        self.layout, self.scale = configuration.layout, configuration.crop.scale

    def pictures(self, frame: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
        """See ``Predictor.pictures``."""
        found = self.classes(frame)
        return {".png": found if self.layout.train_ids else self.layout.benchmark.ids[found]}

    def overlays(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """See ``Predictor.overlays``: the frame in grey under the colours of the classes."""
        return [self._overlay(frame) for frame in frames]

    def classes(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Training ids (H, W) of a frame."""
        return full_size(class_scores(self.predict, frame, self.scale, self.device), frame.shape[:2])

    def _overlay(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        grey = cv2.cvtColor(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        shown = self.layout.benchmark.palette[self.classes(frame)]
        return cv2.addWeighted(grey, 0.5, shown, 0.5, 0).astype(np.uint8, copy=False)
