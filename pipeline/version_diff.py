"""What changed between two versions of a dataset: agreement of labels, what is labelled, and why the rest is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import tables
from pipeline.dataset import Dataset
from pipeline.errors import UserError
from pipeline.label_agreement import Agreement, agreement
from pipeline.parameters import by_name
from pipeline.sample_images import NO_LABEL, captioned, colour, sample_images

CELL_WIDTH = 320
_FUNNEL = ("candidates", "selected", "labelled", "sharded")


@dataclass(frozen=True)
class Compared:
    """A sample that both versions have: its rows in the two tables, and how alike its labels are."""

    key: str
    old: dict[str, Any]
    new: dict[str, Any]
    agreement: Agreement


@dataclass(frozen=True)
class VersionDiff:
    """Two versions, the samples compared, the most different first, and how many they share or have alone."""

    old: Dataset
    new: Dataset
    compared: list[Compared]
    shared: int
    only_old: list[str]  # keys
    only_new: list[str]


def compare(old: Dataset, new: Dataset, samples: int, seed: int = 0) -> VersionDiff:
    """Compare at most ``samples`` of the samples that both have (0 = all), by a seeded draw.

    Raises ``UserError`` where they share none.
    """
    before = {row["key"]: row for row in tables.rows(old.samples())}
    after = {row["key"]: row for row in tables.rows(new.samples())}
    shared = sorted(set(before) & set(after))
    if not shared:
        raise UserError(f"{old.folder} and {new.folder} share no sample; give two versions of one dataset")
    drawn = shared
    if 0 < samples < len(shared):
        drawn = [shared[i] for i in np.random.default_rng(seed).choice(len(shared), samples, replace=False)]
    compared = [_compared(old, new, before[key], after[key]) for key in drawn]
    # a label whose ranks cannot be compared is the most different of all
    compared.sort(key=lambda each: (np.nan_to_num(each.agreement.spearman, nan=-2.0), each.key))
    alone = sorted(set(before) - set(after)), sorted(set(after) - set(before))
    return VersionDiff(old, new, compared, len(shared), *alone)


def _compared(old: Dataset, new: Dataset, before: dict[str, Any], after: dict[str, Any]) -> Compared:
    key = before["key"]
    try:
        codes = [sample_images(d.read(row)).codes for d, row in ((old, before), (new, after))]
        return Compared(key, before, after, agreement(*codes))
    except ValueError as error:
        raise UserError(f"{key} cannot be compared: {error}; check both with: python -m pipeline lint") from error


# -- for a person -----------------------------------------------------------------------------------------------------


def lines(diff: VersionDiff) -> Iterator[str]:
    """The comparison in plain text."""
    old, new = diff.old.record, diff.new.record
    yield f"old {old['dataset']}  version {old['fingerprint']}  {diff.old.folder}"
    yield f"new {new['dataset']}  version {new['fingerprint']}  {diff.new.folder}"
    yield from _parameters(old["provenance"], new["provenance"])
    yield f"samples: {diff.shared} in both, {len(diff.only_old)} only in old, {len(diff.only_new)} only in new"
    for name in _FUNNEL:
        yield _counts(name, old["funnel"][name], new["funnel"][name])
    yield from _reasons(old["funnel"]["reasons"], new["funnel"]["reasons"])
    yield f"of {len(diff.compared)} samples in both:      median      p10      p90"
    for name in ("spearman", "difference", "both", "only_old", "only_new"):
        yield _quantiles(name, [getattr(each.agreement, name) for each in diff.compared])
    for version in ("old", "new"):
        values = [getattr(each, version)["valid_fraction"] for each in diff.compared]
        yield _quantiles(f"valid_fraction, {version}", values)
    yield from (f"worst   {each.key}  spearman {each.agreement.spearman:.3f}" for each in diff.compared[:5])


def _parameters(old: dict[str, Any], new: dict[str, Any]) -> Iterator[str]:
    """What was changed on purpose: versions of stages, and parameters."""
    before, after = by_name(old["stage_versions"], "stage "), by_name(new["stage_versions"], "stage ")
    before |= by_name(old["parameters"])
    after |= by_name(new["parameters"])
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield f"changed {name}: {before.get(name, 'absent')} -> {after.get(name, 'absent')}"


def _reasons(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> Iterator[str]:
    before, after = ({(r["stage"], r["status"], r["reason"]): r["count"] for r in told} for told in (old, new))
    for reason in sorted(before.keys() | after.keys(), key=lambda r: (-abs(after.get(r, 0) - before.get(r, 0)), r)):
        yield _counts(" ".join(reason), before.get(reason, 0), after.get(reason, 0))


def _counts(name: str, old: int, new: int) -> str:
    return f"{name:<40} {old:>8} -> {new:>8}  {new - old:+d}"


def _quantiles(name: str, values: list[float]) -> str:
    known = np.array(values, np.float64)
    known = known[np.isfinite(known)]
    told = [np.percentile(known, p) if len(known) else np.nan for p in (50, 10, 90)]
    return f"{name:<24}" + " ".join(f"{value:8.3f}" for value in told)


def sheet(diff: VersionDiff, worst: int) -> NDArray[np.uint8]:
    """A picture, (H, W, 3) BGR: of the most different samples the frame, the old and the new label, and where they
    differ, from black (not) over red to white (by half of the percentiles or more).
    """
    rows = [_row(diff, each) for each in diff.compared[: max(1, worst)]]
    width = max(row.shape[1] for row in rows)
    return np.vstack([cv2.copyMakeBorder(r, 0, 0, 0, width - r.shape[1], cv2.BORDER_CONSTANT) for r in rows])


def _row(diff: VersionDiff, each: Compared) -> NDArray[np.uint8]:
    old, new = sample_images(diff.old.read(each.old)), sample_images(diff.new.read(each.new))
    apart = np.abs(old.codes.astype(np.int16) - new.codes)
    shown = cv2.applyColorMap(np.minimum(2 * apart, 255).astype(np.uint8), cv2.COLORMAP_HOT)
    shown[(old.codes == 0) | (new.codes == 0)] = NO_LABEL
    height = round(old.frame.shape[0] * CELL_WIDTH / old.frame.shape[1])
    pictures = (old.frame, colour(old.codes), colour(new.codes), shown)
    cells = np.hstack([cv2.resize(p, (CELL_WIDTH, height), interpolation=cv2.INTER_AREA) for p in pictures])
    told = each.agreement
    text = f"{each.key}  spearman {told.spearman:.3f}  only old {told.only_old:.2f}  only new {told.only_new:.2f}"
    return captioned(cells, text)
