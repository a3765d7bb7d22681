"""DatasetReport: one HTML file to judge a dataset by, finished or still being built."""

import sys

import luigi

from pipeline import build_shards, report_page, storage
from pipeline.build import require_root
from pipeline.funnel import Funnel
from pipeline.growth import RESHUFFLE


class DatasetReport(luigi.Task):
    """Writes ``report.html`` beside the shards, from what a build has made so far; BuildShards ends with it.

    Give the options that the build was given. It works while the build does, and never starts any work of it.
    """

    manifest = luigi.Parameter(default=build_shards.DEMO, description="as for BuildShards")
    root = luigi.Parameter(default="dataset", description="as for BuildShards")
    dataset = luigi.Parameter(default="", description="as for BuildShards")
    source_root = luigi.Parameter(default="", description="as for BuildShards")
    profile = luigi.Parameter(default="default", description="as for BuildShards")
    growth = luigi.Parameter(default=RESHUFFLE, description="as for BuildShards")

    _done = False

    def complete(self) -> bool:
        """Whether this run has written it: an older one may tell less."""
        return self._done

    def run(self) -> None:
        """Count, draw, write."""
        given = (self.manifest, self.root, self.dataset, self.source_root, self.profile, self.growth)
        build = build_shards.plan(*given)
        require_root(build.root)
        storage.forget_all()
        report_page.write_report(build, Funnel().update(build))
        print(f"report: {report_page.report_target(build)}", file=sys.stderr)
        self._done = True
