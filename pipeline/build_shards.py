"""BuildShards: the whole way from a manifest to a dataset; the task that users name."""

import dataclasses
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import luigi

from pipeline import build as builds
from pipeline import (
    compilation,
    describe,
    edge_model,
    ending,
    fetch_video,
    forecast,
    parameters,
    profiles,
    progress,
    report_page,
    storage,
)
from pipeline.build import Build, open_root
from pipeline.errors import UserError
from pipeline.find_duplicates import FindDuplicates
from pipeline.funnel import Funnel
from pipeline.growth import RESHUFFLE, grown
from pipeline.manifest import read_manifest
from pipeline.select_pairs import SelectPairs
from pipeline.storage import FsspecTarget, join
from pipeline.task import MarkedTask
from pipeline.write_shard import WriteShard

DEMO = str(Path(__file__).parent.parent / "data_manifests" / "demo.csv")


class BuildShards(MarkedTask):
    """Builds a dataset of (frame, relative depth) shards from the videos of a manifest.

    Run it again after an interruption, with more videos or with other parameters: only what is missing is made. More
    videos are dealt into new shards together with the old ones, or with ``--growth append`` behind them. The
    parameters of the stages are options of their own; ``luigi --module pipeline BuildShards --help-all`` lists them,
    for instance ``--Decoding-width 480`` or ``--Selection-rule homography``.
    """

    manifest = luigi.Parameter(
        default=DEMO,
        description="csv or parquet with a video a row, columns as in data_manifests/README.md (default: a demo)",
    )
    root = luigi.Parameter(
        default="dataset", description="folder or URL that holds everything a build makes (default: dataset)"
    )
    dataset = luigi.Parameter(default="", description="name of the dataset; the manifest's file name where not given")
    source_root = luigi.Parameter(default="", description="folder of relative sources; the manifest's by default")
    parts = luigi.IntParameter(
        default=4, significant=False, description="tasks that the labelling of one video is cut into"
    )
    max_failed_fraction = luigi.FloatParameter(
        default=0.5, significant=False, description="share of failed videos or pairs above which the build fails"
    )
    profile = luigi.Parameter(
        default="default",
        description="parameters where no option says other: default, fast (OpenCV's flow) or paper (its recipe)",
    )
    dry_run = luigi.BoolParameter(
        significant=False, description="only say how many tasks would run, with hours and bytes by the costs so far"
    )
    growth = luigi.Parameter(
        default=RESHUFFLE,
        description="what new rows of the manifest do to a finished dataset: reshuffle deals all samples into shards "
        "anew, append leaves its shards as they are and adds some",
    )
    score_only = luigi.BoolParameter(
        description="stop after the selection: statistics and reasons, no labels. "
        "Parameters of the stages, such as --Decoding-width: see --help-all"
    )

    _announced = False

    @property
    def retry_count(self) -> int | None:
        """One try on one machine, where mostly the input is at fault; on many the scheduler's, as machines stumble."""
        alone = luigi.configuration.get_config().getboolean("core", "local_scheduler", False)
        return 1 if alone else None

    def requires(self) -> list[luigi.Task]:
        """The shards, or the selections alone."""
        return [] if self.dry_run else self._wanted(self._open())

    def _wanted(self, build: Build) -> list[luigi.Task]:
        if self.score_only:
            names = {"root": build.root, "build_id": build.build_id}
            selections: list[luigi.Task] = [SelectPairs(**names, video_id=video.video_id) for video in build.videos]
            return selections + [FindDuplicates(**names)] * build.parameters.duplicate.drop
        if self.parts < 1:
            raise UserError(f"--parts {self.parts} cannot work; allowed: 1 or more")
        return [
            WriteShard(root=build.root, build_id=build.build_id, part=part, parts=self.parts)
            for part in range(self.parts)
        ]

    def output(self) -> FsspecTarget:
        """``dataset.json``, or the scores."""
        build = self._plan()
        return FsspecTarget(build.shards_folder(), "scores.json" if self.score_only else "dataset.json")

    def complete(self) -> bool:
        """Whether the dataset is whole; the first time it is, say where. A dry run is, when it was told."""
        if self.dry_run:
            self._tell()
            return True
        done = self.output().exists()
        if done and not self._announced:
            self._announced = True
            ending.whole()
            self._make_newest()
            progress.print_summary(json.loads(self.output().read())["funnel"])
            print(f"complete: {self.output()}", file=sys.stderr)
        return done

    def _make_newest(self) -> None:
        """Do what is left where a build was killed between its last two files."""
        build = self._plan()
        known = builds.newest(build.root, build.dataset)
        if not self.score_only and build.base == (known[1] if known else ""):
            builds.make_newest(build)

    def run(self) -> None:
        """Describe what was built; fail loudly where too much failed."""
        storage.forget_all()
        build = self._plan()
        funnel = Funnel().update(build)
        self._judge(build, funnel)
        if self.score_only:
            self.output().write(json.dumps(describe.scores(funnel), indent=1).encode())
            return
        report_page.write_report(build, funnel)
        describe.write_dataset(build, funnel)
        builds.make_newest(build)

    def _judge(self, build: Build, funnel: Funnel) -> None:
        if funnel.failed_fraction() > self.max_failed_fraction:
            raise UserError(
                f"{funnel.failed_fraction():.0%} failed, more than --max-failed-fraction {self.max_failed_fraction:g}; "
                f"the worst: {'; '.join(funnel.worst()[:5])}. Mend them and run RetryFailed, then BuildShards again"
            )
        kept = funnel.selected if self.score_only else funnel.labelled
        if kept == 0:
            reasons = "; ".join(f"{reason} {count}" for reason, count in funnel.top_reasons())
            raise UserError(f"no usable pair in {len(build.videos)} videos, so there is no dataset: {reasons}")

    def _tell(self) -> None:
        if self._announced:
            return
        self._announced = True
        build = self._plan()
        missing = Counter({"BuildShards": int(not self.output().exists())})
        told = forecast.forecast(build, self._wanted(build) if missing.total() else [])
        for line in dataclasses.replace(told, tasks=told.tasks + missing).lines():
            print(line, file=sys.stderr)

    def _open(self) -> Build:
        """Check everything that can be checked before work, record the build, show how it goes."""
        build = self._plan()
        detector = edge_model.detector_of(build)
        open_root(build.root)
        fetch_video.refuse_changed_sources(build)
        build.save()
        if not self.score_only:
            compilation.compile_ahead(build.parameters.label, detector)
        progress.watch(build)
        ending.explain_at_exit(self.output().url)
        return build

    def _plan(self) -> Build:
        if not hasattr(self, "_planned"):
            given = (self.manifest, self.root, self.dataset, self.source_root, self.profile, self.growth)
            self._planned = plan(*given)
        return self._planned


def plan(
    manifest: str,
    root: str,
    dataset: str = "",
    source_root: str = "",
    profile: str = "default",
    growth: str = RESHUFFLE,
) -> Build:
    """The build that a manifest and the command line's parameters amount to. Raises ``UserError``."""
    name = dataset or Path(manifest).stem
    if not name.replace("-", "").replace("_", "").isalnum() or not name.isascii() or len(name) > 100:
        raise UserError(f"--dataset {name!r} cannot name files; allowed: letters, digits, '_' and '-'")
    videos = read_manifest(manifest, source_root or None)
    whole = Build(
        root=_absolute(root),
        dataset=name,
        manifest=manifest,
        videos=tuple(sorted(videos, key=lambda video: video.video_id)),
        parameters=parameters.from_command_line(profiles.profile(profile)),
        attempt=attempt(_absolute(root)),
    )
    return grown(whole, growth)


def attempt(root: str) -> int:
    """How often failures under a root were given another try."""
    url = join(root, "retries.json")
    if not storage.exists(url):
        return 0
    record: dict[str, Any] = json.loads(storage.read_bytes(url))
    return int(record["attempt"])


def _absolute(root: str) -> str:
    return root if "://" in root else str(Path(root).absolute())
