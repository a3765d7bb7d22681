"""Tables 1 to 4 of Jiang et al., ECCV 2018: what was measured, under which protocol, and the paper's figures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A figure, and where it is in the scores that a command writes."""

    title: str
    task: str  # the command
    protocols: tuple[str, ...]  # the paper's first, then others that are taken, and named, where it is absent
    figure: str
    factor: float = 1  # from that figure to the table's unit
    ending: str = ""  # of the names of runs that belong in the column


@dataclass(frozen=True)
class Table:
    """A table of the paper; figures are its own, None where it has none."""

    title: str
    columns: tuple[Column, ...]
    paper: dict[str, tuple[float | None, ...]]
    protocol: str  # in words, printed beneath
    decimals: int


def _overlap(title: str, protocol: str, ending: str = "") -> Column:
    return Column(title, "segmentation", (protocol,), "mean_iou", 100, ending)


def _road(title: str, figure: str) -> Column:
    return Column(f"road {title}", "road", ("perspective, all", "perspective, 256 levels, all"), figure, 100)


def _cars(difficulty: str) -> Column:
    return Column(difficulty, "detection", (f"Car {difficulty}, pre-2017 rule",), "mean41")


def _depth(title: str, figure: str) -> Column:
    raw = ("monodepth, forward x, Garg crop", "monodepth, camera z, Garg crop")
    return Column(title, "depth", (*raw, "improved, Garg crop", "improved, no crop"), figure)


HEADS = ("FCN32s", "FCN16s", "FCN8s")

TABLES = (
    Table(
        "Table 1: segmentation, AlexNet FCN32s",
        (_overlap("Cityscapes", "cityscapes"), _overlap("KITTI", "kitti"), _overlap("CamVid", "camvid")),
        {
            "scratch": (40.7, 39.6, 44.0),
            "relative depth": (45.4, 42.6, 53.4),
            "ImageNet": (48.1, 46.2, 57.4),
        },
        "mean IoU in percent over the classes of the benchmark; pixels whose truth is void do not count",
        1,
    ),
    Table(
        "Table 2: segmentation of Cityscapes, VGG16",
        tuple(_overlap(head, "cityscapes", head) for head in HEADS),
        {
            "scratch": (45.4, 51.3, 51.6),
            "relative depth, CityDriving": (55.0, 57.6, 59.8),
            "relative depth, CityDriving + Cityscapes": (56.2, 58.5, 60.5),
            "ImageNet": (58.7, 62.9, 63.4),
        },
        "mean IoU in percent, as in Table 1",
        1,
    ),
    Table(
        "Table 3: road and cars by one network, VGG16",
        (
            _road("F1", "max_f"),
            _road("AP", "average_precision"),
            *map(_cars, ("easy", "moderate", "hard")),
        ),
        {
            "scratch": (93.78, 91.37, 89.37, 79.93, 66.02),
            "relative depth, CityDriving + KITTI": (95.66, 92.14, 94.31, 85.72, 70.50),
            "ImageNet": (96.33, 92.26, 95.59, 86.43, 72.28),
        },
        "percent; road in perspective, pixels pooled; cars by the mean of 41 precisions under the pre-2017 rule, as "
        "MultiNet's code has it, which the paper used; it does not say so itself",
        2,
    ),
    Table(
        "Table 4: absolute depth, Eigen split",
        (
            _depth("abs rel", "abs_rel"),
            _depth("sq rel", "sq_rel"),
            _depth("rmse", "rmse"),
            _depth("rmse log", "rmse_log"),
            *(_depth(f"< 1.25^{power}", f"delta{power}") for power in (1, 2, 3)),
        ),
        {
            "ResNet50, scratch": (0.131, None, 5.032, None, None, None, None),
            "ResNet50, relative depth, CityDriving + KITTI": (0.125, 0.881, 4.903, 0.195, 0.840, 0.951, 0.983),
            "VGG16, relative depth, CityDriving + KITTI": (0.148, 1.056, 5.317, 0.221, 0.791, 0.932, 0.977),
        },
        "metres up to 80, the LiDAR's forward axis, Garg crop, no scaling; the crop is likely, the paper names none",
        3,
    ),
)
