import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks import coverage as benchmark
from benchmarks.coverage import SKY, main, measure, open_frames, road_falling
from benchmarks.sequences import ROAD
from labels.codec import encode
from labels.egomotion import Egomotion
from labels.pair import PairLabel

VOID, CAR = 11, 8
HEIGHT, WIDTH = 64, 96


def scene() -> np.ndarray:
    """Sky above, road below, a car in it, a void strip between."""
    classes = np.full((HEIGHT, WIDTH), ROAD, np.uint8)
    classes[:20], classes[20:24] = SKY, VOID
    classes[40:50, 30:60] = CAR
    return classes


@pytest.fixture
def split(tmp_path: Path) -> Path:
    """Three frames in SegNet's layout."""
    for name in ("val", "valannot"):
        (tmp_path / name).mkdir()
    for index in range(3):
        cv2.imwrite(str(tmp_path / "val" / f"{index}.png"), np.full((HEIGHT, WIDTH, 3), index, np.uint8))
        cv2.imwrite(str(tmp_path / "valannot" / f"{index}.png"), scene())
    return tmp_path / "val"


def receding() -> tuple[np.ndarray, np.ndarray]:
    """What a right label is: percentiles that fall with the row, everywhere."""
    z = np.repeat(np.linspace(0.95, 0.05, HEIGHT)[:, None], WIDTH, 1)
    return z, np.ones(z.shape, bool)


def measured(split: Path, monkeypatch: pytest.MonkeyPatch, *labels: Any) -> dict[str, Any]:
    """The figures for such labels, (z, valid) or a reason, in order."""
    told = iter(labels)

    def label(image: np.ndarray, *_: Any, **__: Any) -> PairLabel:
        given = next(told)
        reason = given if isinstance(given, str) else ""
        z, valid = (np.zeros(image.shape[:2]), np.zeros(image.shape[:2], bool)) if reason else given
        confidence = np.where(valid, 51, 0).astype(np.uint8)
        flow, support = np.zeros((*z.shape, 2), np.float32), np.zeros(z.shape, np.uint8)
        origin, still = valid.astype(np.uint8), np.zeros(z.shape, bool)
        return PairLabel(
            reason, encode(z, valid), confidence, origin, still, Egomotion(), float(valid.mean()), flow, support
        )

    monkeypatch.setattr(benchmark, "label_pair", label)
    return measure(open_frames(split))


def test_a_right_and_full_label_scores_perfectly(split: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = measured(split, monkeypatch, receding(), receding())
    assert (row["pairs"], row["pairs_kept"]) == (2, 2)
    assert set(row["classes"]) == {"Sky", "Road", "Car"}
    assert all(found["covered"] == 1 and found["confidence"] == 0.2 for found in row["classes"].values())
    assert row["sky_farther"] == row["road_falling"] == 1
    assert row["road_columns"] == 2 * WIDTH
    rows = np.linspace(0.95, 0.05, HEIGHT)
    assert row["classes"]["Sky"]["z"] == pytest.approx(rows[:20].mean(), abs=1 / 255)
    assert row["classes"]["Car"]["z"] == pytest.approx(rows[40:50].mean(), abs=1 / 255)


def test_a_label_upside_down_scores_nothing(split: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    z, valid = receding()
    row = measured(split, monkeypatch, *2 * [(z[::-1], valid)])
    assert row["sky_farther"] == row["road_falling"] == 0


def test_holes_are_counted_by_class(split: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    z, valid = receding()
    valid[:15], valid[40:50, 30:45] = False, False
    row = measured(split, monkeypatch, (z, valid), (z, valid))
    assert row["classes"]["Sky"]["covered"] == 0.25
    assert row["classes"]["Car"]["covered"] == 0.5
    assert row["classes"]["Road"]["covered"] == 1


def test_dropped_pairs_give_their_reason_and_count_no_pixel(split: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    row = measured(split, monkeypatch, "no_parallax", receding())
    assert (row["pairs"], row["pairs_kept"], row["reasons"]) == (2, 1, {"no_parallax": 1})
    assert row["classes"]["Road"]["frames"] == 1 and row["covered"] == 1
    none = measured(split, monkeypatch, "no_parallax", "cost")
    assert none["classes"] == {} and none["road_falling"] is None and none["sky_farther"] is None


def test_slopes_are_of_columns_with_enough_road() -> None:
    rows = np.arange(30, dtype=np.float32)[:, None]
    z = np.concatenate([1 - rows / 30, rows / 30, 1 - rows / 30, np.full_like(rows, 0.5)], 1)
    road = np.ones((30, 4), bool)
    road[9:, 2] = False
    assert road_falling(z, road) == (1, 3)


def test_a_simulated_sequence_is_measured_with_its_own_focal_length(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, pictures = tmp_path / "figures.json", tmp_path / "pictures"
    assert main([str(drive), "--limit", "2", "--json", str(out), "--overlays", str(pictures)]) == 0
    row = json.loads(out.read_text())
    assert (row["pairs"], row["focal_over_width"]) == (2, 0.8)
    assert row["classes"]["Road"]["covered"] > 0.3 and row["road_falling"] > 0.7
    assert f"{row['classes']['Road']['covered']:.3f}" in capsys.readouterr().out
    drawn = sorted(pictures.iterdir())
    assert [cv2.imread(str(path)).shape for path in drawn] == [(144, 3 * 256, 3)] * 2


def test_a_class_image_of_another_size_is_refused(split: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cv2.imwrite(str(split.parent / "valannot" / "0.png"), scene()[:30])
    with pytest.raises(ValueError, match="is not one class index for each pixel"):
        measured(split, monkeypatch, receding(), receding())


def test_missing_classes_are_named(split: Path) -> None:
    (split.parent / "valannot" / "1.png").unlink()
    with pytest.raises(ValueError, match=r"valannot/1\.png is missing"):
        open_frames(split)
    shutil.rmtree(split.parent / "valannot")
    with pytest.raises(ValueError, match="has neither classes/ in it nor valannot/ beside it"):
        open_frames(split)


REFUSED = [
    (["bare"], "bare has neither classes/ in it nor bareannot/ beside it"),
    (["drive", "--stride", "9"], "has 4 frames: a stride of 9 leaves no pair"),
    (["drive", "--limit", "0"], "--limit 0 must be positive"),
    (["drive", "--flow", "farneback"], "unknown engine 'farneback'"),
    (["drive", "--json", "nowhere/figures.json"], "nowhere/figures.json"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    complaint: Callable[..., str], words: list[str], sentence: str
) -> None:
    assert sentence in complaint(main, words)
