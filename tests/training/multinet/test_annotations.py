"""Label files and the targets of cells, by cases computed by hand."""

from pathlib import Path

import numpy as np
import pytest

from training.multinet.annotations import Annotation, AnnotationError, read_annotations, targets

SIZE = (128, 256)  # 4 rows, 8 columns


def car(left: float, top: float, right: float, bottom: float, kind: str = "car") -> Annotation:
    return Annotation(kind, left, top, right, bottom)


def test_a_car_is_the_target_of_the_cells_that_it_touches() -> None:
    found = targets((car(40, 33, 90, 60),), *SIZE)
    assert np.argwhere(found.positive).tolist() == [[1, 1], [1, 2]]
    # centre 65, 46.5; cells (1, 1) and (1, 2) are centred on 48, 48 and 80, 48
    assert found.box[1, 1].tolist() == [17, -1.5, 50, 27]
    assert found.box[1, 2].tolist() == [-15, -1.5, 50, 27]
    assert not found.box[~found.positive].any()
    assert found.mask.all()


def test_a_box_that_ends_on_a_cells_edge_does_not_touch_it() -> None:
    found = targets((car(32, 32, 64, 64),), *SIZE)
    assert np.argwhere(found.positive).tolist() == [[1, 1]]


def test_cells_farther_than_the_focus_are_not_positive() -> None:
    # centre 128, 64; columns are centred on 16, 48, 80, 112, 144, ...: 48 is 80 off, 80 is 48 off
    found = targets((car(8, 50, 248, 78),), *SIZE)
    assert np.flatnonzero(found.positive[1]).tolist() == [2, 3, 4, 5]
    # 57.6 itself is out: the centre is 57.6 right of 80 and 54.4 left of 192 + 0
    edge = targets((car(137.6 - 120, 50, 137.6 + 120, 78),), *SIZE)
    assert np.flatnonzero(edge.positive[1]).tolist() == [3, 4, 5]


def test_only_the_first_car_that_touches_a_cell_counts() -> None:
    far, close = car(0, 32, 250, 64), car(0, 32, 30, 64)
    found = targets((far, close), *SIZE)
    # the far one's centre is 109 from that of cell (1, 0): the cell stays empty, though the close one is in it
    assert not found.positive[1, 0]
    found = targets((close, far), *SIZE)
    assert found.box[1, 0].tolist() == [-1, 0, 30, 32]


def test_vans_are_cars_and_trucks_are_background() -> None:
    found = targets((car(0, 0, 20, 20, "van"), car(64, 0, 90, 20, "truck"), car(128, 0, 150, 20, "pedestrian")), *SIZE)
    assert np.argwhere(found.positive).tolist() == [[0, 0]]
    assert found.mask.all()


def test_confidence_does_not_count_within_dont_care_boxes() -> None:
    # 30 + 2 = 32 begins cell 1, 97 - 2 = 95 ends cell 2; 62 + 2 = 64 begins row 2, 130 - 2 is below the image
    found = targets((car(30, 62, 97, 130, "dontcare"),), *SIZE)
    masked = np.argwhere(~found.mask).tolist()
    assert masked == [[2, 1], [2, 2], [3, 1], [3, 2]]
    assert not found.positive.any()


def test_a_box_scales_and_mirrors() -> None:
    assert car(10, 20, 30, 40).scaled(2, 0.5) == car(20, 10, 60, 20)
    assert car(10, 20, 30, 40).mirrored(100) == car(69, 20, 89, 40)
    assert car(10, 20, 30, 40).mirrored(100).mirrored(100) == car(10, 20, 30, 40)


def line(words: str = "10.5 20 30 40", kind: str = "car") -> str:
    return f"{kind} 0.00 0 -1.57 {words} 1.4 1.6 3.9 1 2 30 -1.5\n"


def test_label_files_are_read_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "000000.txt"
    path.write_text(line() + line("1 2 3 4", "DontCare"))
    assert read_annotations(path, False) == (car(10.5, 20, 30, 40), car(1, 2, 3, 4, "dontcare"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty, and no label file of KITTI's training set is"),
        (line() + "Car 0 0 0\n", "line 2: 4 fields where ground truth have 15"),
        (line("a 2 3 4"), "000000.txt, line 1"),
        (line("30 2 3 4"), "object 1: 30.0 2.0 3.0 4.0 is no left, top, right, bottom"),
        (line("nan 2 3 4"), "000000.txt, line 1"),
    ],
)
def test_wrong_label_files_are_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "000000.txt"
    path.write_text(content)
    with pytest.raises(AnnotationError, match=message):
        read_annotations(path, False)


def test_a_missing_label_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match=r"000007.txt is missing; every image needs its label file"):
        read_annotations(tmp_path / "000007.txt", False)


def test_a_simulated_frame_may_have_no_cars(tmp_path: Path) -> None:
    (tmp_path / "000000.txt").write_text("")
    assert read_annotations(tmp_path / "000000.txt", True) == ()
