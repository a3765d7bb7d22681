"""SurveyVideo: whole-video facts, before anything is selected."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labels.survey import COLUMNS
from pipeline import fetch_video, outcome, second_look, survey_pass, tables
from pipeline.build import Build
from pipeline.decode import Crop, Framing, Source, open_source
from pipeline.fetch_video import FetchVideo
from pipeline.frame_source import DecodedFrame
from pipeline.manifest import Video
from pipeline.outcome import DONE, FAILED, Outcome
from pipeline.storage import FsspecTarget, join
from pipeline.survey_pass import Kept, Pass, look_through
from pipeline.task import VideoTask

DEFAULT_FOCAL = 0.8
"""Focal length of an unknown camera as a fraction of the working width (LABELS 9.3)."""


class SurveyVideo(VideoTask):
    """Decodes a video and measures every frame, then looks at some hundred pairs of them again.

    Writes ``survey/<fp>/<id>/frames.parquet``, a row a frame (``labels.survey.FrameStatistics``), and ``fixed.png``,
    255 where a pixel shows what is fixed to the car (not for a video that failed). Then ``camera.json``: the end of the
    survey, sizes, crop, focal length, principal point, usual focus of expansion in working pixels, noise of the flow.
    A survey that is killed goes on where it was (``survey_pass``); ``seconds`` are then those of its last turn.
    """

    priority = 30

    def requires(self) -> FetchVideo:
        """The video."""
        return FetchVideo(root=self.root, build_id=self.build_id, video_id=self.video_id)

    def output(self) -> FsspecTarget:
        """The camera, written last."""
        return camera_target(self.build, self.video)

    def run(self) -> None:
        """Survey the video, or hand on why there is none."""
        if self.output().exists():  # written by ``record_crash``
            return
        began = time.process_time()
        fetched = fetch_video.read_record(self.build, self.video)
        surveyed = Surveyed(fetch_video.ended(fetched))
        if surveyed.ended.done:
            try:
                with fetch_video.local_source(self.build, self.video, fetched) as path:
                    surveyed = survey(self.build, self.video, path, fetched["sha256"][:12])
            except Exception as error:  # one video must not end the build
                surveyed = Surveyed(outcome.of_error(error))
        self._write(surveyed, round(time.process_time() - began, 3))

    def record_crash(self, ended: Outcome) -> None:
        """The survey of a video that cannot be decoded without a crash."""
        self._write(Surveyed(ended), 0.0)

    def _write(self, surveyed: "Surveyed", seconds: float) -> None:
        frames = _table([], []) if surveyed.frames is None else surveyed.frames
        frames_target(self.build, self.video).write(tables.to_bytes(frames))
        if surveyed.fixed is not None:
            fixed_target(self.build, self.video).write(surveyed.fixed)
        ended = surveyed.ended
        told = {"status": ended.status, "reason": ended.reason, "detail": ended.detail}
        record = {**told, "seconds": seconds, **surveyed.camera}
        self.output().write(json.dumps(record, indent=1, sort_keys=True).encode())
        survey_pass.forget(join(self.build.survey_folder(self.video), self.video_id))


@dataclass(frozen=True)
class Surveyed:
    """How a survey ended, and what it found: the camera, the table of frames and what is fixed to the car, a PNG."""

    ended: Outcome
    camera: dict[str, Any] = field(default_factory=dict)
    frames: pa.Table | None = None
    fixed: bytes | None = None


def survey(build: Build, video: Video, path: Path, content: str = "") -> Surveyed:
    """The survey of a local source; it goes on where one that was killed was, if it is told of which ``content``."""
    folder = join(build.survey_folder(video), video.video_id)
    whole, inside = (Kept(folder, content, view) if content else None for view in ("whole", "inside"))
    with open_video(build, video, path, {"rectangle": None}) as source:
        first = look_through(source, build.parameters.survey.letterbox_frames, whole)
        if first.bars is None:
            return _surveyed(build, video, source, None, first)
        rectangle = source.framing.to_source(*first.bars)
    with open_video(build, video, path, {"rectangle": rectangle}) as source:
        return _surveyed(build, video, source, rectangle, look_through(source, 0, inside))


def _surveyed(
    build: Build, video: Video, source: Source, rectangle: tuple[float, float, float, float] | None, found: Pass
) -> Surveyed:
    """The survey of a source of which every frame was seen, ``rectangle`` its picture within black bars."""
    camera = _camera(video, source, rectangle) | {"frames": len(found.pts)}
    if not found.pts:
        return Surveyed(Outcome(FAILED, "no_frames", source.problem or "not one frame can be decoded"), camera)
    ended = Outcome(DONE, detail=source.problem)
    seen = second_look.second_look(source, found.pts, found.table, camera, build.parameters.fixed)
    frames = _table(found.pts, [found.table[name] for name in COLUMNS])
    return Surveyed(ended, camera | second_look.in_record(seen), frames, second_look.fixed_png(seen))


def open_video(build: Build, video: Video, path: Path, camera: dict[str, Any]) -> Source:
    """The frames of a video as all stages see them: span and crop of the manifest, then the bars cut off."""
    rectangle = tuple(camera["rectangle"]) if camera["rectangle"] else None
    crop = Crop(video.crop_top, video.crop_bottom, rectangle)
    return open_source(path, video.fps, video.start_s, video.end_s, crop, build.parameters.decoding.width)


def frames_of(build: Build, video: Video, camera: dict[str, Any], pts: set[int]) -> Iterator[DecodedFrame]:
    """Some frames of a surveyed video, one at least, by their ``pts``; those that are gone are left out."""
    fetched = fetch_video.read_record(build, video)
    with fetch_video.local_source(build, video, fetched) as path, open_video(build, video, path, camera) as source:
        yield from source.frames(min(pts), max(pts), pts)


def camera_target(build: Build, video: Video) -> FsspecTarget:
    """Where the camera of a video is."""
    return FsspecTarget(build.survey_folder(video), f"{video.video_id}/camera.json")


def frames_target(build: Build, video: Video) -> FsspecTarget:
    """Where the frame table of a video is."""
    return FsspecTarget(build.survey_folder(video), f"{video.video_id}/frames.parquet")


def fixed_target(build: Build, video: Video) -> FsspecTarget:
    """Where the image is that says what is fixed to the car."""
    return FsspecTarget(build.survey_folder(video), f"{video.video_id}/fixed.png")


def read_camera(build: Build, video: Video) -> dict[str, Any]:
    """The camera of a video, with the end of its survey."""
    camera: dict[str, Any] = json.loads(camera_target(build, video).read())
    return camera


def read_frames(build: Build, video: Video) -> pa.Table:
    """The frame table of a video: ``frame``, ``pts`` and the columns of ``labels.survey``."""
    return tables.from_bytes(frames_target(build, video).read())


def read_fixed(build: Build, video: Video) -> NDArray[np.bool_]:
    """(H, W): true where a pixel of the working frames shows what is fixed to the car; nowhere if nothing was found."""
    target = fixed_target(build, video)
    if not target.exists():
        camera = read_camera(build, video)
        return np.zeros((camera["height"], camera["width"]), bool)
    return cv2.imdecode(np.frombuffer(target.read(), np.uint8), cv2.IMREAD_GRAYSCALE) > 0


def ended(camera: dict[str, Any]) -> Outcome:
    """How a survey ended."""
    return Outcome(camera["status"], camera["reason"], camera["detail"])


def _table(pts: list[int], columns: list[Any]) -> pa.Table:
    columns = columns or [np.empty(0)] * len(COLUMNS)
    arrays = {"frame": pa.array(range(len(pts)), pa.int32()), "pts": pa.array(pts, pa.int64())}
    return pa.table(arrays | {name: pa.array(column, pa.float64()) for name, column in zip(COLUMNS, columns)})


def _camera(video: Video, source: Source, rectangle: tuple[float, float, float, float] | None) -> dict[str, Any]:
    width, height = source.working_size
    # Pixels of the working image are square, so that the focal length scales like the width.
    focal = video.focal_px * source.framing.scale[0] if video.focal_px else DEFAULT_FOCAL * width
    return {
        "width": width,
        "height": height,
        "source_size": source.size,
        "rectangle": rectangle,
        "focal_px": focal,
        "focal_state": "manifest" if video.focal_px else "default",
        "principal_point": principal_point(source.framing, rectangle, video),
        "rate": source.rate,
        "problem": source.problem,
    }


def principal_point(
    framing: Framing, rectangle: tuple[float, float, float, float] | None, video: Video
) -> tuple[float, float]:
    """The centre of the picture that the camera took, in working pixels; it may lie off the centre of what is used.

    Bars around the picture are no part of it; what the manifest crops is.
    """
    width, height = framing.size
    left, top, right, bottom = rectangle or (0.0, 0.0, float(width), float(height))
    if rectangle and abs(top - video.crop_top * height) < 1:  # the crop ends here, not the picture
        top = 0.0
    if rectangle and abs(bottom - (1 - video.crop_bottom) * height) < 1:
        bottom = float(height)
    (scale_x, scale_y), (x, y, _, _) = framing.scale, framing.window
    # A pixel's coordinates are those of its centre: the picture's left edge is at -0.5.
    return (left + right) / 2 * scale_x - x - 0.5, (top + bottom) / 2 * scale_y - y - 0.5
