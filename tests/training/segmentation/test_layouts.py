"""Datasets as they lie: what is found, and what is said of what is not right, by the name of the file."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from evaluation.classes import CAMVID
from training.frame_files import FrameError
from training.segmentation.images import crop, read, scaled
from training.segmentation.layouts import LAYOUTS, layout_of, open_split

Sample = Callable[..., list[tuple[Path, Path]]]


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_image_is_found_with_its_label(name: str, sample: Sample, tmp_path: Path) -> None:
    places = sample(tmp_path, name, {"train": 2, "val": 1})
    found = [open_split(tmp_path, LAYOUTS[name], split).images for split in ("train", "val")]
    assert [(each.image, each.label) for split in found for each in split] == places
    assert len({each.key for split in found for each in split}) == (2 if name in ("cityscapes", "kitti") else 3)
    frame, label = read(found[0][0], LAYOUTS[name])
    assert frame.shape == (*label.shape, 3)
    assert set(np.unique(label)) <= {*range(len(LAYOUTS[name].benchmark.classes)), 255}


@pytest.mark.parametrize(
    ("name", "ids", "expected"),
    [
        ("cityscapes", [7, 11, 33, 3, 6, 29], [0, 2, 18, 255, 255, 255]),  # road, building, bicycle, void, caravan
        ("camvid_segnet", [0, 2, 10, 11], [0, 2, 10, 255]),
        ("kitti", [0, 2, 6, 11], [0, 2, 6, 255]),  # 2 is road, 6 pole: another order than CamVid's
        ("cityscapes_256", [0, 18, 255], [0, 18, 255]),
    ],
)
def test_stored_ids_become_training_ids(
    name: str, ids: list[int], expected: list[int], sample: Sample, tmp_path: Path
) -> None:
    ((image, path),) = sample(tmp_path, name, {"train": 1})
    label = np.array(Image.open(path))
    label[0, : len(ids)] = ids
    Image.fromarray(label).save(path)
    (labelled,) = open_split(tmp_path, LAYOUTS[name], "train").images
    assert labelled.image == image
    assert read(labelled, LAYOUTS[name])[1][0, : len(ids)].tolist() == expected


def test_camvids_colours_are_grouped_into_its_classes(sample: Sample, tmp_path: Path) -> None:
    ((_, path),) = sample(tmp_path, "camvid", {"train": 1})
    label = np.array(Image.open(path))
    # sky, lane marking, SUV, child, column, archway, void: by label_colors.txt of the dataset
    shown = [(128, 128, 128), (128, 0, 192), (64, 128, 192), (192, 128, 64), (192, 192, 128), (192, 0, 128), (0, 0, 0)]
    label[0, :7] = shown
    Image.fromarray(label).save(path)
    (labelled,) = open_split(tmp_path, LAYOUTS["camvid"], "train").images
    found = read(labelled, LAYOUTS["camvid"])[1][0, :7].tolist()
    assert [CAMVID.names[number] for number in found[:6]] == ["sky", "road", "car", "pedestrian", "pole", "building"]
    assert found[6] == 255
    colours = LAYOUTS["camvid"].colours
    assert colours is not None
    assert len(colours) == 32


def test_a_palette_does_not_turn_ids_into_colours(sample: Sample, tmp_path: Path) -> None:
    ((_, path),) = sample(tmp_path, "kitti", {"train": 1})
    label = np.array(Image.open(path))
    picture = Image.fromarray(label, mode="P")
    picture.putpalette(bytes(range(255, -1, -1)) * 3)
    picture.save(path)
    (labelled,) = open_split(tmp_path, LAYOUTS["kitti"], "train").images
    assert np.array_equal(read(labelled, LAYOUTS["kitti"])[1], LAYOUTS["kitti"].benchmark.train_ids[label])


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_wrong_root_is_named_with_what_to_give(name: str, tmp_path: Path) -> None:
    with pytest.raises(FrameError, match=r"give the folder with") as caught:
        open_split(tmp_path / "nowhere", LAYOUTS[name], "train")
    assert str(tmp_path / "nowhere") in str(caught.value)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_missing_label_is_named(name: str, sample: Sample, tmp_path: Path) -> None:
    places = sample(tmp_path, name, {"train": 2})
    places[1][1].unlink()
    with pytest.raises(FrameError, match="1 of 2 images of split train have no label") as caught:
        open_split(tmp_path, LAYOUTS[name], "train")
    assert str(caught.value).startswith(f"{places[1][1]} is missing, the label of {places[1][0]}")


def test_an_image_that_camvids_list_names_must_be_there(sample: Sample, tmp_path: Path) -> None:
    ((image, _),) = sample(tmp_path, "camvid", {"train": 1})
    image.unlink()
    with pytest.raises(FrameError, match=f"{image} is missing, which .*train.txt names"):
        open_split(tmp_path, LAYOUTS["camvid"], "train")


def test_splits_and_layouts_that_there_are_not(tmp_path: Path) -> None:
    with pytest.raises(FrameError, match="kitti has no split 'test'; it has: train, val"):
        open_split(tmp_path, LAYOUTS["kitti"], "test")
    with pytest.raises(FrameError, match=r"dataset\.layout 'voc' is not known; known: cityscapes, "):
        layout_of("voc")


def _spoiled(kind: str, image: Path, label: Path) -> str:
    """Spoil a dataset; what must be said."""
    stored = np.array(Image.open(label))
    if kind == "image":
        image.write_bytes(b"no image")
        return f"{image} cannot be read as an image"
    if kind == "label":
        label.write_bytes(b"no image")
        return f"{label} cannot be read as an image"
    if kind == "size":
        Image.fromarray(stored[:-1]).save(label)
        return (
            f"{label} has {stored.shape[1]}x{stored.shape[0] - 1} pixels, {image} {stored.shape[1]}x{stored.shape[0]}"
        )
    if kind == "sizes":
        for path in (image, label):
            Image.fromarray(np.array(Image.open(path))[::2, ::2]).save(path)
        return f"{image} has {stored.shape[1] // 2}x{stored.shape[0] // 2} pixels; images of "
    if kind == "channels":
        Image.fromarray(stored[..., 0] if stored.ndim == 3 else np.stack([stored] * 3, axis=2)).save(label)
        return f"{label} is an image of uint8 "
    stored[5, 7] = 77
    Image.fromarray(stored).save(label)
    return f"{label} has {'the colour (77, 77, 77)' if stored.ndim == 3 else ''}"


FAULTS = [
    (name, kind)
    for name, layout in LAYOUTS.items()
    for kind in ("image", "label", "size", "sizes", "channels", "id")
    if kind != "sizes" or layout.sizes  # images of KITTI vary in size
]


@pytest.mark.parametrize(("name", "kind"), FAULTS)
def test_a_file_at_fault_is_named(name: str, kind: str, sample: Sample, tmp_path: Path) -> None:
    ((image, label),) = sample(tmp_path, name, {"train": 1})
    complaint = _spoiled(kind, image, label)
    (labelled,) = open_split(tmp_path, LAYOUTS[name], "train").images
    with pytest.raises(FrameError) as caught:
        read(labelled, LAYOUTS[name])
    assert str(caught.value).startswith(complaint)
    assert kind != "id" or "77" in str(caught.value)


def test_labels_are_scaled_without_mixing_and_crops_lie_where_they_should() -> None:
    label = np.arange(80, dtype=np.uint8).reshape(8, 10)
    frame = np.repeat(label[..., None], 3, axis=2)
    small, fewer = scaled((frame, label), 0.5)
    assert fewer[0].tolist() == [11, 13, 15, 17, 19]  # the pixel at the middle of each 2x2
    assert small[0, 0].tolist() == [6, 6, 6]  # the mean of 0, 1, 10, 11, rounded half up
    parts = [crop((frame, label), (3, 4), place, Path("a.png"))[1] for place in ((0.0, 0.0), (0.999, 0.999))]
    assert [part[0, 0] for part in parts] == [0, 56]
    assert all(part.shape == (3, 4) for part in parts)
    with pytest.raises(FrameError, match=r"a.png has 10x8 pixels at the scale of training, less than .* 4x9"):
        crop((frame, label), (9, 4), (0, 0), Path("a.png"))


def test_fingerprints_tell_data_apart(sample: Sample, tmp_path: Path) -> None:
    places = sample(tmp_path, "kitti", {"train": 2})
    before = open_split(tmp_path, LAYOUTS["kitti"], "train").fingerprint
    assert open_split(tmp_path, LAYOUTS["kitti"], "train").fingerprint == before
    picture = cv2.imread(str(places[0][0]))
    assert picture is not None
    cv2.imwrite(str(places[0][0]), picture[::-1] // 2)
    assert open_split(tmp_path, LAYOUTS["kitti"], "train").fingerprint != before
