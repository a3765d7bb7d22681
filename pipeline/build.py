"""A build: the videos, the parameters and where each stage puts its outputs.

``BuildShards`` records the build under ``builds/<id>.json`` in the root folder before any work. All other tasks take
the root and that id, so that any worker on any machine can take up any task.
"""

import dataclasses
import functools
import json
from dataclasses import dataclass
from typing import Any

from labels.repeats import REPEATS_VERSION
from pipeline import storage
from pipeline.errors import UserError
from pipeline.manifest import Video
from pipeline.parameters import FORMAT, STAGE_VERSIONS, BuildParameters, fingerprint, from_json, plain
from pipeline.storage import FsspecTarget, join

Row = tuple[float | None, ...]
"""What of a manifest's row changes a video's frames or camera."""


@dataclass(frozen=True)
class Build:
    """What is built, from what, how and where."""

    root: str
    dataset: str
    manifest: str
    videos: tuple[Video, ...]
    parameters: BuildParameters
    attempt: int = 0  # how often failures were given another try (``RetryFailed``)
    base: str = ""  # the finished version whose shards are kept, where this build appends to one (``growth``)

    # -- where the outputs of a stage are -----------------------------------------------------------------------------

    def videos_folder(self) -> str:
        """Fetched videos: ``<id>/fetch.json`` and ``<id>/source.<ext>``."""
        return join(self.root, "videos")

    def survey_folder(self, video: Video) -> str:
        """Surveys: ``<id>/frames.parquet``, ``<id>/fixed.png`` and ``<id>/camera.json``."""
        return join(self.root, "survey", self._survey_fingerprint(video))

    def hashes_folder(self, video: Video) -> str:
        """Hashes of frames, where duplicates are looked for: ``<id>.parquet``."""
        return join(self.root, "hashes", fingerprint(REPEATS_VERSION, self._survey_fingerprint(video)))

    def pairs_folder(self, video: Video) -> str:
        """Selections: ``<id>.parquet``."""
        return join(self.root, "pairs", self._pairs_fingerprint(video))

    def labels_folder(self, video: Video) -> str:
        """Labels: ``<id>/<chunk>-of-<chunks>.{tar,parquet}``."""
        return join(self.root, "labels", self._labels_fingerprint(video))

    def shards_folder(self) -> str:
        """The dataset: ``plan.parquet``, the tars, ``dataset.json`` and what describes them."""
        return join(self.root, "shards", self.shards_fingerprint())

    def base_folder(self) -> str:
        """The dataset that is appended to."""
        return join(self.root, "shards", self.base)

    # -- fingerprints: exactly what a stage's output depends on, chained to the stage before ---------------------------

    def _survey_fingerprint(self, video: Video) -> str:
        return self._fingerprints(video)[0]

    def _pairs_fingerprint(self, video: Video) -> str:
        return self._fingerprints(video)[1]

    def _labels_fingerprint(self, video: Video) -> str:
        return self._fingerprints(video)[2]

    def shards_fingerprint(self) -> str:
        """The version of the dataset: its videos with their labels, and how they are dealt into shards."""
        return self._shards_fingerprint

    def _fingerprints(self, video: Video) -> tuple[str, str, str]:
        """Of a video's survey, pairs and labels; asked by thousands of tasks, of few different rows."""
        # What a manifest row changes in the frames or the camera counts as a parameter of that video's stages.
        row = (video.fps, video.crop_top, video.crop_bottom, video.focal_px, video.start_s, video.end_s)
        if row not in self._known_fingerprints:
            self._known_fingerprints[row] = self._chain(row)
        return self._known_fingerprints[row]

    def _chain(self, row: Row) -> tuple[str, str, str]:
        given = self._plain_parameters
        by_homography = given["selection"]["rule"] == "homography"
        stored = (given["shard"]["jpeg_quality"], given["shard"]["confidence"])
        survey = fingerprint(STAGE_VERSIONS["survey"], given["decoding"], given["survey"], given["fixed"], row)
        rule = (given["selection"], given["homography"] if by_homography else None)
        pairs = fingerprint(STAGE_VERSIONS["pairs"], survey, *rule)
        return survey, pairs, fingerprint(STAGE_VERSIONS["labels"], pairs, given["label"], given["chunk"], stored)

    @functools.cached_property
    def _plain_parameters(self) -> dict[str, Any]:
        return plain(self.parameters)

    @functools.cached_property
    def _known_fingerprints(self) -> dict[Row, tuple[str, str, str]]:
        return {}

    @functools.cached_property
    def _shards_fingerprint(self) -> str:
        rows = [(dataclasses.asdict(video), self._labels_fingerprint(video)) for video in self.videos]
        given = [rows, self._plain_parameters["shard"], self.attempt]
        if self.parameters.duplicate.drop:
            given.append({"duplicate": self._plain_parameters["duplicate"], "version": REPEATS_VERSION})
        return fingerprint(STAGE_VERSIONS["shards"], self.dataset, *given, *([self.base] if self.base else []))

    # -- as a record --------------------------------------------------------------------------------------------------

    def video(self, video_id: str) -> Video:
        """The manifest row of a video."""
        return self._by_id[video_id]

    @functools.cached_property
    def _by_id(self) -> dict[str, Video]:
        return {video.video_id: video for video in self.videos}

    def to_json(self) -> dict[str, Any]:
        """The record under ``builds/``: all but the root, so that a root can be moved."""
        record = dataclasses.asdict(self) | {"parameters": self._plain_parameters}
        del record["root"]
        if not self.base:
            del record["base"]
        return {"format": FORMAT, **record}

    @functools.cached_property
    def build_id(self) -> str:
        """The name of the record."""
        return fingerprint(self.to_json())

    def save(self) -> None:
        """Write the record under ``builds/`` unless it is there."""
        target = FsspecTarget(join(self.root, "builds"), f"{self.build_id}.json")
        if not target.exists():
            target.write(json.dumps(self.to_json(), indent=1).encode())


