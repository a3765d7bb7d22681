"""What a dataset looks like: statistics as text, and a contact sheet of labels."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline import tables
from pipeline.dataset import Dataset
from pipeline.sample_images import captioned, colour, sample_images

STATISTICS = ("valid_fraction", "inlier_ratio", "rotation_deg", "median_translational_flow_px", "frame_distance")
CELL_WIDTH = 320


def statistics(dataset: Dataset) -> Iterator[str]:
    """Lines of text: counts, funnel, quantiles of the samples' statistics, yield by video."""
    record = dataset.record
    yield f"{record['dataset']}  version {record['fingerprint']}  {dataset.folder}"
    yield "samples: " + ", ".join(f"{split} {count}" for split, count in record["samples"].items())
    size = sum(shard["bytes"] for shard in record["shards"])
    yield f"shards: {len(record['shards'])}, {size / 1e6:.1f} MB"
    funnel = record["funnel"]
    yield " -> ".join(f"{name} {funnel[name]}" for name in ("candidates", "selected", "labelled", "sharded"))
    for reason in funnel["reasons"]:
        yield f"  {reason['stage']:<6} {reason['status']:<9} {reason['reason']:<24} {reason['count']}"
    table = dataset.samples()
    yield f"{'statistic':<30} {'p5':>8} {'median':>8} {'p95':>8}"
    for name in STATISTICS:
        values = np.asarray(table.column(name).to_pylist(), dtype=np.float64)
        yield f"{name:<30} " + " ".join(f"{np.nanpercentile(values, p):8.3f}" for p in (5, 50, 95))


def contact_sheet(dataset: Dataset, samples: int, seed: int = 0) -> NDArray[np.uint8]:
    """A picture, (H, W, 3) BGR ``uint8``: per sample the frame with the FOE marked and the label in colour.

    ``samples`` of the dataset are drawn evenly over its videos by a seeded choice.
    """
    cells = [_cell(row["key"], dataset.read(row)) for row in _choice(dataset, samples, seed)]
    columns = 3 if len(cells) >= 3 else len(cells)
    height = max(cell.shape[0] for cell in cells)
    cells = [
        cv2.copyMakeBorder(c, 0, height - c.shape[0], 0, 0, cv2.BORDER_CONSTANT, value=(32, 32, 32)) for c in cells
    ]
    cells += [np.full_like(cells[0], 32)] * (-len(cells) % columns)
    return np.vstack([np.hstack(cells[i : i + columns]) for i in range(0, len(cells), columns)])


def _choice(dataset: Dataset, samples: int, seed: int) -> list[dict[str, Any]]:
    """Rows drawn in turn from each video, shuffled within it, then sorted by key."""
    by_video: dict[str, list[dict[str, Any]]] = {}
    for row in tables.rows(dataset.samples()):
        by_video.setdefault(row["video_id"], []).append(row)
    generator = np.random.default_rng(seed)
    queues = [[rows[i] for i in generator.permutation(len(rows))] for _, rows in sorted(by_video.items())]
    drawn: list[dict[str, Any]] = []
    while len(drawn) < samples and any(queues):
        drawn += [queue.pop() for queue in queues if queue]
    return sorted(drawn[:samples], key=lambda row: str(row["key"]))


def _cell(key: str, blocks: bytes) -> NDArray[np.uint8]:
    images = sample_images(blocks)
    frame, record, label = images.frame, images.record, colour(images.codes)
    _mark_focus(frame, record)
    scale = CELL_WIDTH / frame.shape[1]
    size = (CELL_WIDTH, round(frame.shape[0] * scale))
    cell = np.hstack([cv2.resize(image, size, interpolation=cv2.INTER_AREA) for image in (frame, label)])
    return captioned(cell, f"{key}  +{record['frame_distance']}  valid {record['valid_fraction']:.2f}")


def _mark_focus(frame: NDArray[np.uint8], record: dict[str, Any]) -> None:
    """A cross at the focus of expansion, in pixels of the frame; none where it lies outside or at infinity."""
    if record["focus_of_expansion"] is None or None in record["focus_of_expansion"]:
        return
    x, y = record["focus_of_expansion"]
    if 0 <= x < frame.shape[1] and 0 <= y < frame.shape[0]:
        for colour_bgr, thickness in (((0, 0, 0), 5), ((80, 255, 80), 2)):
            cv2.drawMarker(frame, (round(x), round(y)), colour_bgr, cv2.MARKER_CROSS, 24, thickness, cv2.LINE_AA)
