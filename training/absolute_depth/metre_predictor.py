"""What a network of metres makes of frames."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.depth_resize import resize_disparity
from training import overlay
from training.absolute_depth.configuration import AbsoluteDepthConfiguration
from training.absolute_depth.frames import SCALE
from training.absolute_depth.inference import predict_metres
from training.absolute_depth.overlay import share
from training.inferring import inferring
from training.models.absolute_depth import AbsoluteDepth


class MetrePredictor:
    """See ``predict.Predictor``: of an image ``NAME.png``, metres x 256 of 16 bits, and ``NAME.overlay.png``."""

    def __init__(self, network: AbsoluteDepth, configuration: AbsoluteDepthConfiguration, device: torch.device) -> None:
        self.predict = inferring(network, configuration.engine, device)
        self.size, self.device = configuration.input_size, device
        self.flip_average = configuration.prediction.flip_average

    def pictures(self, frame: NDArray[np.uint8]) -> dict[str, NDArray[np.integer] | bytes]:
        """See ``Predictor.pictures``."""
        (metres,) = self.metres([frame])
        codes = np.rint(metres * SCALE).clip(1, 2**16 - 1).astype(np.uint16)
        blended = cv2.cvtColor(overlay.blend(frame, share(metres)), cv2.COLOR_RGB2BGR).astype(np.uint8)
        return {".png": codes, ".overlay.png": blended}

    def overlays(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """See ``Predictor.overlays``."""
        return [overlay.blend(frame, share(metres)) for frame, metres in zip(frames, self.metres(frames))]

    def metres(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.floating]]:
        """Metres (H, W) of RGB frames (H, W, 3), resized to their size as inverse depth."""
        found = predict_metres(self.predict, frames, self.size, self.device, self.flip_average)
        return [resize_disparity(metres, (frame.shape[0], frame.shape[1])) for metres, frame in zip(found, frames)]
