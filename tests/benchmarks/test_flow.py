import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import flow as benchmark
from benchmarks.flow import Truth, choose, depth_correlation, main, near_edges, pair, score
from benchmarks.sequences import Camera, Motion, Sequence

PROMISED = {
    "engine", "preset", "pairs", "epe", "epe_median", "fl_percent", "rho", "epe_occluded", "milliseconds",
    "milliseconds_dis_medium",
}  # fmt: skip


def known(sequence: Path, index: int = 0, crop: tuple[int, int] | None = None) -> Truth:
    truth, _, _ = pair(Sequence(sequence), index, crop)
    assert truth is not None
    return truth


def plain(height: int = 40, width: int = 60) -> Truth:
    """A pair of which all pixels move by (10, 0) and are seen."""
    flow, everywhere = np.full((height, width, 2), (10, 0), np.float32), np.ones((height, width), bool)
    camera, motion = Camera(50.0, 29.5, 19.5), Motion(np.eye(3), np.array([0.0, 0.0, 1.0]))
    return Truth(
        flow, everywhere, ~everywhere, everywhere, everywhere, np.ones((height, width), np.float32), camera, motion
    )


def test_the_truth_has_no_error(drive: Path) -> None:
    for index in range(3):
        truth = known(drive, index)
        assert np.count_nonzero(truth.visible) > 5000 and np.count_nonzero(truth.occluded) > 100
        figures = score(truth.flow, truth)
        assert figures["epe"] == figures["epe_median"] == figures["fl_percent"] == figures["epe_occluded"] == 0
        assert figures["rho"] > 0.995  # the stored flow is rounded to 1/64 px


def test_the_rigid_flow_gives_back_the_order_of_depth(still_drive: Path) -> None:
    for index in range(3):
        truth = known(still_drive, index)
        assert truth.visible[truth.still].any() and not truth.visible[~truth.still].any()
        assert depth_correlation(truth.flow, truth) > 0.99999
        chance = np.random.default_rng(0).normal(0, 20, truth.flow.shape).astype(np.float32)
        assert abs(depth_correlation(chance, truth)) < 0.8


def test_errors_of_known_size_are_measured() -> None:
    truth = plain()
    found = truth.flow.copy()
    found[:10] += (3, 4)  # a quarter of the rows: 5 px
    found[10:20] += (0, 2)
    figures = score(found, truth)
    assert figures["epe"] == pytest.approx(0.25 * 5 + 0.25 * 2)
    assert figures["epe_median"] == pytest.approx(1, abs=1)
    assert figures["fl_percent"] == pytest.approx(25)
    assert figures["epe_8_to_16"] == pytest.approx(figures["epe"])
    assert np.isnan(figures["epe_0_to_4"]) and np.isnan(figures["epe_occluded"])


def test_an_outlier_errs_by_three_pixels_and_a_twentieth() -> None:
    truth = replace(plain(), flow=np.full((40, 60, 2), (100, 0), np.float32))
    for error, outliers in ((2.9, 0), (3.1, 0), (4.9, 0), (5.1, 100)):
        assert score(truth.flow + np.float32((0, error)), truth)["fl_percent"] == outliers
    truth = plain()
    for error, outliers in ((2.9, 0), (3.1, 100)):
        assert score(truth.flow + np.float32((0, error)), truth)["fl_percent"] == outliers


def test_only_what_the_next_frame_shows_counts() -> None:
    truth = plain()
    truth.visible[:, :30], truth.occluded[:, :30] = False, True
    found = truth.flow.copy()
    found[:, :30] += (0, 7)
    assert (score(found, truth)["epe"], score(found, truth)["epe_occluded"]) == (0, 7)
    truth.visible[:] = truth.occluded[:] = False
    assert all(np.isnan(value) for value in score(found, truth).values())


def test_a_crop_is_the_middle_of_the_truth(drive: Path) -> None:
    whole, part = known(drive), known(drive, crop=(128, 96))
    middle = np.s_[24:120, 64:192]
    np.testing.assert_array_equal(part.flow, whole.flow[middle])
    np.testing.assert_array_equal(part.depth, whole.depth[middle])
    assert (part.camera.cx, part.camera.cy) == (whole.camera.cx - 64, whole.camera.cy - 24)
    assert not (part.visible & ~whole.visible[middle]).any()
    y, x = np.indices(part.visible.shape)
    ends = np.stack([x, y], -1) + part.flow
    inside = ((ends >= 0) & (ends <= (127, 95))).all(-1)
    np.testing.assert_array_equal(part.visible, whole.visible[middle] & inside)
    assert score(part.flow, part)["rho"] > 0.99


