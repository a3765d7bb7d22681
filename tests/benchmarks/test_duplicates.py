"""The benchmark of duplicates, on panning made-up pictures."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import duplicates
from benchmarks.duplicates import NOTHING, Shown, compared, of_hours
from labels.repeats import DuplicateParameters
from tests.labels.hashed_drives import copied, drive, footage


def pan(folder: Path, seed: int, frames: int = 100) -> None:
    """A camera that turns past blots, as images."""
    folder.mkdir()
    noise = np.random.default_rng(seed).normal(0, 1, (96, 160 + 3 * frames))
    blots = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 12), None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    for frame in range(frames):
        cv2.imwrite(str(folder / f"{frame:04d}.png"), blots[:, 3 * frame : 3 * frame + 160])


def test_copies_of_a_video_are_found_and_others_kept_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in (1, 2):
        pan(tmp_path / f"pan{seed}", seed)
    manifest = tmp_path / "pans.csv"
    manifest.write_text("video_id,source,fps\npan1,pan1,10\npan2,pan2,10\n")
    assert duplicates.main([str(manifest), "--seconds", "10", "--json", str(tmp_path / "f.json")]) == 0
    *rows, cost = json.loads((tmp_path / "f.json").read_text())
    by_kind = {row["kinds"]: row for row in rows}
    assert by_kind[NOTHING]["pairs"] > 60 and by_kind[NOTHING]["found"] == 0
    for kind in ("coded", "small", "cropped", "bottom", "later", "slow"):
        row = by_kind[" and ".join(sorted(("original", kind)))]
        assert row["pairs"] == row["found"] == row["right"] == 2, kind
    assert cost["videos"] == 2 * 9 and 100 < cost["kb_an_hour"] < 1000
    assert NOTHING in capsys.readouterr().out


def test_what_is_found_and_what_is_right_are_counted_apart() -> None:
    one, other = drive(1, 20), drive(2, 20)
    every = [
        Shown("a", "original", footage(one)),
        Shown("a", "coded", footage(copied(one, 3))),
        Shown("a", "later", footage(one[25:]), 3.0),  # which it does not say: it is five seconds later
        Shown("a", "lost", footage(other)),
        Shown("b", "original", footage(other)),
    ]
    rows = {row["kinds"]: row for row in compared(every, DuplicateParameters())}
    assert rows["coded and original"] == {"kinds": "coded and original", "pairs": 1, "found": 1, "right": 1}
    assert (rows["later and original"]["found"], rows["later and original"]["right"]) == (1, 0)
    assert rows["lost and original"]["found"] == 0
    assert (rows[NOTHING]["pairs"], rows[NOTHING]["found"]) == (4, 1)


def test_made_up_copies_are_found() -> None:
    told = of_hours(4, DuplicateParameters())
    assert (told["clips"], told["copies"], told["found"], told["false"]) == (24, 2, 2, 0)


def test_without_videos_and_hours_there_is_nothing_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert duplicates.main([]) == 2
    assert "give a MANIFEST, or --hours" in capsys.readouterr().err
