"""FetchVideo: the bytes of a video, or why there are none."""

import contextlib
import dataclasses
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline import fetch, outcome, storage
from pipeline.build import Build
from pipeline.errors import UserError
from pipeline.fetch import Fetched
from pipeline.manifest import Video
from pipeline.outcome import FAILED, Outcome
from pipeline.storage import FsspecTarget, join
from pipeline.task import VideoTask


class FetchVideo(VideoTask):
    """Fetches one video; what is on a local disk stays where it is.

    Writes ``videos/<id>/fetch.json`` (status, sha256, tool, licence) and, for what is downloaded or rendered,
    ``videos/<id>/source.<ext>`` before it.
    """

    priority = 40

    @property
    def resources(self) -> dict[str, int]:
        """One unit of the host's downloads, so that ``[resources]`` in ``luigi.cfg`` bounds them."""
        host = fetch.host(self.video)
        return {f"download_{host}": 1} if host else {}

    def output(self) -> FsspecTarget:
        """The record of the fetch."""
        return record(self.build, self.video)

    def run(self) -> None:
        """Fetch, and record how it ended."""
        content = dataclasses.asdict(self._fetched()) | {"video_id": self.video_id, "source": self.video.source}
        self.output().write(json.dumps(content, indent=1, sort_keys=True).encode())

    def _fetched(self) -> Fetched:
        limits = self.build.parameters.fetch
        home = join(self.build.videos_folder(), self.video_id)
        folder = storage.local_folder(home)
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
                with storage.reported("written", storage.filesystem(home)[0], home):
                    return fetch.fetch(self.video, folder, limits)
            with tempfile.TemporaryDirectory() as scratch:
                fetched = fetch.fetch(self.video, Path(scratch), limits)
                if fetched.path and not Path(fetched.path).is_absolute():
                    storage.put_file(Path(scratch) / fetched.path, join(home, fetched.path))
                return fetched
        except Exception as error:  # one video must not end the build, whatever its bytes do to a library
            ended = outcome.of_error(error)
            return Fetched(status=ended.status, reason=ended.reason, detail=ended.detail)


def record(build: Build, video: Video) -> FsspecTarget:
    """Where the record of a video's fetch is."""
    return FsspecTarget(build.videos_folder(), f"{video.video_id}/fetch.json")


def read_record(build: Build, video: Video) -> dict[str, Any]:
    """The record of a video's fetch."""
    content: dict[str, Any] = json.loads(record(build, video).read())
    return content


def ended(fetched: dict[str, Any]) -> Outcome:
    """How a fetch ended."""
    return Outcome(fetched["status"], fetched["reason"], fetched["detail"])


@contextlib.contextmanager
def local_source(build: Build, video: Video, fetched: dict[str, Any]) -> Iterator[Path]:
    """The fetched video as a local file or folder of images, as long as the block lasts."""
    path = fetched["path"]
    if Path(path).is_absolute():
        yield Path(path)
        return
    with storage.local_copy(join(build.videos_folder(), video.video_id, path)) as local:
        yield local


def refuse_changed_sources(build: Build) -> None:
    """Raise ``UserError`` where a ``video_id`` of the manifest was fetched from another source before."""
    for video in build.videos:
        if not record(build, video).exists():
            continue
        fetched = read_record(build, video)
        if fetched["status"] != FAILED and fetched["source"] != video.source:
            raise UserError(
                f"{build.manifest}: video_id {video.video_id!r} now has source {video.source!r}, but under "
                f"{build.root} it was fetched from {fetched['source']!r}; give the new source an id of its own, "
                f"or remove {join(build.videos_folder(), video.video_id)}"
            )
