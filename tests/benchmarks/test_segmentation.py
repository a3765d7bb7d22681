import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from benchmarks.segmentation import SIZES, main, off_epipolar, true_movers
from benchmarks.sequences import MOVING, Camera, Motion, Sequence

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
