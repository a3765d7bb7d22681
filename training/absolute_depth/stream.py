"""Which frames a step trains on."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.absolute_depth.examples import depth_example
from training.absolute_depth.frames import DepthFrame, depth_frames
from training.frame_stream import FrameStream, nth
from training.shard_order import uniform

ORDER, LOOK = 21, 22
"""What random numbers are for; each has its own stream."""
DRAWS = 5
"""Random numbers of an example: of its flip, and of its colours."""


@dataclass(frozen=True)
class DepthData:
    """What a network of metres trains on."""

    data: str | None = None  # root of KITTI raw, a simulated drive, or a folder of such drives
    depth: str | None = None  # folder that PrepareKittiDepth wrote; KITTI alone
    frames: str | None = (
        None  # CSV list of the frames to train on, as data_manifests/kitti_eigen_train.csv; KITTI alone
    )
    validation_data: str | None = None  # folder of the frames for validation; default: ``data``
    validation_frames: str | None = None  # CSV list of those
    batch: int = 8  # frames in a step, over all ranks
    workers: int = 2  # processes that read, for each rank; 0: the trainer itself
    prefetch: int = 4  # steps that each worker prepares ahead


@dataclass
class DepthBatch:
    """A rank's part of a step."""

    images: Tensor  # uint8 (N, 3, H, W) RGB
    metres: Tensor  # float32 (N, H, W), 0 = unknown
    draws: Tensor  # float32 (N, 4) in [0, 1): each frame's random numbers for its colours
    keys: list[str]


class Stream(FrameStream[DepthBatch]):
    """The steps of a run, those of a rank."""

    def __init__(
        self,
        data: DepthData,
        frames: list[DepthFrame],
        size: tuple[int, int],
        flip: float,
        seed: int,
        rank: int = 0,
        ranks: int = 1,
    ) -> None:
        """``flip``: probability of a mirrored scene. Raises ``ValueError`` for a batch that cannot be dealt."""
        super().__init__(data.workers, data.prefetch)
        if data.batch < 1 or data.batch % ranks:
            raise ValueError(f"depth_data.batch {data.batch} cannot be dealt to {ranks} ranks; give a multiple")
        self.frames, self.size, self.flip, self.seed = frames, size, flip, seed
        self.batch, self.rank, self.rows = data.batch, rank, data.batch // ranks

    @property
    def steps_per_epoch(self) -> int:
        """Steps in which each frame comes once, the last one shared with the next epoch."""
        return -(-len(self.frames) // self.batch)

    def __getitem__(self, step: int) -> DepthBatch:
        """The frames of a step."""
        start = step * self.batch + self.rank * self.rows
        rows = [self._example(place) for place in range(start, start + self.rows)]
        images, metres, draws, keys = zip(*rows)
        return DepthBatch(torch.stack(images), torch.stack(metres), torch.stack(draws), list(keys))

    def _example(self, place: int) -> tuple[Tensor, Tensor, Tensor, str]:
        frame = self.frames[nth(len(self.frames), self.seed, ORDER, place)]
        draws = uniform(self.seed, LOOK, place, np.arange(DRAWS)).astype(np.float32)
        image, metres = depth_example(frame, self.size, bool(draws[0] < self.flip))
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))
        return pixels, torch.from_numpy(metres), torch.from_numpy(draws[1:]), frame.key


def open_frames(data: DepthData, validation: bool) -> list[DepthFrame]:
    """The frames for training or for validation. Raises ``ValueError`` where they are not named as they should be."""
    folder = data.validation_data or data.data if validation else data.data
    if folder is None:
        raise ValueError("depth_data.data is not given: the root of KITTI raw, or simulated drives")
    if validation and data.validation_data is None and data.validation_frames is None:
        raise ValueError("depth_data: give validation_data or validation_frames, to keep training and validation apart")
    names = data.validation_frames if validation else data.frames
    simulated = names is None
    return depth_frames(
        Path(folder), Path(names) if names else None, Path(data.depth) if data.depth and not simulated else None
    )
