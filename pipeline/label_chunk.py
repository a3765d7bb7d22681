"""One chunk of labels: frames in, the tar with the samples and a row a pair out."""

import time
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from labels.dense_depth import MEASURED, PLANE, PROPAGATED, SKY
from labels.egomotion import EgomotionParameters
from labels.fixed_regions import widened
from labels.noise_scale import NoiseScale
from labels.pair import LabelParameters, PairLabel, label_pair
from pipeline import kept_memory, outcome, sample, select_pairs, survey_video, tables
from pipeline.build import Build
from pipeline.edge_model import detector_of
from pipeline.manifest import Video
from pipeline.outcome import DONE, FILTERED, Outcome
from pipeline.pair_frames import PairFrames
from pipeline.parameters import STAGE_VERSIONS

_ORIGINS = {"measured": MEASURED, "propagated": PROPAGATED, "plane": PLANE, "sky": SKY}
_STATISTICS = {
    "valid_fraction": pa.float32(),
    "moving_fraction": pa.float32(),
    "fixed_fraction": pa.float32(),
    **{f"{origin}_fraction": pa.float32() for origin in _ORIGINS},
    "inlier_ratio": pa.float32(),
    "cost": pa.float32(),
    "rotation_deg": pa.float32(),
    "parallax_snr": pa.float32(),
    "median_translational_flow_px": pa.float32(),
    "focus_of_expansion_x": pa.float32(),  # pixels of the frame
    "focus_of_expansion_y": pa.float32(),
}
LABELS = pa.schema(
    [
        ("key", pa.string()),
        ("frame", pa.int32()),
        ("second_frame", pa.int32()),
        ("frame_distance", pa.int32()),
        ("pts", pa.int64()),
        ("second_pts", pa.int64()),
        ("time_s", pa.float64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("offset", pa.int64()),
        ("size", pa.int64()),
        *_STATISTICS.items(),
    ]
)


LONGEST_GAP_S = 0.5
"""Time after which the motion of an earlier pair says nothing any more."""


@dataclass(frozen=True)
class Chunk:
    """The labels of a chunk: a whole tar, and a row a pair with its end, place in the tar and statistics."""

    tar: bytes
    table: pa.Table


def label_chunk(build: Build, video: Video, pairs: pa.Table) -> Chunk:
    """Label consecutive selected pairs of a video.

    A pair that cannot be read or labelled ends as ``failed`` in its row; the others are unharmed. The egomotion,
    the ground and the depth of one pair are handed on to the next of the shot; the first pair of a chunk starts afresh,
    so that a chunk's bytes do not depend on the chunks before it.
    """
    cv2.setNumThreads(1)  # one process a core
    kept_memory.keep()
    work = _Work(build, video, survey_video.read_camera(build, video))
    wanted = tables.rows(pairs)
    tar, rows = bytearray(), []
    for pair, first, second in work.frames.of(wanted):
        ended, blocks, statistics = work.label(pair, first, second)
        rows.append(_row(video, pair, ended) | {"offset": len(tar), "size": len(blocks)} | statistics)
        tar += blocks
    spent = work.seconds | {"decode": work.frames.seconds}
    seconds = {f"{name}_s": f"{value:.3f}" for name, value in sorted(spent.items())}
    return Chunk(bytes(tar + sample.END), pa.Table.from_pylist(rows, LABELS).replace_schema_metadata(seconds))


def without_labels(video: Video, pairs: pa.Table, ended: Outcome) -> Chunk:
    """The chunk of pairs that all ended in the same way, without a label."""
    rows = [_row(video, pair, ended) | {"offset": 0, "size": 0} for pair in tables.rows(pairs)]
    return Chunk(sample.END, pa.Table.from_pylist(rows, LABELS))


def _row(video: Video, pair: dict[str, Any], ended: Outcome) -> dict[str, Any]:
    told = {"key": sample.key(video.video_id, pair["frame"]), "status": ended.status, "reason": ended.reason}
    return {name: pair[name] for name in _OF_A_PAIR} | told | {"detail": ended.detail}


_OF_A_PAIR = ("frame", "second_frame", "frame_distance", "pts", "second_pts", "time_s")


class _Work:
    """The state of a chunk under way: camera, the last label that was kept, seconds spent by part of the work."""

    def __init__(self, build: Build, video: Video, camera: dict[str, Any]) -> None:
        self.build, self.video, self.camera = build, video, _lens(camera, build.parameters.label)
        self.parameters = _with_noise(build.parameters.label, camera)
        self.fixed = widened(survey_video.read_fixed(build, video), build.parameters.fixed.margin_px)
        self.shot = select_pairs.read_shots(build, video)
        self.heading = None if camera["heading"] is None else np.array(camera["heading"])
        self.previous: PairLabel | None = None
        self.last: dict[str, Any] | None = None  # the pair it is of
        self.frames = PairFrames(build, video, camera)
        self.detector = detector_of(build)
        self.seconds = {"label": 0.0, "encode": 0.0}

    def label(self, pair: dict[str, Any], first: Any, second: Any) -> tuple[Outcome, bytes, dict[str, Any]]:
        """The end of a pair, its tar blocks (none unless done) and its statistics."""
        if isinstance(first, Outcome):
            return first, b"", {}
        start = _start(self.last, pair, self.shot)
        frame_ratio, elapsed = start or (1.0, 1.0)
        began = time.process_time()
        try:
            label = label_pair(
                first,
                second,
                self.camera["focal_px"],
                self.parameters,
                self.previous if start else None,
                frame_ratio,
                principal_point=tuple(self.camera["principal_point"]),
                usable=~self.fixed,
                heading=self.heading,
                focal_known=self.camera["focal_state"] != "default",
                elapsed=elapsed,
                detector=self.detector,
            )
        except Exception as error:  # a bad pair never fails its chunk
            return outcome.of_error(error), b"", {}
        finally:
            self.seconds["label"] += time.process_time() - began
        statistics = _statistics(label, self.camera, float(self.fixed.mean()))
        if label.reason:
            return Outcome(FILTERED, label.reason), b"", statistics
        self.previous, self.last = label, pair
        began = time.process_time()
        blocks = self._encoded(pair, first, label, statistics)
        self.seconds["encode"] += time.process_time() - began
        return Outcome(DONE), blocks, statistics

    def _encoded(
        self, pair: dict[str, Any], image: NDArray[np.uint8], label: PairLabel, statistics: dict[str, Any]
    ) -> bytes:
        shard = self.build.parameters.shard
        confidence = label.confidence if shard.confidence else None
        key = sample.key(self.video.video_id, pair["frame"])
        record = self._record(pair, label, statistics)
        return sample.encode(key, image, label.codes, confidence, record, shard.jpeg_quality)

    def _record(self, pair: dict[str, Any], label: PairLabel, statistics: dict[str, Any]) -> dict[str, Any]:
        motion, focus = label.egomotion, None
        if np.isfinite(statistics["focus_of_expansion_x"]):
            focus = [statistics["focus_of_expansion_x"], statistics["focus_of_expansion_y"]]
        return {
            **{name: pair[name] for name in _OF_A_PAIR},
            **{name: statistics[name] for name in _STATISTICS if not name.startswith("focus")},
            "video_id": self.video.video_id,
            "dataset": self.video.dataset,
            "licence": self.video.licence,
            "width": self.camera["width"],
            "height": self.camera["height"],
            "focal_px": self.camera["focal_px"],
            "focal_state": self.camera["focal_state"],
            "principal_point": self.camera["principal_point"],
            "rotation_vector": motion.rotation_vector,
            "translation": motion.T,
            "focus_of_expansion": focus,
            "stage_versions": STAGE_VERSIONS,
            "flow_engine": self.build.parameters.label.flow.engine,
            "percentile_over": self.build.parameters.label.percentile_over,
        }


def _lens(camera: dict[str, Any], parameters: LabelParameters) -> dict[str, Any]:
    """The camera as the labels take it: by the paper's recipe, with one focal length for all videos."""
    if parameters.recipe != "paper":
        return camera
    return camera | {"focal_px": parameters.paper.focal * camera["width"], "focal_state": "paper"}


def _with_noise(parameters: LabelParameters, camera: dict[str, Any]) -> LabelParameters:
    """The parameters with the noise that the survey measured, but for what the build says other than the default."""
    said, usual = parameters.egomotion, EgomotionParameters()
    measured = {name: camera[name] for name in NoiseScale._fields if getattr(said, name) == getattr(usual, name)}
    return replace(parameters, egomotion=replace(said, **measured))


def _start(last: dict[str, Any] | None, pair: dict[str, Any], shot: NDArray[np.int64]) -> tuple[float, float] | None:
    """How much longer a pair lasts than the ``last`` one and how much later it begins, over that one's duration.

    None where the last one says nothing of this: too long ago, or in another ``shot`` (of each frame).
    """
    if last is None or shot[pair["frame"]] != shot[last["frame"]]:
        return None
    if pair["time_s"] - last["second_time_s"] > LONGEST_GAP_S:
        return None
    return _duration(pair) / _duration(last), (pair["time_s"] - last["time_s"]) / _duration(last)


def _duration(pair: dict[str, Any]) -> float:
    return max(pair["second_time_s"] - pair["time_s"], 1e-6)


def _statistics(label: PairLabel, camera: dict[str, Any], fixed_fraction: float) -> dict[str, float]:
    motion = label.egomotion
    focus = motion.focus_of_expansion(camera["focal_px"], tuple(camera["principal_point"]))
    return {
        "valid_fraction": label.valid_fraction,
        "moving_fraction": np.count_nonzero(label.moving) / label.moving.size,
        "fixed_fraction": fixed_fraction,
        **{
            f"{name}_fraction": np.count_nonzero(label.origin == origin) / label.origin.size
            for name, origin in _ORIGINS.items()
        },
        "inlier_ratio": motion.inlier_ratio,
        "cost": motion.cost,
        "rotation_deg": motion.rotation_deg,
        "parallax_snr": motion.parallax_snr,
        "median_translational_flow_px": motion.median_translational_flow_px,
        "focus_of_expansion_x": focus[0],
        "focus_of_expansion_y": focus[1],
    }
