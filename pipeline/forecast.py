"""What a build would do: tasks by stage, hours and bytes, from the costs that finished work recorded."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import luigi

from pipeline import build as builds
from pipeline import storage
from pipeline.build import Build
from pipeline.errors import UserError
from pipeline.funnel import Funnel
from pipeline.storage import join
from pipeline.task import BuildTask
from pipeline.unit_costs import Left, left, unit_costs

_ORDER = (
    "FetchVideo",
    "SurveyVideo",
    "HashFrames",
    "SelectPairs",
    "FindDuplicates",
    "LabelPairs",
    "PlanShards",
    "WriteShard",
)


@dataclass(frozen=True)
class Forecast:
    """The tasks that would run, and what they would cost."""

    tasks: Counter[str]  # by the name of the task
    left: Left
    unselected: int = 0  # videos whose pairs are not known yet
    outdated: int = 0  # datasets under the root whose costs another version of the software recorded

    def lines(self) -> Iterator[str]:
        """The forecast for a person."""
        yield "would run: " + (", ".join(self._count(name) for name in self.tasks) or "nothing")
        remains = self.left
        if remains.core_s is None:
            yield f"hours: unknown, {self._unrecorded()}; build a manifest of a few of the videos there first"
            return
        yield (
            f"hours of a core: {remains.core_s / 3600:.3g} "
            f"(surveys {(remains.survey_s or 0) / 3600:.3g}, labels {(remains.label_s or 0) / 3600:.3g} "
            f"for about {remains.pairs:.0f} pairs)"
        )
        fetch = "unknown, none is recorded" if remains.fetch_s is None else f"{remains.fetch_s / 3600:.3g}"
        yield f"hours of downloads, one after the other: {fetch}"
        yield f"bytes of labels and shards: {(remains.bytes or 0) / 1e9:.3g} GB; fetched videos are not counted"

    def _count(self, name: str) -> str:
        """A short video has fewer chunks than parts, which shows when its pairs are selected."""
        most = "at most " if name == "LabelPairs" and self.unselected else ""
        return f"{name} {most}{self.tasks[name]}"

    def _unrecorded(self) -> str:
        if self.outdated:
            return "what is finished under this root was made by another version of the software, at other costs"
        return "no cost is recorded under this root"


def forecast(build: Build, wanted: list[luigi.Task]) -> Forecast:
    """What ``wanted``, the tasks that BuildShards asks for, would take; nothing is written."""
    storage.forget_all()
    funnel = Funnel().update(build)
    names = [task.get_task_family() for task in _incomplete(build, wanted)]
    earlier = list(_earlier(build))
    remains = left(funnel, unit_costs([funnel, *(told for told in earlier if told is not None)]))
    if names and "PlanShards" not in names and "WriteShard" not in names:  # it stops after the selection
        remains = replace(remains, pairs=0.0, label_s=0.0, bytes=0.0)
    tasks = Counter(sorted(names, key=_ORDER.index))
    return Forecast(tasks, remains, len(build.videos) - funnel.done["select"], earlier.count(None))


def _incomplete(build: Build, wanted: list[luigi.Task]) -> Iterator[luigi.Task]:
    """The tasks that Luigi would run, in its own way: what a finished task requires is not looked at."""
    seen: set[str] = set()
    waiting = list(reversed(wanted))
    while waiting:
        task = waiting.pop()
        if task.task_id in seen:
            continue
        seen.add(task.task_id)
        if isinstance(task, BuildTask):
            task.build = build  # which is recorded nowhere yet
        if not task.complete():
            yield task
            waiting += luigi.task.flatten(task.requires())


def _earlier(build: Build) -> Iterator[Funnel | None]:
    """The funnels of the finished datasets under the root, for their costs; None for those of other versions."""
    for name in storage.children(join(build.root, "datasets")):
        pointer = json.loads(storage.read_bytes(join(build.root, "datasets", name)))
        try:
            earlier = builds.load_version(build.root, pointer["build"], pointer["shards"])
        except UserError:
            yield None
            continue
        yield Funnel().update(earlier)
