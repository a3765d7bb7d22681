"""SelectPairs: which pairs of frames of a video are labelled, and why the others are not."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from labels.homography_selection import select_by_homography
from labels.selection import PairTable, select
from labels.shots import shots
from labels.survey import COLUMNS
from labels.video_fault import camera_fault, video_fault
from pipeline import fetch_video, survey_video, tables
from pipeline.build import Build
from pipeline.manifest import Video
from pipeline.outcome import DONE, FILTERED, Outcome
from pipeline.storage import FsspecTarget
from pipeline.survey_video import SurveyVideo
from pipeline.task import VideoTask

PAIRS = pa.schema(
    [
        ("frame", pa.int32()),
        ("second_frame", pa.int32()),  # -1 = none
        ("frame_distance", pa.int32()),  # frames up to it that show something new
        ("pts", pa.int64()),
        ("second_pts", pa.int64()),
        ("time_s", pa.float64()),
        ("second_time_s", pa.float64()),
        ("motion_px", pa.float32()),  # expected between the two frames
        ("reason", pa.string()),  # empty = kept
    ]
)


class SelectPairs(VideoTask):
    """Decides for every frame of a video whether it gets a label, and with which second frame.

    Writes ``pairs/<fp>/<id>.parquet``, a row a frame with its reason; no rows for a video that has none.
    """

    priority = 20

    def requires(self) -> SurveyVideo:
        """The survey."""
        return SurveyVideo(root=self.root, build_id=self.build_id, video_id=self.video_id)

    def output(self) -> FsspecTarget:
        """The pairs."""
        return pairs_target(self.build, self.video)

    def run(self) -> None:
        """Select, or write an empty table where the survey found nothing to select from."""
        fault, table = "", PAIRS.empty_table()
        if survey_video.ended(survey_video.read_camera(self.build, self.video)).done:
            fault, table = selection(self.build, self.video)
        self.output().write(tables.to_bytes(table, {"fault": fault}))


def selection(build: Build, video: Video) -> tuple[str, pa.Table]:
    """Why a surveyed video is of no use as a whole (empty where it may be), and the rows of its frames."""
    frames = survey_video.read_frames(build, video)
    columns = {name: frames.column(name).to_numpy() for name in COLUMNS}
    camera = survey_video.read_camera(build, video)
    fault = video_fault(columns, camera["width"], camera["height"], build.parameters.selection)
    fault = fault or _camera_fault(build, camera)
    if fault:
        nothing = np.full(len(frames), -1)
        chosen = PairTable(nothing, nothing + 1, np.full(len(frames), np.nan), np.full(len(frames), fault))
    elif build.parameters.selection.rule == "homography":
        chosen = _by_homography(build, video, columns, camera)
    else:
        chosen = select(columns, camera["width"], build.parameters.selection)
    pts, has = frames.column("pts").to_numpy(), chosen.second >= 0
    table = pa.table(
        {
            "frame": np.arange(len(pts)),
            "second_frame": chosen.second,
            "frame_distance": chosen.distance,
            "pts": pts,
            "second_pts": np.where(has, pts[chosen.second], -1),
            "time_s": columns["time_s"],
            "second_time_s": np.where(has, columns["time_s"][chosen.second], np.nan),
            "motion_px": chosen.motion_px,
            "reason": chosen.reason.tolist(),
        }
    ).cast(PAIRS)
    return fault, table


def _camera_fault(build: Build, camera: dict[str, Any]) -> str:
    accepted, spread = camera["pairs_accepted"], np.nan
    if accepted is not None and camera["focus_spread_px"]:
        spread = max(camera["focus_spread_px"]) / camera["width"]
    said = camera["fixed_reason"], camera["noise_floor_px"], np.nan if accepted is None else accepted, spread
    return camera_fault(*said, build.parameters.selection)


def _by_homography(
    build: Build, video: Video, columns: dict[str, NDArray[np.float64]], camera: dict[str, Any]
) -> PairTable:
    """The rule of the unsupervised edge detector; it looks at the frames themselves."""
    parts = shots(columns, build.parameters.selection.shots)
    with fetch_video.local_source(build, video, fetch_video.read_record(build, video)) as path:

        def images() -> Iterator[NDArray[np.uint8]]:
            with survey_video.open_video(build, video, path, camera) as source:
                yield from (frame.image for frame in source.frames())

        kind = "images" if path.is_dir() else "video"
        rule = build.parameters.homography
        pairs = select_by_homography(images(), video.video_id, kind, parts.fault == "", rule, parts.shot)
    distance = np.where(pairs.second >= 0, pairs.second - np.arange(len(pairs.second)), 0)
    return PairTable(pairs.second, distance, np.full(len(distance), np.nan), pairs.reason)


def read_shots(build: Build, video: Video) -> NDArray[np.int64]:
    """The number of the shot that each frame of a surveyed video belongs to."""
    frames = survey_video.read_frames(build, video)
    columns = {name: frames.column(name).to_numpy() for name in COLUMNS}
    return shots(columns, build.parameters.selection.shots).shot


def pairs_target(build: Build, video: Video) -> FsspecTarget:
    """Where the pairs of a video are."""
    return FsspecTarget(build.pairs_folder(video), f"{video.video_id}.parquet")


def read_pairs(build: Build, video: Video) -> pa.Table:
    """A row for every frame of a video."""
    return tables.from_bytes(pairs_target(build, video).read())


def ended(pairs: pa.Table) -> Outcome:
    """How a selection ended for the video as a whole."""
    fault = tables.about(pairs).get("fault", "")
    return Outcome(FILTERED, fault) if fault else Outcome(DONE)


def read_selected(build: Build, video: Video) -> pa.Table:
    """A row for every pair that is to be labelled, in order."""
    table = read_pairs(build, video)
    return table.filter(pc.equal(table.column("reason"), ""))
