"""How a dataset grows: ``append`` keeps the shards of the newest finished version and adds new ones behind them.

The old shards are taken over byte for byte, hard links on a local disk; new ones hold the samples that the old version
lacks, of new videos or of failures that ``RetryFailed`` gave another try. ``reshuffle`` deals all samples anew.
"""

import dataclasses
from collections import Counter
from typing import Any

from pipeline import build as builds
from pipeline import storage
from pipeline.build import Build
from pipeline.dataset import Dataset, open_dataset
from pipeline.errors import UserError
from pipeline.parameters import by_name
from pipeline.storage import join

RESHUFFLE, APPEND = "reshuffle", "append"
_ELSE = f"or give --growth {RESHUFFLE}, which deals all samples into shards anew"


def grown(build: Build, growth: str) -> Build:
    """What a way to grow makes of the ``build`` of all rows of a manifest.

    An append names the version it extends, ``build.base``; it is a whole build where nothing is finished yet, and the
    finished one where the manifest has nothing new. Raises ``UserError`` where old shards could not stay as they are.
    """
    if growth not in (RESHUFFLE, APPEND):
        raise UserError(f"--growth {growth} cannot work; allowed: {RESHUFFLE}, {APPEND}")
    newest = builds.newest(build.root, build.dataset) if growth == APPEND else None
    if newest is None:
        return build
    base = _finished(build, *newest)
    _refuse_other_rows(build, base)
    _refuse_other_parameters(build, base)
    if len(build.videos) == len(base.videos) and build.attempt == base.attempt:
        return base
    return dataclasses.replace(build, base=base.shards_fingerprint())


def _finished(build: Build, build_id: str, version: str) -> Build:
    try:
        base = builds.load_version(build.root, build_id, version)
    except UserError as error:
        raise UserError(f"{build.dataset} cannot be appended to: {error}, {_ELSE}") from error
    if not storage.exists(join(base.shards_folder(), "dataset.json")):
        raise UserError(f"{base.shards_folder()} is gone, so that nothing can be appended to it; restore it, {_ELSE}")
    return base


def _refuse_other_rows(build: Build, base: Build) -> None:
    now = {video.video_id: video for video in build.videos}
    removed = [video.video_id for video in base.videos if video.video_id not in now]
    if removed:
        raise UserError(
            f"{build.manifest} has no row for {_some(removed)} any more, whose samples an append would keep in "
            f"{build.dataset} {base.shards_fingerprint()}; put the rows back, {_ELSE}"
        )
    changed = [video.video_id for video in base.videos if now[video.video_id] != video]
    if changed:
        before, after = (dataclasses.asdict(each.video(changed[0])) for each in (base, build))
        raise UserError(
            f"{build.manifest}: the row of {_some(changed)} has changed ({_differences(before, after)}), but an append "
            f"keeps the samples of {build.dataset} {base.shards_fingerprint()}; change it back, {_ELSE}"
        )


def _refuse_other_parameters(build: Build, base: Build) -> None:
    labels = all(build.labels_folder(video) == base.labels_folder(video) for video in base.videos)
    kept = all(getattr(build.parameters, name) == getattr(base.parameters, name) for name in ("shard", "duplicate"))
    if labels and kept:
        return
    before, after = (by_name(dataclasses.asdict(each.parameters)) for each in (base, build))
    raise UserError(
        f"{build.dataset} {base.shards_fingerprint()} cannot be appended to with other parameters than its own "
        f"({_differences(before, after)}); give those, {_ELSE}"
    )


def _some(names: list[str], most: int = 3) -> str:
    return ", ".join(repr(name) for name in names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")


def _differences(before: dict[str, Any], after: dict[str, Any]) -> str:
    names = [name for name in after if before.get(name) != after[name] and not name.startswith("fetch.")]
    return ", ".join(f"{name} {before.get(name)!r} -> {after[name]!r}" for name in names)


# -- what an append takes over ----------------------------------------------------------------------------------------


def base_of(build: Build) -> Dataset | None:
    """The version that a build extends; None where it makes all shards itself."""
    return open_dataset(build.base_folder()) if build.base else None


def old_shards(base: Dataset | None) -> list[str]:
    """The names, without ``.tar``, of the shards to take over, in order."""
    return [] if base is None else [shard["shard"].removesuffix(".tar") for shard in base.record["shards"]]


def shards_by_split(base: Dataset | None) -> Counter[str]:
    """How many shards each split has already, which is the number of its first new one."""
    return Counter() if base is None else Counter(shard["split"] for shard in base.record["shards"])


def history(base: Dataset) -> list[dict[str, Any]]:
    """The versions that grew into the next one, the oldest first: how many of its shards and samples each had."""
    record = base.record
    held = {"shards": len(record["shards"]), "samples": sum(record["samples"].values())}
    return [*record.get("grown_from", []), {"fingerprint": record["fingerprint"], **held}]
