"""The classes of the three segmentation benchmarks (EVALUATION 3.1-3.3), for training and scoring alike.

Ids are what ground truth and predictions hold when they are scored. Training ids count the scored classes from 0;
everything else is ``VOID`` there.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

VOID = 255
"""Training id of all that is not scored."""
Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Label:
    """A row of a benchmark's table."""

    name: str
    id: int
    train_id: int  # VOID where not scored
    category: str
    colour: Colour  # RGB, 0 ... 255
    mean_size: float | None = None  # mean pixels of an instance, by which iIoU weights; None without instances


@dataclass(frozen=True)
class Benchmark:
    """All labels of a benchmark."""

    name: str
    labels: tuple[Label, ...]

    @cached_property
    def classes(self) -> tuple[Label, ...]:
        """What is scored, by training id."""
        return tuple(sorted((label for label in self.labels if label.train_id != VOID), key=lambda each: each.train_id))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of what is scored, by training id."""
        return tuple(label.name for label in self.classes)

    @cached_property
    def categories(self) -> dict[str, tuple[Label, ...]]:
        """What is scored, by category."""
        names = dict.fromkeys(label.category for label in self.classes)
        return {name: tuple(label for label in self.classes if label.category == name) for name in names}

    @cached_property
    def palette(self) -> NDArray[np.uint8]:
        """Colours by training id, (256, 3) RGB; black for the others."""
        palette = np.zeros((256, 3), np.uint8)
        for label in self.classes:
            palette[label.train_id] = label.colour
        return palette

    @cached_property
    def train_ids(self) -> NDArray[np.uint8]:
        """Training ids by id, (256,): ``train_ids[ids]`` turns an image of ids into what training takes."""
        table = np.full(256, VOID, np.uint8)
        for label in self.classes:
            table[label.id] = label.train_id
        return table

    @cached_property
    def ids(self) -> NDArray[np.uint8]:
        """Ids by training id, (256,), the first void id for ``VOID`` and beyond: ``ids[train_ids]`` can be scored."""
        table = np.full(256, next(label.id for label in self.labels if label.train_id == VOID), np.uint8)
        for label in self.classes:
            table[label.train_id] = label.id
        return table

    def ids_of(self, train_ids: NDArray[np.integer], where: str) -> NDArray[np.uint8]:
        """Ids of an image of training ids. Raises ``ValueError`` that names ``where`` and what is no training id."""
        wrong = train_ids[(train_ids != VOID) & ((train_ids < 0) | (train_ids >= len(self.classes)))]
        if wrong.size:
            last = len(self.classes) - 1
            raise ValueError(f"{where} has training id {wrong[0]}; {self.name} has 0 to {last}, and {VOID} for void")
        return self.ids[train_ids]

    def require_known(self, ids: NDArray[np.integer], where: str) -> None:
        """Raise ``ValueError`` that names ``where`` and an id that the benchmark does not have; it has 0, 1, 2 ..."""
        for found in (int(ids.min()), int(ids.max())):
            if not 0 <= found < len(self.labels):
                raise ValueError(f"{where} has id {found}; {self.name} has ids 0 to {len(self.labels) - 1} only")


CITYSCAPES = Benchmark(
    "cityscapes",
    (
        Label("unlabeled", 0, VOID, "void", (0, 0, 0)),
        Label("ego vehicle", 1, VOID, "void", (0, 0, 0)),
        Label("rectification border", 2, VOID, "void", (0, 0, 0)),
        Label("out of roi", 3, VOID, "void", (0, 0, 0)),
        Label("static", 4, VOID, "void", (0, 0, 0)),
        Label("dynamic", 5, VOID, "void", (111, 74, 0)),
        Label("ground", 6, VOID, "void", (81, 0, 81)),
        Label("road", 7, 0, "flat", (128, 64, 128)),
        Label("sidewalk", 8, 1, "flat", (244, 35, 232)),
        Label("parking", 9, VOID, "flat", (250, 170, 160)),
        Label("rail track", 10, VOID, "flat", (230, 150, 140)),
        Label("building", 11, 2, "construction", (70, 70, 70)),
        Label("wall", 12, 3, "construction", (102, 102, 156)),
        Label("fence", 13, 4, "construction", (190, 153, 153)),
        Label("guard rail", 14, VOID, "construction", (180, 165, 180)),
        Label("bridge", 15, VOID, "construction", (150, 100, 100)),
        Label("tunnel", 16, VOID, "construction", (150, 120, 90)),
        Label("pole", 17, 5, "object", (153, 153, 153)),
        Label("polegroup", 18, VOID, "object", (153, 153, 153)),
        Label("traffic light", 19, 6, "object", (250, 170, 30)),
        Label("traffic sign", 20, 7, "object", (220, 220, 0)),
        Label("vegetation", 21, 8, "nature", (107, 142, 35)),
        Label("terrain", 22, 9, "nature", (152, 251, 152)),
        Label("sky", 23, 10, "sky", (70, 130, 180)),
        Label("person", 24, 11, "human", (220, 20, 60), 3462.4756337644),
        Label("rider", 25, 12, "human", (255, 0, 0), 3930.4788056518),
        Label("car", 26, 13, "vehicle", (0, 0, 142), 12794.0202738185),
        Label("truck", 27, 14, "vehicle", (0, 0, 70), 27855.1264367816),
        Label("bus", 28, 15, "vehicle", (0, 60, 100), 35732.1511111111),
        Label("caravan", 29, VOID, "vehicle", (0, 0, 90), 36771.8241758242),
        Label("trailer", 30, VOID, "vehicle", (0, 0, 110), 16926.9763313609),
        Label("train", 31, 16, "vehicle", (0, 80, 100), 67583.7075812274),
        Label("motorcycle", 32, 17, "vehicle", (0, 0, 230), 6298.7200839748),
        Label("bicycle", 33, 18, "vehicle", (119, 11, 32), 4672.3249222261),
    ),
)

# CamVid and KITTI have no categories of their own: these are Cityscapes'.
CAMVID = Benchmark(
    "camvid",
    (
        Label("sky", 0, 0, "sky", (128, 128, 128)),
        Label("building", 1, 1, "construction", (128, 0, 0)),
        Label("pole", 2, 2, "object", (192, 192, 128)),
        Label("road", 3, 3, "flat", (128, 64, 128)),
        Label("pavement", 4, 4, "flat", (60, 40, 222)),  # SegNet's; others paint it (0, 0, 192)
        Label("tree", 5, 5, "nature", (128, 128, 0)),
        Label("sign", 6, 6, "object", (192, 128, 128)),
        Label("fence", 7, 7, "construction", (64, 64, 128)),
        Label("car", 8, 8, "vehicle", (64, 0, 128)),
        Label("pedestrian", 9, 9, "human", (64, 64, 0)),
        Label("bicyclist", 10, 10, "human", (0, 128, 192)),
        Label("void", 11, VOID, "void", (0, 0, 0)),
    ),
)

# The split of Ros et al., WACV 2015; its order is not CamVid's. The KITTI benchmark of 2018 has Cityscapes' ids.
KITTI = Benchmark(
    "kitti",
    (
        Label("sky", 0, 0, "sky", (128, 128, 128)),
        Label("building", 1, 1, "construction", (128, 0, 0)),
        Label("road", 2, 2, "flat", (128, 64, 128)),
        Label("sidewalk", 3, 3, "flat", (0, 0, 192)),
        Label("fence", 4, 4, "construction", (64, 64, 128)),
        Label("vegetation", 5, 5, "nature", (128, 128, 0)),
        Label("pole", 6, 6, "object", (192, 192, 128)),
        Label("car", 7, 7, "vehicle", (64, 0, 128)),
        Label("sign", 8, 8, "object", (192, 128, 128)),
        Label("pedestrian", 9, 9, "human", (64, 64, 0)),
        Label("cyclist", 10, 10, "human", (0, 128, 192)),
        Label("void", 11, VOID, "void", (0, 0, 0)),
    ),
)

BENCHMARKS = {benchmark.name: benchmark for benchmark in (CITYSCAPES, CAMVID, KITTI)}


def benchmark_of(name: str) -> Benchmark:
    """The benchmark of a name. Raises ``ValueError`` that lists the names."""
    if name not in BENCHMARKS:
        raise ValueError(f"{name} is no protocol of segmentation; give one of {', '.join(BENCHMARKS)}")
    return BENCHMARKS[name]
