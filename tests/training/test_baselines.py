"""Fixed pictures that a network must beat, against values by hand."""

from pathlib import Path

import numpy as np
import pytest

from labels.codec import encode
from training.baselines import fit, load, save

LABELS = np.array([[[51, 0], [0, 0], [101, 201]], [[151, 52], [0, 0], [101, 0]]], np.uint8)


def z(code: float) -> float:
    return (code - 0.5) / 255


def test_rows_get_their_median_and_pixels_their_mean() -> None:
    made = fit(LABELS)
    # rows: labels 51, 52, 151; none; 101, 101, 201. The empty row takes that of the row before it, as near as the next
    np.testing.assert_allclose(made.row, [[z(52)] * 2, [z(52)] * 2, [z(101)] * 2], atol=1e-6)
    np.testing.assert_allclose(made.mean_map, [[z(101), z(52)], [z(52), z(52)], [z(101), z(201)]], atol=1e-6)


def test_no_constant_of_a_row_has_a_lower_error() -> None:
    rng = np.random.default_rng(0)
    truth = rng.random((40, 1, 30)) ** 2
    row = fit(encode(truth, np.ones(truth.shape, bool))).row[0, 0]
    errors = {constant: np.abs(truth - constant).mean() for constant in (row - 0.03, row, row + 0.03)}
    assert min(errors, key=errors.__getitem__) == row


def test_labels_are_needed() -> None:
    with pytest.raises(ValueError, match="no label"):
        fit(np.zeros((2, 3, 4), np.uint8))


def test_they_come_back_from_their_file(tmp_path: Path) -> None:
    made = fit(LABELS)
    save(tmp_path / "baselines.npz", made)
    again = load(tmp_path / "baselines.npz")
    assert np.array_equal(again.row, made.row)
    assert np.array_equal(again.mean_map, made.mean_map)
    assert [path.name for path in tmp_path.iterdir()] == ["baselines.npz"]
