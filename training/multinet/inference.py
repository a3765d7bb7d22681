"""What MultiNet sees in a whole image, at the size of the image."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from training.frame_files import resized
from training.multinet import detections
from training.multinet.data import MultiNetData
from training.multinet.detections import Detections, Joining
from training.task import Predict


@dataclass(frozen=True)
class Eyes:
    """A trained network: ``predict`` takes two sets of images, as ``MultiNet.forward``."""

    predict: Predict
    data: MultiNetData
    device: torch.device
    joining: Joining = "nms"

    def road(self, image: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Probability of road (H, W) of an RGB image (H, W, 3)."""
        size = self.data.road_size
        images = self._tensor(image if size is None else resized(image, size))
        scores, _ = self.predict(images, images[:0])
        probability: NDArray[np.float32] = torch.softmax(scores, dim=1)[0, 1].float().cpu().numpy()
        height, width = image.shape[:2]
        if probability.shape != (height, width):
            probability = np.asarray(cv2.resize(probability, (width, height), interpolation=cv2.INTER_LINEAR))
        return np.clip(probability.astype(np.float64), 0, 1)

    def cars(self, image: NDArray[np.uint8]) -> Detections:
        """Cars in an RGB image (H, W, 3)."""
        (height, width), (rows, columns) = image.shape[:2], self.data.car_size
        images = self._tensor(resized(image, self.data.car_size))
        _, cars = self.predict(images[:0], images)
        (found,) = detections.of_cells(cars)
        return detections.joined(found, self.joining).scaled(width / columns, height / rows).within(height, width)

    def _tensor(self, image: NDArray[np.uint8]) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        return pixels[None].to(self.device).float().div_(255)
