"""The pictures of a report on runs: what each run makes of the same frames."""

import base64
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.frame_files import read_image, resized
from training.labelled_frames import LabelledFrame, labelled_frames
from training.predict import Predictor, input_files, load_predictor
from training.recorded_run import RecordedRun

WIDTH = 480
"""Of a picture, in pixels at most."""
QUALITY = 85


@dataclass
class Pictures:
    """A frame, its label where it has one, and what the runs make of it: all as URLs that hold the picture."""

    key: str
    frame: str
    label: str | None
    predictions: list[str | None] = field(default_factory=list)  # in the order of the runs


@dataclass(frozen=True)
class Samples:
    """Pictures by frame, and words: where the frames are from, the checkpoint or the reason for none of each run."""

    origin: str
    frames: list[Pictures]
    notes: list[str]  # in the order of the runs


def samples(runs: list[RecordedRun], inputs: list[Path], count: int, device: str) -> Samples:
    """What the runs make of the images ``inputs``; without any, of ``count`` validation frames of the first run whose
    data is still there.

    Raises ``ValueError`` for inputs that are no images.
    """
    origin, given = _given(inputs) if inputs else _validation_frames(runs, count)
    shown = [Pictures(each.key, url(each.frame), url(each.label) if each.label.size else None) for each in given]
    notes = []
    for run in runs:
        predictions, note = _predictions(run, [each.frame for each in given], device)
        notes.append(note)
        for frame, predicted in zip(shown, predictions):
            frame.predictions.append(predicted)
    return Samples(origin, shown, notes)


def _given(inputs: list[Path]) -> tuple[str, list[LabelledFrame]]:
    nothing = np.empty((0, 0, 3), np.uint8)
    return "Images that were given.", [LabelledFrame(p.name, read_image(p), nothing) for p in input_files(inputs)]


def _validation_frames(runs: list[RecordedRun], count: int) -> tuple[str, list[LabelledFrame]]:
    if not count:
        return "No frames were asked for.", []
    problems = []
    for run in runs:
        try:
            found = labelled_frames(run.configuration, run.data, count)
        except (ValueError, OSError) as error:
            problems.append(f"{run.name}: {error}")
        else:
            return f"Of the validation split of {run.name}, {run.data}.", found
    return f"No frames could be read; give some with --frames. {'; '.join(problems)}", []


def _predictions(run: RecordedRun, frames: list[NDArray[np.uint8]], device: str) -> tuple[list[str | None], str]:
    """A picture a frame, and the checkpoint; or None for each, and why."""
    try:
        predictor, folder = load_predictor(run.place, device)
        return [url(_overlay(predictor, frame)) for frame in frames], folder.name
    except (ValueError, OSError) as error:
        return [None] * len(frames), f"no prediction: {error}"


def _overlay(predictor: Predictor, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    (found,) = predictor.overlays([frame])
    return found


def url(picture: NDArray[np.uint8]) -> str:
    """An RGB picture (H, W, 3) as a URL that holds it, a JPEG of ``WIDTH`` pixels at most."""
    height, width = picture.shape[:2]
    if width > WIDTH:
        picture = resized(picture, (max(1, round(height * WIDTH / width)), WIDTH))
    written, content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    assert written, "a picture of this kind can be written"
    return f"data:image/jpeg;base64,{base64.b64encode(content.tobytes()).decode()}"
