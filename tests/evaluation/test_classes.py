"""Tables of classes against the official one, and the ways between ids and training ids."""

import numpy as np
import pytest
from cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling import args
from cityscapesscripts.helpers import labels as official

from evaluation.classes import BENCHMARKS, CAMVID, CITYSCAPES, KITTI, VOID, Benchmark, benchmark_of


def test_cityscapes_is_the_official_table() -> None:
    ours = [(each.name, each.id, each.train_id, each.category, each.colour) for each in CITYSCAPES.labels]
    theirs = [(each.name, each.id, each.trainId, each.category, each.color) for each in official.labels if each.id >= 0]
    assert ours == theirs
    assert {each.name: each.mean_size for each in CITYSCAPES.labels if each.mean_size} == args.avgClassSize


def test_kitti_has_another_order_than_camvid() -> None:
    assert CAMVID.names == (
        "sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist",
    )  # fmt: skip
    assert KITTI.names == (
        "sky", "building", "road", "sidewalk", "fence", "vegetation", "pole", "car", "sign", "pedestrian", "cyclist",
    )  # fmt: skip
    assert sorted(label.colour for label in KITTI.classes) != sorted(label.colour for label in CAMVID.classes)
    assert KITTI.palette[6].tolist() == CAMVID.palette[2].tolist() == [192, 192, 128]


@pytest.mark.parametrize("benchmark", BENCHMARKS.values(), ids=lambda each: each.name)
def test_ids_and_training_ids_lead_back_to_each_other(benchmark: Benchmark) -> None:
    assert [label.id for label in benchmark.labels] == list(range(len(benchmark.labels)))
    assert [label.train_id for label in benchmark.classes] == list(range(len(benchmark.names)))
    every = np.arange(len(benchmark.names), dtype=np.uint8)
    assert (benchmark.train_ids[benchmark.ids[every]] == every).all()
    assert benchmark.train_ids[benchmark.ids[VOID]] == VOID
    assert {label.category for label in benchmark.classes} == set(benchmark.categories) - {"void"}


def test_an_unknown_benchmark_is_refused_with_those_known() -> None:
    with pytest.raises(ValueError, match=r"pascal .* cityscapes, camvid, kitti"):
        benchmark_of("pascal")
