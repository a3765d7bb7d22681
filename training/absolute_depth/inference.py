"""What a network of metres sees in whole images."""

import numpy as np
import torch
from numpy.typing import NDArray

from evaluation.depth_resize import flip_blend
from training.frame_files import resized
from training.task import Predict


def predict_metres(
    predict: Predict,
    images: list[NDArray[np.uint8]],
    size: tuple[int, int],
    device: torch.device,
    flip_average: bool = False,
) -> list[NDArray[np.float32]]:
    """Metres at the network's ``size`` = (H, W) of RGB images (h, w, 3).

    ``flip_average``: blended with what the mirrored images give, as inverse depth (monodepth's ``pp``, EVALUATION 3.6).
    """
    small = np.stack([resized(image, size) for image in images])
    metres = _apply(predict, small, device)
    if not flip_average:
        return list(metres)
    mirrored = _apply(predict, small[:, :, ::-1], device)
    return [(1 / flip_blend(1 / one, 1 / other)).astype(np.float32) for one, other in zip(metres, mirrored)]


def _apply(predict: Predict, images: NDArray[np.uint8], device: torch.device) -> NDArray[np.float32]:
    pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2))).to(device).float().div_(255)
    metres: NDArray[np.float32] = predict(pixels).float().cpu().numpy()
    return metres
