"""What all tasks of a build share: they are named by the root, the build and, mostly, a video."""

import functools

import luigi

from pipeline import build as builds
from pipeline.build import Build
from pipeline.manifest import Video


class BuildTask(luigi.Task):
    """A task of the build ``build_id`` recorded under ``root``."""

    root = luigi.Parameter(description="folder or URL that holds everything a build makes")
    build_id = luigi.Parameter(description="name of the record under ROOT/builds")

    @functools.cached_property
    def build(self) -> Build:
        """The recorded build."""
        return builds.load(self.root, self.build_id)


class VideoTask(BuildTask):
    """A task on one video of the build."""

    video_id = luigi.Parameter(description="the video's id in the manifest")

    @functools.cached_property
    def video(self) -> Video:
        """The video's row in the manifest."""
        return self.build.video(self.video_id)
