"""HashFrames: how the frames of a video look, in a few bytes each, to find the same footage elsewhere."""

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labels.frame_hash import VIEWS, frame_hashes
from labels.repeats import Footage
from pipeline import outcome, survey_video, tables
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.outcome import Outcome
from pipeline.storage import FsspecTarget
from pipeline.survey_video import SurveyVideo
from pipeline.task import VideoTask

STEP_S = 0.2
"""Time between two frames that are hashed."""
HASHES = pa.schema([("time_s", pa.float32()), *((f"hash_{view}", pa.uint64()) for view in range(len(VIEWS)))])


class HashFrames(VideoTask):
    """Hashes five frames a second of a video.

    Writes ``hashes/<fp>/<id>.parquet``, a row a hashed frame: its time and ``labels.frame_hash.frame_hashes`` of it. No
    rows for a video that was not surveyed, none after a frame that cannot be read again.
    """

    priority = 25

    def requires(self) -> SurveyVideo:
        """The survey, for the picture within black bars."""
        return SurveyVideo(root=self.root, build_id=self.build_id, video_id=self.video_id)

    def output(self) -> FsspecTarget:
        """The hashes."""
        return hashes_target(self.build, self.video)

    def run(self) -> None:
        """Hash."""
        table = HASHES.empty_table()
        if survey_video.ended(survey_video.read_camera(self.build, self.video)).done:
            table = hashed(self.build, self.video)
        self.output().write(tables.to_bytes(table))

    def record_crash(self, ended: Outcome) -> None:
        """A video whose frames crash a library is like no other."""
        self.output().write(tables.to_bytes(HASHES.empty_table()))


def hashed(build: Build, video: Video) -> pa.Table:
    """The rows of a surveyed video."""
    cv2.setNumThreads(1)
    camera, frames = survey_video.read_camera(build, video), survey_video.read_frames(build, video)
    pts = spaced(frames.column("time_s").to_numpy(), frames.column("pts").to_numpy())
    times, hashes = list[float](), list[NDArray[np.uint64]]()
    try:
        for frame in survey_video.frames_of(build, video, camera, pts):
            hashes.append(frame_hashes(frame.image))
            times.append(frame.time_s)
    except Exception as error:  # one video must not end the build
        outcome.of_error(error)
    columns = np.array(hashes, np.uint64).reshape(-1, len(VIEWS)).T
    return pa.table([pa.array(times, pa.float32()), *map(pa.array, columns)], schema=HASHES)


def spaced(time_s: NDArray[np.float64], pts: NDArray[np.int64]) -> set[int]:
    """The frames to hash, by their ``pts``: the first at or after each multiple of ``STEP_S``."""
    _, first = np.unique(np.floor(time_s / STEP_S + 1e-6), return_index=True)
    return {int(pts[row]) for row in first}


def hashes_target(build: Build, video: Video) -> FsspecTarget:
    """Where the hashes of a video are."""
    return FsspecTarget(build.hashes_folder(video), f"{video.video_id}.parquet")


def read_footage(build: Build, video: Video) -> Footage:
    """The hashes of a video as they are compared."""
    table = tables.from_bytes(hashes_target(build, video).read())
    columns = [table.column(f"hash_{view}").to_numpy() for view in range(len(VIEWS))]
    return Footage(table.column("time_s").to_numpy().astype(np.float64), np.stack(columns, axis=1))
