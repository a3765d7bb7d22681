"""RetryFailed: forget the failures of a build, and only those, so that BuildShards takes them up again."""

import json
import sys

import luigi

from pipeline import build_shards, fetch_video, hash_frames, label_pairs, select_pairs, storage, survey_video
from pipeline.build import Build, open_root, require_root
from pipeline.manifest import Video
from pipeline.outcome import FAILED
from pipeline.storage import join


class RetryFailed(luigi.Task):
    """Removes the records of what failed: fetches, surveys, and chunks in which a pair failed.

    What was done, filtered or is gone stays. The next BuildShards with the same options tries the failures again and
    makes a new version of the dataset; the old one stays until PruneVersions.
    """

    manifest = luigi.Parameter(default=build_shards.DEMO, description="as for BuildShards")
    root = luigi.Parameter(default="dataset", description="as for BuildShards")
    dataset = luigi.Parameter(default="", description="as for BuildShards")
    source_root = luigi.Parameter(default="", description="as for BuildShards")
    profile = luigi.Parameter(default="default", description="as for BuildShards")
    _removed = False

    def complete(self) -> bool:
        """Whether there is no failure to try again."""
        build = self._build()
        require_root(build.root)
        found = self._failures()
        if not found and not self._removed:  # Luigi asks again after the run
            print(f"nothing failed under {build.root}", file=sys.stderr)
        return not found

    def run(self) -> None:
        """Remove the records, count the attempt."""
        build = self._build()
        open_root(build.root)
        found = self._failures()
        attempt = {"attempt": build_shards.attempt(build.root) + 1}
        storage.write_bytes(join(build.root, "retries.json"), json.dumps(attempt).encode())
        for url in found:
            storage.remove(url)
        self._removed = True
        print(f"{len(found)} failed records removed; run BuildShards to try them again", file=sys.stderr)

    def _build(self) -> Build:
        return build_shards.plan(self.manifest, self.root, self.dataset, self.source_root, self.profile)

    def _failures(self) -> list[str]:
        build = self._build()
        storage.forget_all()
        return [url for video in build.videos for url in failures(build, video)]


def failures(build: Build, video: Video) -> list[str]:
    """The files and folders to remove so that what failed of a video, and what followed from it, is tried again."""
    after_survey = [
        hash_frames.hashes_target(build, video).url,
        select_pairs.pairs_target(build, video).url,
        join(build.labels_folder(video), video.video_id),
    ]
    survey = [survey_video.camera_target(build, video).url, *after_survey]
    fetched = fetch_video.record(build, video)
    if fetched.exists() and fetch_video.read_record(build, video)["status"] == FAILED:
        return [fetched.url, *survey]
    camera = survey_video.camera_target(build, video)
    if camera.exists() and survey_video.read_camera(build, video)["status"] == FAILED:
        return survey
    return [
        label_pairs.chunk_target(build, video, chunk).url
        for chunk in label_pairs.chunks(build, video)
        if FAILED in label_pairs.read_chunk(build, video, chunk).column("status").to_pylist()
    ]