def test_steps_of_depth_have_edges() -> None:
    depth = np.full((30, 40), 10, np.float32)
    depth[:, 20:] = 10.5  # less than a tenth
    assert not near_edges(depth).any()
    depth[:, 20:] = 12
    wanted = np.zeros((30, 40), bool)
    wanted[:, 19 - 5 : 19 + 6] = True
    found = near_edges(depth)
    np.testing.assert_array_equal(found, wanted)
    depth[:, 15:25] = 0  # unknown depth makes no step
    assert not near_edges(depth).any()


def test_every_method_is_measured(drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "all.json"
    assert main([str(drive), "--json", str(out)]) == 0
    rows = json.loads(out.read_text())
    assert [(row["engine"], row["preset"]) for row in rows][:5] == [
        ("dis", "medium"),
        ("census", "fast"),
        ("census", "balanced"),
        ("census", "accurate"),
        ("ric", ""),
    ]
    for row in rows:
        assert set(row) >= PROMISED
        assert row["pairs"] == 3
        assert 0 < row["epe_median"] < 2 and 0.5 < row["rho"] < 1
        assert row["milliseconds"] > 0 and row["milliseconds_dis_medium"] > 0
    by_name = {row["preset"]: row for row in rows}
    assert by_name["balanced"]["epe"] < by_name["medium"]["epe"]
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 1 + len(rows)
    assert f"{by_name['balanced']['epe']:.3f}" in next(line for line in shown if "balanced" in line)


def test_one_method_is_one_object(drive: Path, tmp_path: Path) -> None:
    out = tmp_path / "one.json"
    words = ["--engine", "census", "--preset", "fast", "--crop", "192x96", "--every", "2", "--json", str(out)]
    assert main([str(drive), *words]) == 0
    row = json.loads(out.read_text())
    assert (row["engine"], row["preset"], row["pairs"]) == ("census", "fast", 2)


def test_a_perfect_method_scores_perfectly(still_drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through everything that the command does but the flow."""
    truths = {pair(Sequence(still_drive), k, None)[1].tobytes(): known(still_drive, k).flow for k in range(3)}
    perfect = benchmark.Method("truth", "", lambda image1, _: truths[image1.tobytes()])
    monkeypatch.setattr(benchmark, "choose", lambda *_: [perfect])
    (row,) = benchmark.measure(Sequence(still_drive), [perfect])
    assert (row["epe"], row["fl_percent"], row["rho"]) == (0, 0, 1)


def test_methods_are_chosen_by_name() -> None:
    assert [method.preset for method in choose("census")] == ["fast", "balanced", "accurate"]
    assert [method.engine for method in choose("dis")] == ["dis"]
    assert [method.engine for method in choose("ric")] == ["ric"]
    assert [method.engine for method in choose(None, "fast")] == ["census"]


REFUSED = [
    (["missing"], "missing has no images in image_2/ or image_0/"),
    (["drive", "--engine", "farneback"], "no flow engine 'farneback'"),
    (["drive", "--engine", "dis", "--preset", "fast"], "no flow engine 'dis' with preset 'fast'"),
    (["drive", "--crop", "big"], "--crop big is no size"),
    (["drive", "--crop", "63x96"], "--crop 63x96 is no size of 64x64 or more"),
    (["drive", "--crop", "128x-96"], "is no size"),
    (["drive", "--crop", "640x360"], "--crop 640x360 is larger than the frames of"),
    (["bare"], "bare has no depth/ and mask/"),
    (["drive", "--every", "0"], "--every 0"),
    (["drive", "--every", "-2"], "--every -2"),
    (["drive", "--engine", "dis", "--json", "nowhere/all.json"], "nowhere/all.json"),
]


@pytest.mark.parametrize(("words", "sentence"), REFUSED)
def test_what_cannot_be_measured_is_said_in_a_sentence(
    complaint: Callable[..., str], words: list[str], sentence: str
) -> None:
    assert sentence in complaint(main, words)
