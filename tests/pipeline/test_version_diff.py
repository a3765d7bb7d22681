"""Two versions of a dataset, written by hand, side by side."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest

from pipeline import sample, tables
from pipeline.__main__ import main
from pipeline.dataset import open_dataset
from pipeline.version_diff import compare, sheet

H, W = 8, 12
RAMP = np.arange(1, H * W + 1, dtype=np.uint8).reshape(H, W)


def write_version(folder: Path, labels: dict[str, np.ndarray], reasons: dict[str, int], noise: float) -> Path:
    folder.mkdir()
    rows: list[dict[str, Any]] = []
    tar = bytearray()
    for key, codes in labels.items():
        record = {"valid_fraction": float((codes > 0).mean())}
        blocks = sample.encode(key, np.full((*codes.shape, 3), 90, np.uint8), codes, None, record, 92)
        place = {"shard": "s.tar", "offset": len(tar), "size": len(blocks)}
        rows.append({"key": key, "video_id": "v", "split": "train", **place, **record})
        tar += blocks
    (folder / "s.tar").write_bytes(tar + sample.END)
    (folder / "samples.parquet").write_bytes(tables.to_bytes(pa.Table.from_pylist(rows)))
    told = [{"stage": "pair", "status": "filtered", "reason": name, "count": n} for name, n in reasons.items()]
    funnel = {"candidates": 9, "selected": 5, "labelled": len(labels), "sharded": len(labels), "reasons": told}
    provenance = {"stage_versions": {"labels": 3}, "parameters": {"label": {"noise": noise, "same": 1}}}
    record = {"dataset": "d", "fingerprint": folder.name, "funnel": funnel, "provenance": provenance}
    (folder / "dataset.json").write_text(json.dumps(record))
    return folder


@pytest.fixture
def versions(tmp_path: Path) -> tuple[str, str]:
    half = RAMP.copy()
    half[: H // 2] = 0
    old = {"v-00000001": RAMP, "v-00000002": RAMP, "v-00000003": RAMP, "v-00000004": RAMP}
    new = {"v-00000001": RAMP, "v-00000002": RAMP[::-1].copy(), "v-00000003": half, "v-00000005": RAMP}
    return (
        str(write_version(tmp_path / "old", old, {"upside_down": 1, "gone": 2}, 0.1)),
        str(write_version(tmp_path / "new", new, {"upside_down": 4}, 0.5)),
    )


def test_the_most_different_come_first(versions: tuple[str, str]) -> None:
    diff = compare(*map(open_dataset, versions), samples=0)
    assert [each.key[-1] for each in diff.compared] == ["2", "1", "3"]
    assert diff.compared[0].agreement.spearman < 0 < diff.compared[1].agreement.spearman == pytest.approx(1.0)
    assert (diff.shared, diff.only_old, diff.only_new) == (3, ["v-00000004"], ["v-00000005"])
    assert diff.compared[2].agreement.only_old == 0.5


def test_a_label_without_an_order_is_the_most_different(versions: tuple[str, str], tmp_path: Path) -> None:
    flat = {"v-00000001": RAMP[::-1].copy(), "v-00000002": np.full((H, W), 5, np.uint8)}
    other = write_version(tmp_path / "flat", flat, {}, 0.1)
    diff = compare(open_dataset(versions[0]), open_dataset(str(other)), samples=0)
    assert [each.key[-1] for each in diff.compared] == ["2", "1"]


def test_a_draw_is_seeded(versions: tuple[str, str]) -> None:
    first, again = (compare(*map(open_dataset, versions), samples=2, seed=4) for _ in range(2))
    assert [each.key for each in first.compared] == [each.key for each in again.compared]
    assert len(first.compared) == 2 and first.shared == 3


def test_the_command_tells_what_changed(
    versions: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "worst.png"
    assert main(["diff", *versions, "--sheet", str(picture), "--worst", "2"]) == 0
    told = capsys.readouterr().out
    assert "changed label.noise: 0.1 -> 0.5\n" in told and "label.same" not in told
    assert "samples: 3 in both, 1 only in old, 1 only in new" in told
    words = [line.split() for line in told.splitlines()]
    assert ["pair", "filtered", "upside_down", "1", "->", "4", "+3"] in words
    assert ["pair", "filtered", "gone", "2", "->", "0", "-2"] in words
    assert ["valid_fraction,", "new", "1.000", "0.600", "1.000"] in words
    assert "worst   v-00000002  spearman" in told
    assert cv2.imread(str(picture)).shape == sheet(compare(*map(open_dataset, versions), samples=0), 2).shape


def test_the_picture_shows_where_labels_differ(versions: tuple[str, str]) -> None:
    shown = sheet(compare(*map(open_dataset, versions), samples=0), 2)
    rows = np.split(shown, 2)
    apart = [row[18:, 3 * 320 :] for row in rows]
    assert apart[0].mean() > 50 and apart[1].max() == 0  # turned over; the same


def test_versions_that_share_nothing_are_refused(
    versions: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_version(tmp_path / "other", {"w-00000001": RAMP}, {}, 0.1)
    assert main(["diff", versions[0], str(other)]) == 2
    assert "share no sample; give two versions of one dataset" in capsys.readouterr().err


def test_labels_of_other_sizes_are_refused(
    versions: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_version(tmp_path / "other", {"v-00000001": RAMP[:4]}, {}, 0.1)
    assert main(["diff", versions[0], str(other)]) == 2
    told = capsys.readouterr().err
    assert "v-00000001 cannot be compared: labels of different sizes: 12x8 and 12x4" in told and told.count("\n") == 1
