"""ExpandPlaylist: a manifest of the videos in a playlist or channel."""

import sys
from pathlib import Path

import luigi

from pipeline import parameters
from pipeline.errors import UserError
from pipeline.manifest import write_manifest
from pipeline.storage import FsspecTarget


class ExpandPlaylist(luigi.Task):
    """Writes a manifest with a row for each video of a page or playlist that yt-dlp understands.

    Look through it, add splits, crops and licences where you know them, and build it with ``BuildShards --manifest``.
    """

    url = luigi.Parameter(description="address of the playlist, channel or page")
    to = luigi.Parameter(description="the manifest to write, .csv or .parquet; it must not exist yet")
    prefix = luigi.Parameter(default="", description="what the video ids begin with")

    retry_count = 1

    def output(self) -> FsspecTarget:
        """The manifest."""
        path = Path(self.to).absolute()
        return FsspecTarget(str(path.parent), path.name)

    def run(self) -> None:
        """Ask for the entries, write the rows."""
        from pipeline.playlist import expand_playlist  # imports yt-dlp, which takes a second: only where needed

        videos = expand_playlist(self.url, self.prefix, parameters.from_command_line().fetch)
        if not videos:
            raise UserError(f"{self.url} lists no videos")
        write_manifest(self.to, videos)
        self.output().appeared()
        print(f"{len(videos)} videos in {self.to}", file=sys.stderr)
