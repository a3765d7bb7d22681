"""Average precision of boxes against the official tool, a slow port of the rules, and cases counted by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.detection import CLASSES, DIFFICULTIES, RULES, AveragePrecision, score
from tests.evaluation import slow_detection
from tests.evaluation.slow_detection import Box

Images = list[list[Box]]
FOLDERS: list[Path] = []


@pytest.fixture(scope="module", autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A folder that the examples of hypothesis, which cannot take fixtures of a function, share."""
    FOLDERS[:] = [tmp_path_factory.mktemp("detection")]


def scored(truth: Images, found: Images, rule: str = "2017", wanted: str = "Car") -> dict[str, AveragePrecision]:
    """Scores of what is written to files and read back."""
    folders = [FOLDERS[0] / "truth", FOLDERS[0] / "found"]
    for folder, images in zip(folders, (truth, found)):
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for number, boxes in enumerate(images):
            (folder / f"{number:06d}.txt").write_text(
                "".join(box.line(scored=folder is folders[1]) + "\n" for box in boxes)
            )
    return score(*folders, rule, wanted)


def random_images(seed: int) -> tuple[Images, Images]:
    """Crowded scenes of all classes, and detections near the objects and elsewhere, of equal scores too."""
    rng = np.random.default_rng(seed)
    truth: Images = []
    found: Images = []
    kinds = ["Car", "Car", "Car", "Van", "Pedestrian", "Person_sitting", "Cyclist", "DontCare"]
    for _ in range(rng.integers(1, 5)):
        objects, results = list[Box](), list[Box]()
        for _ in range(rng.integers(0, 9)):
            corner, size = rng.uniform(0, 40, 2), rng.uniform([20, 20], [60, 60])
            sides = np.round(np.concatenate([corner, corner + size]), 2)
            kind = str(rng.choice(kinds))
            objects.append(Box(kind, float(rng.choice([0, 0.2, 0.4, 0.6])), int(rng.integers(0, 4)), *sides.tolist()))
            for _ in range(rng.integers(0, 4)):
                moved = np.round(sides + rng.normal(0, 3, 4), 2).tolist()
                other = str(rng.choice(["Car", kind])).replace("DontCare", "Car")
                results.append(Box(other, -1, -1, *moved, float(rng.integers(0, 20) / 20)))
        truth.append(objects)
        found.append([results[i] for i in rng.permutation(len(results))])
    return truth, found


CAR = Box("Car", 0, 0, 100, 100, 200, 200)


def found_at(left: float, score: float, width: float = 100, kind: str = "Car") -> Box:
    return Box(kind, -1, -1, left, 100, left + width, 200, score)


def test_the_official_tool_agrees(golden: Path) -> None:
    folder = golden / "kitti_object"
    expected = json.loads((folder / "expected.json").read_text())
    assert len(expected) == 2
    for title, figures in expected.items():
        scores = score(folder / "gt", folder / "pred", "pre-2017" if title.startswith("pre-2017") else "2017")
        assert list(scores) == list(figures) == ["easy", "moderate", "hard"]
        for name, found in scores.items():
            assert found.precision == pytest.approx(figures[name]["precision"], abs=1e-6), (title, name)
            # the tool rounds precisions to six digits, and these are means of them in percent
            means = [figures[name][mean] for mean in ("R11", "R40", "mean41")]
            assert [found.R11, found.R40, found.mean41] == pytest.approx(means, abs=5e-5), (title, name)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RULES), st.sampled_from(list(CLASSES)))
def test_a_slow_port_of_the_rules_agrees(seed: int, rule: str, wanted: str) -> None:
    truth, found = random_images(seed)
    scores = scored(truth, found, rule, wanted)
    for name in DIFFICULTIES:
        slow = slow_detection.precisions(truth, found, rule, wanted, name)
        assert scores[name].precision == pytest.approx(slow, abs=1e-12), name


def test_one_object_of_two_found_above_a_false_alarm() -> None:
    """Recall 1/2 at precision 1: the second of two objects is missed, so that one threshold is found."""
    scores = scored([[CAR], [CAR]], [[found_at(100, 0.9)], [found_at(500, 0.1)]])
    assert scores["easy"].precision == (1.0, *[0.0] * 40)
    means = [scores["easy"].R11, scores["easy"].R40, scores["easy"].mean41]
    assert means == pytest.approx([100 / 11, 0, 100 / 41])