@functools.lru_cache(maxsize=4)
def load(root: str, build_id: str) -> Build:
    """The build recorded under a root. Raises ``UserError`` where this version can read no such record."""
    try:
        record = json.loads(storage.read_bytes(join(root, "builds", f"{build_id}.json")))
    except FileNotFoundError as error:
        raise UserError(f"{root} has no build {build_id}; start from BuildShards, which records it") from error
    try:
        return Build(
            root=root,
            dataset=record["dataset"],
            manifest=record["manifest"],
            videos=tuple(Video(**row) for row in record["videos"]),
            parameters=from_json(record["parameters"]),
            attempt=record["attempt"],
            base=record.get("base", ""),
        )
    except (KeyError, TypeError) as error:
        raise UserError(
            f"build {build_id} under {root} is of another version of the software, with other parameters; use that "
            "version, or give the BuildShards command again, which builds the dataset anew beside the old version"
        ) from error


def load_version(root: str, build_id: str, version: str) -> Build:
    """The build that made a finished version of a dataset, by its fingerprint.

    Raises ``UserError`` as ``load`` does, and where this version of the software would look for its parts elsewhere.
    """
    build = load(root, build_id)
    if build.shards_fingerprint() != version:
        raise UserError(
            f"{build.dataset} {version} under {root} was made by another version of the software, with other "
            "names of the stages; use that version, or give the BuildShards command again, which builds the dataset "
            "anew beside the old version"
        )
    return build


def newest(root: str, dataset: str) -> tuple[str, str] | None:
    """The build and the version of the newest finished version of a dataset; None where there is none."""
    try:
        pointer = json.loads(storage.read_bytes(_pointer_url(root, dataset)))
    except FileNotFoundError:
        return None
    return str(pointer["build"]), str(pointer["shards"])


def make_newest(build: Build) -> None:
    """Let the root name what a finished build made."""
    pointer = {"build": build.build_id, "shards": build.shards_fingerprint()}
    storage.write_bytes(_pointer_url(build.root, build.dataset), json.dumps(pointer).encode())


def _pointer_url(root: str, dataset: str) -> str:
    return join(root, "datasets", f"{dataset}.json")


def require_root(root: str) -> None:
    """Make sure that something was built under ``root``. Raises ``UserError``."""
    if not storage.exists(join(root, "format.json")):
        raise UserError(f"{root} holds no build; give the --root that BuildShards was given")


def open_root(root: str) -> None:
    """Make sure that ``root`` can hold a build: writable, of this format. Raises ``UserError``."""
    target = FsspecTarget(root, "format.json")
    try:
        if storage.exists(target.url):
            found = json.loads(target.read()).get("format")
            if found != FORMAT:
                raise UserError(
                    f"{root} has format {found}, this version writes format {FORMAT}; "
                    "use another --root, or the version of the software that made it"
                )
            storage.probe_writable(root)
            return
        target.write(json.dumps({"format": FORMAT}).encode())
    except OSError as error:
        raise UserError(f"cannot write to the root {root}: {error.strerror or error}; choose another --root") from error
