"""Boxes of cells, suppression and stitching on small cases."""

import math

import numpy as np
import pytest
import torch

from training.models.fastbox import Cars
from training.multinet.detections import (
    Detections,
    intersection_over_union,
    of_cells,
    stitched,
    suppressed,
)


def found(*rows: tuple[float, float, float, float, float]) -> Detections:
    """Rows of left, top, right, bottom, score."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    return Detections(table[:, :4], table[:, 4])


def test_boxes_of_cells_stand_where_the_cells_are() -> None:
    box = torch.zeros(1, 2, 3, 4)
    box[0, 1, 2] = torch.tensor([3.9, -3.9, 20, 10])
    scores = torch.full((1, 2, 3, 2), 0.0)
    scores[..., 0] = 20  # surely no car
    scores[0, 1, 2] = torch.tensor([0.0, math.log(3)])
    change = torch.zeros(1, 2, 3, 4)
    change[0, 1, 2, 2] = 4
    (cars,) = of_cells(Cars(box, torch.zeros_like(scores), change, scores))
    # cell (1, 2) is centred on 80, 48; its offset is cut to 3, -3; the box is 24 x 10
    assert cars.boxes.tolist() == [[71, 40, 95, 50]]
    assert cars.scores.tolist() == pytest.approx([0.75])


def test_overlap_by_hand() -> None:
    boxes = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [0, 0, 5, 5]])
    np.testing.assert_allclose(intersection_over_union(boxes[0], boxes), [1, 1 / 3, 0, 0.25])


def test_suppression_keeps_the_most_confident() -> None:
    kept = suppressed(found((0, 0, 10, 10, 0.5), (1, 0, 11, 10, 0.9), (30, 0, 40, 10, 0.2)))
    assert kept.boxes.tolist() == [[1, 0, 11, 10], [30, 0, 40, 10]]
    assert kept.scores.tolist() == pytest.approx([0.9, 0.2])


def test_stitching_takes_the_sure_first_and_drops_what_overlaps() -> None:
    kept = stitched(found((4, 0, 14, 10, 0.6), (0, 0, 10, 10, 0.9), (30, 0, 40, 10, 0.2)))
    assert kept.scores.tolist() == pytest.approx([0.9, 0.2])


def test_within_a_pass_a_surer_box_takes_the_place_of_nearly_the_same_one() -> None:
    # both come in the pass of .7 to .9; 9 / 11 of the two is shared
    kept = stitched(found((0, 0, 10, 10, 0.75), (1, 0, 11, 10, 0.78)))
    assert kept.boxes.tolist() == [[1, 0, 11, 10]]


def test_within_a_pass_a_surer_box_that_is_another_one_goes() -> None:
    # 6 / 14 is shared: more than .35, less than .7; suppression would keep the surer one
    pair = found((0, 0, 10, 10, 0.75), (4, 0, 14, 10, 0.78))
    assert stitched(pair).boxes.tolist() == [[0, 0, 10, 10]]
    assert suppressed(pair).boxes.tolist() == [[4, 0, 14, 10]]


def test_a_box_surer_than_its_pass_replaces_nothing() -> None:
    """The third goes in the first pass, since it overlaps the first; in the second, nearly the same as the second."""
    boxes = found((0, 0, 100, 100, 0.85), (60, 0, 160, 100, 0.78), (35, 0, 150, 100, 0.95))
    assert intersection_over_union(boxes.boxes[2], boxes.boxes[:2]).tolist() == pytest.approx([65 / 150, 90 / 125])
    assert stitched(boxes).scores.tolist() == pytest.approx([0.85, 0.78])


def test_a_box_belongs_to_the_nearest_of_those_it_overlaps() -> None:
    # two accepted boxes, disjoint enough; the third, surer, is nearly the second: that one it replaces
    boxes = found((0, 0, 100, 100, 0.75), (40, 0, 150, 100, 0.76), (30, 0, 140, 100, 0.79))
    kept = stitched(boxes)
    assert intersection_over_union(boxes.boxes[0], boxes.boxes[1:2])[0] > 0.35  # the second goes at once
    assert kept.boxes.tolist() == [[0, 0, 100, 100]]
    apart = found((0, 0, 100, 100, 0.75), (60, 0, 170, 100, 0.76), (50, 0, 155, 100, 0.79))
    assert stitched(apart).boxes.tolist() == [[50, 0, 155, 100], [0, 0, 100, 100]]


def test_nothing_is_nothing() -> None:
    nothing = found()
    assert len(stitched(nothing)) == len(suppressed(nothing)) == 0
    assert nothing.lines() == []


def test_result_lines_have_sixteen_words_and_the_original_size() -> None:
    (line,) = found((10, 20, 30, 40, 0.5)).scaled(2, 0.5).within(15, 100).lines()
    assert line == "Car 0 1 0 20.00 10.00 60.00 14.00 0 0 0 0 0 0 0 0.500000"
    assert len(line.split()) == 16