def test_of_many_objects_the_thresholds_lie_at_the_recalls_and_at_the_last_found() -> None:
    """41 of 80 found: 0, 1/40 ... 20/40 are reached at every second, and the last found is a threshold of its own."""
    scores = scored([[CAR]] * 80, [[found_at(100, 0.9 - i / 100)] for i in range(41)] + [[]] * 39)
    assert scores["easy"].precision == (*[1.0] * 22, *[0.0] * 19)


def test_a_false_alarm_above_the_object_halves_the_precision() -> None:
    scores = scored([[CAR], []], [[found_at(100, 0.5)], [found_at(500, 0.9)]])
    assert scores["easy"].precision == (0.5, *[0.0] * 40)


def test_an_overlap_of_exactly_the_minimum_is_none() -> None:
    inside = {share: scored([[CAR]], [[found_at(100, 0.5, 100 * share)]])["easy"] for share in (0.7, 0.71)}
    assert (inside[0.7].precision[0], inside[0.71].precision[0]) == (0.0, 1.0)
    halves = scored(
        [[CAR._replace(type="Cyclist")]], [[found_at(100, 0.5, 60, "Cyclist")]], wanted="Cyclist"
    )  # below the overlap of cars
    assert halves["easy"].precision[0] == 1.0


@pytest.mark.parametrize(("height", "counts"), [(39.9, False), (40, True)])
def test_an_object_too_low_for_easy_counts_as_moderate(height: float, counts: bool) -> None:
    scores = scored([[CAR._replace(bottom=100 + height)]], [[]])
    assert (scores["easy"].objects, scores["moderate"].objects) == (int(counts), 1)


def test_low_detections_are_overlooked_since_2017() -> None:
    low = found_at(500, 0.9)._replace(bottom=140 - 0.1)  # 39.9 pixels, cut to 39
    for rule, precision in (("2017", 1.0), ("pre-2017", 0.5)):
        scores = scored([[CAR]], [[found_at(100, 0.5), low]], rule)
        assert scores["easy"].precision[0] == precision
        assert scores["moderate"].precision[0] == 0.5  # 39 pixels are enough


def test_vans_are_neither_to_be_found_nor_wrong_to_find() -> None:
    van = CAR._replace(type="Van", left=500, right=600)
    scores = scored([[CAR, van]], [[found_at(100, 0.5), found_at(500, 0.9)]])
    assert (scores["easy"].objects, scores["easy"].precision[0]) == (1, 1.0)


def test_detections_in_dont_care_are_not_wrong() -> None:
    region = Box("DontCare", -1, -1, 480, 80, 1000, 220)
    found = [[found_at(100, 0.5), found_at(500, 0.9)]]
    assert scored([[CAR]], found)["easy"].precision[0] == 0.5
    assert scored([[CAR, region]], found)["easy"].precision[0] == 1.0


def test_a_threshold_that_leaves_nothing_right_or_wrong_has_no_precision() -> None:
    """By score the van takes the first detection, which lies in DontCare; by overlap it takes the car's."""
    van, car = CAR._replace(type="Van"), CAR._replace(left=110, right=210)
    region = Box("DontCare", -1, -1, 0, 0, 190, 300)
    scores = scored([[van, car, region]], [[found_at(85, 0.9), found_at(103, 0.5)]])
    assert scores["easy"].precision == (0.0,) * 41


def test_nothing_to_find_gives_zeros_that_say_so() -> None:
    scores = scored([[]], [[found_at(100, 0.5)]])
    assert all(found.objects == 0 and found.mean41 == 0 for found in scores.values())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RULES))
def test_the_order_of_images_and_empty_ones_between_do_not_matter(seed: int, rule: str) -> None:
    truth, found = random_images(seed)
    order = np.random.default_rng(seed).permutation(len(truth))
    plain = scored(truth, found, rule)
    assert scored([truth[i] for i in order], [found[i] for i in order], rule) == plain
    spread = [[each for image in images for each in (image, [])] for images in (truth, found)]
    assert scored(*spread, rule) == plain


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_the_order_of_detections_does_not_matter_where_scores_differ(seed: int) -> None:
    truth, found = random_images(seed)
    rng = np.random.default_rng(seed)
    different = iter(rng.permutation(sum(map(len, found))).tolist())
    found = [[box._replace(score=next(different)) for box in image] for image in found]
    mixed = [[image[i] for i in rng.permutation(len(image))] for image in found]
    assert scored(truth, mixed, "pre-2017") == scored(truth, found, "pre-2017")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RULES))
