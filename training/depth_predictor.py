"""What a network for relative depth makes of frames."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from labels.codec import encode
from training import overlay
from training.configuration import RunConfiguration
from training.inferring import inferring
from training.models.network import Network


class DepthPredictor:
    """See ``predict.Predictor``: of an image ``NAME.depth.png``, codes of 16 bits, and ``NAME.overlay.png``."""

    def __init__(self, network: Network, configuration: RunConfiguration, device: torch.device) -> None:
        """Raises ``ValueError`` for a network that was trained as a control."""
        if network.parameters_of_model.outputs != 1:
            raise ValueError("this run is a control, which learned no depth to predict; give a run on depth")
        self.predict, self.device = inferring(network, configuration.engine, device), device
        height, width = configuration.input_size
        self.size = (width, height)

    def pictures(self, frame: NDArray[np.uint8]) -> dict[str, NDArray[np.integer]]:
        """See ``Predictor.pictures``; codes as ``labels.codec`` has them."""
        (z,) = self.percentiles([frame])
        blended = cv2.cvtColor(overlay.blend(frame, z), cv2.COLOR_RGB2BGR)
        return {".depth.png": encode(z, np.ones(z.shape, bool), bits=16), ".overlay.png": blended}

    def overlays(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """See ``Predictor.overlays``."""
        return [overlay.blend(frame, z) for frame, z in zip(frames, self.percentiles(frames))]

    def percentiles(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Percentiles (H, W) ``float32`` in [0, 1] of RGB frames (H, W, 3) ``uint8``.

        The whole frame is resized to what the network was trained on, its percentiles back.
        """
        small = np.stack([cv2.resize(frame, self.size, interpolation=cv2.INTER_AREA) for frame in frames])
        images = torch.from_numpy(small).permute(0, 3, 1, 2).to(self.device).float().div_(255)
        percentiles = self.predict(images).float().clamp(0, 1).cpu().numpy()
        return [
            cv2.resize(z, (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_LINEAR)
            for z, frame in zip(percentiles, frames)
        ]
