"""Classes of whole images by a network that was trained at some scale of them."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from training.segmentation.images import scaled_frame
from training.task import Predict


def class_scores(predict: Predict, frame: NDArray[np.uint8], scale: float, device: torch.device) -> Tensor:
    """(1, C, h, w) ``float32`` scores of an RGB frame (H, W, 3), at the scale of training."""
    images = torch.from_numpy(scaled_frame(frame, scale)).permute(2, 0, 1)[None].to(device).float().div_(255)
    scores: Tensor = predict(images).float()
    return scores


def full_size(scores: Tensor, size: tuple[int, ...]) -> NDArray[np.uint8]:
    """Training ids (H, W) of ``size``: scores (1, C, h, w) interpolated bilinearly, then the best class."""
    whole = functional.interpolate(scores, size=size, mode="bilinear", align_corners=False)
    return whole.argmax(1)[0].to(torch.uint8).cpu().numpy()
