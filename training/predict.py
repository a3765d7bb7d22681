"""Depth percentiles of images, folders of images and videos, by a trained network."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from labels.codec import encode
from training import distributed, overlay
from training.configuration import RunConfiguration
from training.learner import precision
from training.models.network import Network
from training.run_folder import load_network

IMAGES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
BATCH = 8
"""Frames predicted at a time."""


class Predictor:
    """A network that takes frames of any size and gives percentiles of that size."""

    def __init__(self, network: Network, configuration: RunConfiguration, device: torch.device) -> None:
        self.network, self.device = network.to(device).eval(), device
        height, width = configuration.input_size
        self.size = (width, height)
        self.precision = precision(configuration.engine.precision, device)

    def __call__(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.float32]]:
        """Percentiles (H, W) ``float32`` in [0, 1] of RGB frames (H, W, 3) ``uint8``.

        The whole frame is resized to what the network was trained on, its percentiles back.
        """
        small = np.stack([cv2.resize(frame, self.size, interpolation=cv2.INTER_AREA) for frame in frames])
        images = torch.from_numpy(small).permute(0, 3, 1, 2).to(self.device).float().div_(255)
        with (
            torch.inference_mode(),
            torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == torch.bfloat16),
        ):
            percentiles = self.network(images).float().clamp(0, 1).cpu().numpy()
        return [
            cv2.resize(z, (frame.shape[1], frame.shape[0]), interpolation=cv2.INTER_LINEAR)
            for z, frame in zip(percentiles, frames)
        ]


def predict(run: Path, inputs: list[Path], out: Path, device: str = "auto") -> Iterator[Path]:
    """Predict every input and give the files as they are written.

    An image gives ``NAME.depth.png``, codes as ``labels.codec`` has them with 16 bits, and ``NAME.overlay.png``; a
    video ``NAME.overlay.mp4``. Raises ``ValueError`` for what is neither, before any work where it does not exist.
    """
    network, configuration, _ = load_network(run)
    predictor = Predictor(network, configuration, distributed.join(device).device)
    files = list(_files(inputs))
    _refuse_same_names(files)
    out.mkdir(parents=True, exist_ok=True)
    for path in files:
        yield from _image(predictor, path, out) if path.suffix.lower() in IMAGES else _video(predictor, path, out)


def _files(inputs: list[Path]) -> Iterator[Path]:
    for path in inputs:
        if not path.exists():
            raise ValueError(f"{path} does not exist; give an image, a folder of images or a video")
        if not path.is_dir():
            yield path
            continue
        found = sorted(inner for inner in path.iterdir() if inner.suffix.lower() in IMAGES)
        if not found:
            raise ValueError(f"{path} has no images ({', '.join(sorted(IMAGES))})")
        yield from found


def _refuse_same_names(files: list[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in files:
        if path.stem in seen:
            raise ValueError(f"{seen[path.stem]} and {path} would be written under one name; predict them apart")
        seen[path.stem] = path


def _image(predictor: Predictor, path: Path, out: Path) -> Iterator[Path]:
    found = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
    if found is None:
        raise ValueError(f"{path} cannot be read as an image")
    image = np.asarray(found, np.uint8)
    (z,) = predictor([image])
    codes = encode(z, np.ones(z.shape, bool), bits=16)
    blended = cv2.cvtColor(overlay.blend(image, z), cv2.COLOR_RGB2BGR)
    for ending, picture in (("depth", codes), ("overlay", blended)):
        target = out / f"{path.stem}.{ending}.png"
        cv2.imwrite(str(target), picture)
        yield target


def _video(predictor: Predictor, path: Path, out: Path) -> Iterator[Path]:
    target = out / f"{path.stem}.overlay.mp4"
    temporary = target.with_name(f".tmp-{target.name}")
    try:
        with av.open(str(path)) as source, av.open(str(temporary), "w", format="mp4") as sink:
            if not source.streams.video:
                raise ValueError(f"{path} has no video")
            frames = source.streams.video[0]
            rate = frames.average_rate or Fraction(25)
            encoder = sink.add_stream("libx264", rate=rate)
            encoder.width, encoder.height = frames.width // 2 * 2, frames.height // 2 * 2
            encoder.pix_fmt = "yuv420p"
            decoded = (frame.to_ndarray(format="rgb24") for frame in source.decode(frames))
            for blended in _blended(predictor, decoded):
                cut = np.ascontiguousarray(blended[: encoder.height, : encoder.width])
                sink.mux(encoder.encode(av.VideoFrame.from_ndarray(cut, format="rgb24")))
            sink.mux(encoder.encode(None))
        temporary.replace(target)
    except av.error.FFmpegError as error:
        raise ValueError(f"{path} cannot be read as a video: {error}") from None
    finally:
        temporary.unlink(missing_ok=True)
    yield target


def _blended(predictor: Predictor, frames: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    waiting = iter(frames)
    while batch := list(islice(waiting, BATCH)):
        for frame, z in zip(batch, predictor(batch)):
            yield overlay.blend(frame, z)
