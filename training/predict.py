"""Predictions of images, folders of images and videos by a trained network, whatever its task."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import av
import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from training import distributed
from training.absolute_depth.metre_predictor import MetrePredictor
from training.depth_predictor import DepthPredictor
from training.multinet.road_and_car_predictor import RoadAndCarPredictor
from training.run_folder import load_network
from training.segmentation.class_predictor import ClassPredictor

IMAGES = {".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"}
BATCH = 8
"""Frames of a video predicted at a time."""


class Predictor(Protocol):
    """What a network makes of frames, RGB (H, W, 3) ``uint8`` of any size."""

    def pictures(self, frame: NDArray[np.uint8]) -> Mapping[str, NDArray[Any] | bytes]:
        """What is written of an image, by the ending of its name: a PNG's pixels in OpenCV's channels, or all bytes."""

    def overlays(self, frames: list[NDArray[np.uint8]]) -> list[NDArray[np.uint8]]:
        """What is shown of frames, RGB of their size."""


PREDICTORS: dict[str, Callable[[Any, Any, torch.device], Predictor]] = {
    "relative_depth": DepthPredictor,
    "segmentation": ClassPredictor,
    "multinet": RoadAndCarPredictor,
    "absolute_depth": MetrePredictor,
}
"""By task."""


def predict(
    run: Path, inputs: list[Path], out: Path, device: str = "auto", ways: dict[str, Any] | None = None
) -> Iterator[Path]:
    """Predict every input and give the files as they are written.

    An image gives the task's pictures (see ``depth_predictor``, ``segmentation.class_predictor``), a video
    ``NAME.overlay.mp4``. ``ways`` replace fields of the ``prediction`` section that some tasks have. Raises
    ``ValueError`` for what is neither, before any work where it does not exist, and for ways that the task has not.
    """
    predictor, _ = load_predictor(run, device, ways)
    files = list(input_files(inputs))
    _refuse_same_names(files)
    out.mkdir(parents=True, exist_ok=True)
    for path in files:
        yield from _image(predictor, path, out) if path.suffix.lower() in IMAGES else _video(predictor, path, out)


def load_predictor(place: Path, device: str = "auto", ways: dict[str, Any] | None = None) -> tuple[Predictor, Path]:
    """What predicts by the best checkpoint of a run, or by one that is given; and the checkpoint."""
    network, configuration, folder = load_network(place)
    if configuration.task not in PREDICTORS:
        raise ValueError(f"{place} is a run of {configuration.task}; predict knows: {', '.join(PREDICTORS)}")
    configuration = _changed(configuration, ways or {})
    return PREDICTORS[configuration.task](network, configuration, distributed.join(device).device), folder


def _changed(configuration: Any, ways: dict[str, Any]) -> Any:
    if not ways:
        return configuration
    prediction: Any = getattr(configuration, "prediction", None)
    known = [] if prediction is None else [field.name for field in fields(prediction)]
    if unknown := sorted(set(ways) - set(known)):
        raise ValueError(f"{', '.join(unknown)}: a run of {configuration.task} is not predicted in that way")
    return replace(configuration, prediction=replace(prediction, **ways))


def input_files(inputs: list[Path]) -> Iterator[Path]:
    """Files as they are given, and the images of folders, by name. Raises ``ValueError`` for what is not there."""
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
    for ending, picture in predictor.pictures(np.asarray(found, np.uint8)).items():
        target = out / f"{path.stem}{ending}"
        temporary = target.with_name(f".tmp-{target.name}")
        temporary.write_bytes(picture if isinstance(picture, bytes) else _png(picture))
        temporary.replace(target)
        yield target


def _png(picture: NDArray[Any]) -> bytes:
    written, content = cv2.imencode(".png", picture)
    assert written, "a picture that was predicted can be written"
    return bytes(content.tobytes())


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
        yield from predictor.overlays(batch)
