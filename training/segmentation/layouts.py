"""Where segmentation datasets keep images and labels, and which classes they have (EVALUATION 3.1-3.3).

Every image of a split must have its label file: a split that is silently smaller gives figures that do not compare.
"""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evaluation.classes import CAMVID, CITYSCAPES, KITTI, Benchmark
from training.frame_files import ENDINGS, FrameError
from training.segmentation.camvid_colours import CAMVID_COLOURS


@dataclass(frozen=True)
class LabelledImage:
    """An image and its label."""

    key: str  # unique within a dataset
    image: Path
    label: Path


Finder = Callable[[Path, str], Iterator[tuple[str, Path, Path]]]
"""From root and split to key, image, and where the label must be."""


@dataclass(frozen=True)
class Layout:
    """How a dataset lies on disk."""

    name: str
    benchmark: Benchmark
    find: Finder
    sizes: tuple[tuple[int, int], ...]  # heights and widths that its images have; empty: they vary
    train_ids: bool = False  # labels hold training ids and VOID instead of the benchmark's ids
    colours: dict[tuple[int, int, int], int] | None = None  # labels are RGB: colour to id
    splits: tuple[str, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class LabelledImages:
    """A split of a dataset."""

    layout: Layout
    images: tuple[LabelledImage, ...]  # by key

    @property
    def fingerprint(self) -> str:
        """Of keys, and of names and sizes of files."""
        lines = [
            f"{each.key} {each.image.name} {each.image.stat().st_size} {each.label.stat().st_size}\n"
            for each in self.images
        ]
        return hashlib.sha256("".join([self.layout.name, "\n", *lines]).encode()).hexdigest()[:12]


def open_split(root: Path, layout: Layout, split: str) -> LabelledImages:
    """The images of a split. Raises ``FrameError`` where there are none, or one has no label."""
    if split not in layout.splits:
        raise FrameError(f"{layout.name} has no split {split!r}; it has: {', '.join(layout.splits)}")
    found = tuple(LabelledImage(*each) for each in sorted(layout.find(root, split)))
    if not found:
        raise FrameError(f"{root} has no images of {layout.name}, split {split}: {LAYOUT_WORDS[layout.name]}")
    missing = [each for each in found if not each.label.is_file()]
    if missing:
        raise FrameError(
            f"{missing[0].label} is missing, the label of {missing[0].image}; {len(missing)} of {len(found)} images of "
            f"split {split} have no label: {LAYOUT_WORDS[layout.name]}"
        )
    return LabelledImages(layout, found)


def to_train_ids(label: NDArray[np.integer], layout: Layout, where: Path) -> NDArray[np.uint8]:
    """Training ids (H, W), ``VOID`` for what is not scored, of a label as stored.

    Raises ``FrameError`` that names the file and an id, or a colour, that the dataset does not have.
    """
    try:
        if layout.train_ids:
            layout.benchmark.ids_of(label, str(where))
            return label.astype(np.uint8)
        ids = label if layout.colours is None else _by_colour(label, layout.colours, where)
        layout.benchmark.require_known(ids, str(where))
    except ValueError as error:
        raise FrameError(str(error)) from None
    return layout.benchmark.train_ids[ids]


def _by_colour(label: NDArray[np.integer], colours: dict[tuple[int, int, int], int], where: Path) -> NDArray[np.uint8]:
    packed = (label.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])).ravel()
    known, inverse = np.unique(packed, return_inverse=True)
    ids = []
    for value in known:
        colour = (int(value) >> 16, int(value) >> 8 & 255, int(value) & 255)
        if colour not in colours:
            raise FrameError(f"{where} has the colour {colour}, which no class has")
        ids.append(colours[colour])
    return np.array(ids, np.uint8)[inverse].reshape(label.shape[:2])


def _cityscapes(root: Path, split: str) -> Iterator[tuple[str, Path, Path]]:
    folder = root / "leftImg8bit" / split
    for image in _images(folder.glob("*/*_leftImg8bit.*")):
        key = image.stem.removesuffix("_leftImg8bit")
        yield key, image, root / "gtFine" / split / image.parent.name / f"{key}_gtFine_labelIds.png"


def _beside(root: Path, split: str) -> Iterator[tuple[str, Path, Path]]:
    for image in _images((root / split).glob("*")):
        yield image.stem, image, root / f"{split}annot" / f"{image.stem}.png"


def _camvid(root: Path, split: str) -> Iterator[tuple[str, Path, Path]]:
    names = root / f"{split}.txt"
    if not names.is_file():
        raise FrameError(f"{names} is missing: {LAYOUT_WORDS['camvid']}")
    for line in names.read_text().split("\n"):
        if line.strip():
            name = Path(line.split()[0]).stem
            image = root / "701_StillsRaw_full" / f"{name}.png"
            if not image.is_file():
                raise FrameError(f"{image} is missing, which {names} names")
            yield name, image, root / "LabeledApproved_full" / f"{name}_L.png"


def _kitti(root: Path, split: str) -> Iterator[tuple[str, Path, Path]]:
    folder = root / {"train": "Training_00", "val": "Validation_07"}[split]
    for image in _images((folder / "RGB").glob("*")):
        yield image.stem, image, folder / "GT_ind" / f"{image.stem}.png"


def _images(paths: Iterator[Path]) -> Iterator[Path]:
    return (path for path in paths if path.suffix.lower() in ENDINGS and not path.name.startswith("."))


LAYOUTS = {
    layout.name: layout
    for layout in (
        Layout("cityscapes", CITYSCAPES, _cityscapes, ((1024, 2048),)),
        Layout("cityscapes_256", CITYSCAPES, _beside, ((256, 256),), train_ids=True, splits=("train", "val")),
        Layout("camvid", CAMVID, _camvid, ((720, 960),), colours=CAMVID_COLOURS),
        Layout("camvid_segnet", CAMVID, _beside, ((360, 480),)),
        Layout("kitti", KITTI, _kitti, (), splits=("train", "val")),
    )
}
LAYOUT_WORDS = {
    "cityscapes": "give the folder with leftImg8bit/SPLIT/CITY/*_leftImg8bit.png and "
    "gtFine/SPLIT/CITY/*_gtFine_labelIds.png",
    "cityscapes_256": "give the folder with SPLIT/NAME.jpg and SPLITannot/NAME.png, which hold training ids",
    "camvid": "give the folder with 701_StillsRaw_full/NAME.png, LabeledApproved_full/NAME_L.png and the lists of "
    "names train.txt, val.txt and test.txt; SegNet's copy at 480x360, with SPLIT and SPLITannot, is camvid_segnet",
    "camvid_segnet": "give the folder with SPLIT/NAME.png and SPLITannot/NAME.png, which hold ids",
    "kitti": "give the folder with Training_00/RGB, Training_00/GT_ind, Validation_07/RGB and Validation_07/GT_ind",
}
"""What to give, for messages."""


def layout_of(name: str) -> Layout:
    """The layout of a name. Raises ``FrameError`` that lists the names."""
    if name not in LAYOUTS:
        raise FrameError(f"dataset.layout {name!r} is not known; known: {', '.join(LAYOUTS)}")
    return LAYOUTS[name]
