"""A build's status as lines for a person, and as metrics for Prometheus."""

from collections.abc import Iterator
from pathlib import Path

from pipeline import storage
from pipeline.outcome import printable
from pipeline.progress import duration
from pipeline.status import Status


def lines(status: Status) -> Iterator[str]:
    """The status in plain text."""
    build = status.build
    more = f", {status.others} more recorded: --build picks one" if status.others else ""
    version = build.shards_fingerprint() + (f" appended to {build.base}" if build.base else "")
    yield f"{build.dataset}  build {build.build_id}  version {version}  {build.root}{more}"
    for stage in status.stages:
        wanted = f"{stage.wanted}" if stage.exact else f"{stage.wanted} or more"
        yield f"{stage.name:<7} {stage.done} of {wanted} {stage.unit}{_rows(status, stage.name)}"
    yield from _pace(status)
    for of, reason, count in status.failures():
        yield f"failed  {of}: {reason} {count}"
    for worst in status.funnel.worst()[:5]:
        yield f"worst   {printable(worst)}"
    yield from _at_work(status)
    if status.finished:
        yield f"complete: {build.shards_folder()}/dataset.json"


def _rows(status: Status, stage: str) -> str:
    funnel, told = status.funnel, ""
    if stage == "survey":
        told = ", ".join(f"{end} {n}" for end, n in sorted(funnel.to_json()["videos"].items()) if end != "waiting")
    elif stage == "select":
        told = f"selected {funnel.selected} of {funnel.candidates} frames{_reasons(status, 'frame')}"
    elif stage == "label":
        told = f"labelled {funnel.labelled} of {funnel.attempted} pairs{_to_come(status)}{_reasons(status, 'pair')}"
    elif stage == "shard":
        told = f"{funnel.sharded} samples"
    return f" | {told}" if told else ""


def _to_come(status: Status) -> str:
    """So that "all of the pairs" is not read as all that there will be."""
    to_come = status.funnel.selected - status.funnel.attempted
    unselected = status.funnel.done["select"] < len(status.build.videos)
    if to_come <= 0 and not unselected:
        return ""
    return f" tried so far, {max(0, to_come)}{' or more' * unselected} to come"


def _reasons(status: Status, of: str) -> str:
    found = [f"{reason} {n}" for (stage, _, reason), n in status.funnel.reasons.most_common() if stage == of]
    return f"; {', '.join(found[:6])}" if found else ""


def _pace(status: Status) -> Iterator[str]:
    costs = status.costs
    told = [
        f"survey {costs.survey_s:.3g} a video" if costs.survey_s is not None else "",
        f"label {costs.label_s:.3g} a pair" if costs.label_s is not None else "",
    ]
    if any(told):
        yield f"cost    in seconds of a core: {', '.join(text for text in told if text)}"
    if status.finished:
        return
    if status.pace.cores > 0:
        yield f"pace    {status.pace.pairs_per_s:.2f} pairs/s, {status.pace.cores:.1f} cores at work lately"
    else:
        yield "pace    nothing was finished lately"
    if status.left.core_s is not None:
        at = f", {duration(status.eta_s)} at this pace" if status.eta_s is not None else ""
        yield f"left    {status.left.pairs:.0f} pairs, {status.left.core_s / 3600:.2f} core hours{at}"
    else:
        yield "left    cannot be told before a video is selected and a chunk labelled"


def _at_work(status: Status) -> Iterator[str]:
    if status.running:
        oldest = status.running[0]
        where = f"{oldest.host}, process {oldest.process}"
        age, name = _age(status, oldest.since), printable(f"{oldest.task} {oldest.about} on {where}")
        hosts = len({mark.host for mark in status.running})
        yield f"running {len(status.running)} tasks on {hosts} hosts, the oldest for {age}: {name}"
    if status.temporary:
        age = _age(status, status.temporary[0])
        yield f"unfinished files: {len(status.temporary)}, the oldest changed {age} ago; PruneVersions removes them"


def _age(status: Status, when: float) -> str:
    return duration(max(0.0, status.now - when))


# -- Prometheus -------------------------------------------------------------------------------------------------------


def write_prometheus(status: Status, file: Path) -> None:
    """Write the metrics for a textfile collector; the file appears whole."""
    storage.write_bytes(str(file.absolute()), "".join(f"{line}\n" for line in metrics(status)).encode())


def metrics(status: Status) -> Iterator[str]:
    """The status in Prometheus' text exposition format; what is not known is left out."""
    yield from _metric("tasks_done", "finished units of a stage", [(s.done, {"stage": s.name}) for s in status.stages])
    wanted: list[_Sample] = [(s.wanted, {"stage": s.name}) for s in status.stages]
    yield from _metric("tasks_wanted", "units of a stage known so far", wanted)
    yield from _metric("rows", "videos, frames and pairs by their end", list(_ends(status)))
    cost: list[_Sample] = [(s, {"part": name.removesuffix("_s")}) for name, s in sorted(status.funnel.cost.items())]
    yield from _metric("cost_seconds", "seconds of a core spent; fetch by the clock", cost)
    single: dict[str, tuple[float | None, str]] = {
        "pairs_per_second": (status.pace.pairs_per_s, "pairs labelled a second lately"),
        "cores_at_work": (status.pace.cores, "cores at work lately, by what results cost"),
        "eta_seconds": (status.eta_s, "time until all is labelled"),
        "running_tasks": (len(status.running), "tasks at work"),
        "oldest_running_seconds": (_since(status, [mark.since for mark in status.running]), "age of the oldest"),
        "unfinished_files": (len(status.temporary), "temporary files"),
        "oldest_unfinished_seconds": (_since(status, status.temporary), "since the oldest of them changed"),
        "finished": (status.finished, "1 where dataset.json is there"),
        "status_timestamp_seconds": (status.now, "when this was told"),
    }
    for name, (value, about) in single.items():
        yield from _metric(name, about, [] if value is None else [(float(value), {"build": status.build.build_id})])


_Sample = tuple[float, dict[str, str]]


def _ends(status: Status) -> Iterator[_Sample]:
    funnel = status.funnel
    for (stage, end, reason), count in sorted(funnel.reasons.items()):
        yield count, {"of": stage, "status": end, "reason": reason}
    videos = funnel.to_json()["videos"].get("done", 0)
    for of, count in (("video", videos), ("frame", funnel.selected), ("pair", funnel.labelled)):
        yield count, {"of": of, "status": "done", "reason": ""}


def _since(status: Status, times: list[float]) -> float | None:
    return max(0.0, status.now - min(times)) if times else None


def _metric(name: str, about: str, samples: list[_Sample]) -> Iterator[str]:
    if not samples:
        return
    whole = f"relative_depth_{name}"
    yield f"# HELP {whole} {about}"
    yield f"# TYPE {whole} gauge"
    for value, labels in samples:
        told = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
        yield f"{whole}{{{told}}} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
