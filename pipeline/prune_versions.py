"""PruneVersions: remove what no finished dataset under a root needs any more."""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import luigi

from pipeline import build as builds
from pipeline import storage
from pipeline.build import Build
from pipeline.errors import UserError
from pipeline.storage import join

STAGES = ("survey", "hashes", "pairs", "labels", "shards")


class PruneVersions(luigi.Task):
    """Keeps the newest finished version of each dataset and all it is made of; removes other versions and leftovers.

    A version becomes the newest when BuildShards has finished it, so that the old one stays whole until then. Fetched
    videos stay. Do not run it while a build with new parameters is under way: its unfinished stages are not needed by
    any finished dataset.
    """

    root = luigi.Parameter(default="dataset", description="as for BuildShards")
    dry_run = luigi.BoolParameter(description="only say what would be removed")
    leftover_age_s = luigi.IntParameter(default=3600, description="age from which unfinished temporary files go")

    _done = False

    def complete(self) -> bool:
        """Whether there is nothing to remove."""
        builds.require_root(self.root)
        if not self._done and not list(superfluous(self.root, self.leftover_age_s)):
            print(f"nothing to remove under {self.root}", file=sys.stderr)
            self._done = True
        return self._done

    def run(self) -> None:
        """Remove, or say so."""
        for url in superfluous(self.root, self.leftover_age_s):
            print(f"{'would remove' if self.dry_run else 'removing'} {url}", file=sys.stderr)
            if not self.dry_run:
                storage.remove(url)
        self._done = True


def superfluous(root: str, leftover_age_s: float) -> Iterator[str]:
    """URLs of what can go: versions of stages, records of builds, temporary files of that age in seconds."""
    current = list(_finished(root))
    needed = {url for build in current for url in _folders(build)}
    for stage in STAGES if current else ():
        for version in storage.children(join(root, stage)):
            url = join(root, stage, version)
            if url not in needed:
                yield url
    for record in storage.children(join(root, "builds")) if current else ():
        if record.removesuffix(".json") not in {build.build_id for build in current}:
            yield join(root, "builds", record)
    yield from storage.leftovers(root, time.time() - leftover_age_s)


def _finished(root: str) -> Iterator[Build]:
    for name in storage.children(join(root, "datasets")):
        record: dict[str, Any] = json.loads(storage.read_bytes(join(root, "datasets", name)))
        try:
            yield builds.load_version(root, record["build"], record["shards"])
        except UserError as error:
            raise UserError(f"nothing was removed: {error}; then PruneVersions removes that one") from error


def _folders(build: Build) -> Iterator[str]:
    yield build.shards_folder()
    for video in build.videos:
        yield build.survey_folder(video)
        yield from [build.hashes_folder(video)] * build.parameters.duplicate.drop
        yield build.pairs_folder(video)
        yield build.labels_folder(video)