def test_dont_care_that_touches_nothing_changes_nothing(seed: int, rule: str) -> None:
    truth, found = random_images(seed)
    away = Box("DontCare", -1, -1, 5000, 5000, 6000, 6000)
    assert scored([[away, *image] for image in truth], found, rule) == scored(truth, found, rule)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RULES))
def test_more_dont_care_lowers_no_precision(seed: int, rule: str) -> None:
    truth, found = random_images(seed)
    plain = scored(truth, found, rule)
    wide = Box("DontCare", -1, -1, 0, 0, *np.random.default_rng(seed).uniform(10, 120, 2).round(2).tolist())
    more = scored([[*image, wide] for image in truth], found, rule)
    for name, before in plain.items():
        assert all(after >= precision for after, precision in zip(more[name].precision, before.precision, strict=True))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RULES))
def test_images_may_be_cut_between_objects(seed: int, rule: str) -> None:
    """All images side by side in one file score as in files of their own."""
    truth, found = random_images(seed)
    beside = [
        [
            box._replace(left=box.left + 1024 * i, right=box.right + 1024 * i)
            for i, image in enumerate(images)
            for box in image
        ]
        for images in (truth, found)
    ]
    whole, apart = scored([beside[0]], [beside[1]], rule), scored(truth, found, rule)
    for name, parts in apart.items():
        assert whole[name].precision == pytest.approx(parts.precision)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RULES))
def test_only_the_order_of_scores_matters(seed: int, rule: str) -> None:
    truth, found = random_images(seed)
    other = [[box._replace(score=box.score**3 - 7) for box in image] for image in found]
    assert scored(truth, other, rule) == scored(truth, found, rule)


@pytest.mark.real_data
def test_the_ground_truth_scores_full_against_itself(real_data: Path, tmp_path: Path) -> None:
    """All points that a recall of n objects reaches are 1."""
    labels = real_data / "kitti_object" / "training" / "label_2"
    for path in labels.glob("*.txt"):
        lines = [f"{line} 0.5" for line in path.read_text().splitlines()]
        (tmp_path / path.name).write_text("\n".join(lines) + "\n")
    for wanted in ("Car", "Pedestrian"):
        for found in score(labels, tmp_path, object_class=wanted).values():
            assert found.precision == (1.0,) * min(found.objects, 41) + (0.0,) * (41 - found.objects)


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return folder


def test_every_image_needs_a_result_file(tmp_path: Path) -> None:
    truth = write(tmp_path / "truth", "000001.txt", CAR.line(scored=False))
    found = write(tmp_path / "found", "000002.txt", "")
    with pytest.raises(ValueError, match=r"found/000001\.txt is missing"):
        score(truth, found)
    assert score(truth, write(found, "000001.txt", ""))["easy"].R40 == 0


@pytest.mark.parametrize(
    ("truth", "found", "complaint"),
    [
        (CAR.line(True), "", r"truth/1\.txt, line 1: 16 fields where ground truth have 15: type truncated"),
        ("", f"\n{CAR.line(False)}\n", r"found/1\.txt, line 2: 15 fields where results have 16: .* score$"),
        (
            "",
            CAR.line(True) + "\n" + CAR.line(True).replace("200", "x", 1),
            r"line 2, field right: 'x' is not a finite",
        ),
        ("", CAR._replace(score=np.nan).line(True), "field score: 'nan' is not a finite number"),
        (CAR._replace(top=np.inf).line(False), "", "field top: 'inf' is not a finite number"),
        ("", CAR.line(True) + "\n" + CAR.line(False), "line 2: 15 fields"),
        ("Car", "", "line 1: 1 fields where ground truth have 15"),
        ("", "\x89PNG\u00ff", r"found/1\.txt is not a text file of labels"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, truth: str, found: str, complaint: str) -> None:
    folders = write(tmp_path / "truth", "1.txt", truth), write(tmp_path / "found", "1.txt", found)
    with pytest.raises(ValueError, match=complaint):
        score(*folders)


def test_unknown_rules_classes_and_folders_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "truth", "1.txt", "")
    with pytest.raises(ValueError, match="rules are 2017, pre-2017, classes Car, Pedestrian, Cyclist"):
        score(folder, folder, rule="2019")
    with pytest.raises(ValueError, match="rules are 2017"):
        score(folder, folder, object_class="Tram")
    with pytest.raises(ValueError, match="none is not a folder"):
        score(folder, tmp_path / "none")
    (tmp_path / "bare").mkdir()
    with pytest.raises(ValueError, match="bare has no label files"):
        score(tmp_path / "bare", folder)
