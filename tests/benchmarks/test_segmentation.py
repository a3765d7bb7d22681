import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from benchmarks.segmentation import SIZES, main, off_epipolar, true_movers
from benchmarks.sequences import MOVING, VISIBLE, Camera, Motion, Sequence

CAMERA = Camera(500.0, 319.5, 179.5)


def test_flow_towards_the_focus_counts_whole_and_away_from_it_only_across() -> None:
    motion = Motion(np.eye(3), np.array([0.0, 0.0, 1.0]))
    vectors = np.zeros((360, 640, 2), np.float32)
    for vector, expected in (((3.0, 0.0), 0.0), ((-3.0, 0.0), 3.0), ((3.0, 2.0), 2.0), ((-3.0, 4.0), 5.0)):
        vectors[180, 600] = vector  # half a pixel below the focus, to its right
        assert off_epipolar(vectors, CAMERA, motion)[180, 600] == pytest.approx(expected, abs=0.02)


def test_still_points_lie_on_their_lines_and_some_movers_do_not(drive: Path) -> None:
    sequence = Sequence(drive)
    truth, mask, flow = true_movers(sequence, 0), sequence.mask(0), sequence.flow(0)
    assert mask is not None and flow is not None
    distance = off_epipolar(flow[0], sequence.camera(), sequence.motion(0))
    assert np.quantile(distance[flow[1] & truth.still], 0.99) < 0.1
    assert truth.moving.any() and (mask[truth.moving] & MOVING != 0).all()
    assert (distance[truth.off] > 1.0 * 256 / 640).all()
    assert not (truth.off & ~truth.off_px).any()


class Told:
    """A sequence of one pair, of forward motion, with two movers 20 px wide and some of their columns off the lines."""

    folder = Path("told")

    def mask(self, _: int) -> np.ndarray:
        mask = np.full((360, 640), VISIBLE, np.uint8)
        mask[200:220, 100:120] = mask[200:220, 400:420] = VISIBLE | MOVING
        mask[200:220, 400:403] = MOVING  # out of sight in the next frame
        return mask

    def flow(self, _: int) -> tuple[np.ndarray, np.ndarray]:
        y, x = np.mgrid[:360, :640]
        outwards = 0.1 * np.stack([x - CAMERA.cx, y - CAMERA.cy], -1).astype(np.float32)
        outwards[:, 100:109] *= -1  # 9 of 20 columns
        outwards[:, 411:420] *= -1  # 9 of the 17 in sight
        return outwards, np.ones((360, 640), bool)

    def camera(self) -> Camera:
        return CAMERA

    def motion(self, _: int) -> Motion:
        return Motion(np.eye(3), np.array([0.0, 0.0, 1.0]))


def test_a_thing_is_off_its_lines_where_most_of_what_is_seen_of_it_is() -> None:
    truth = true_movers(cast(Sequence, Told()), 0)
    assert truth.off.sum() == 2 * 9 * 20
    assert truth.off_thing.sum() == 17 * 20 and truth.off_thing[200:220, 403:420].all()


def test_the_command_writes_what_it_prints(drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figures.json"
    assert main([str(drive), "--most", "2", "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert {"von_mises", "laplace", "mixture", "mixture, angles only", "mixture, sequential"} <= {
        row["method"] for row in rows
    }
    for row in rows:
        assert row["sequence"] == "drive" and row["pairs"] == 2 and row["pixels_moving"] > 0
        assert 0 <= row["false"] < 0.2 and row["milliseconds"] > 0
        assert {f"recall_{size}" for size in SIZES} <= set(row)
    assert "mixture" in capsys.readouterr().out


REFUSED = [
    (["missing"], "missing has no images in image_2/ or image_0/"),
    (["bare"], "has no mask/ and flow/"),
    (["drive", "--most", "0"], "--most 0 takes no pair"),
    (["drive", "--json", "nowhere/figures.json"], "nowhere/figures.json"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    complaint: Callable[..., str], words: list[str], sentence: str
) -> None:
    assert sentence in complaint(main, words)
