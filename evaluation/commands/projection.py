"""LiDAR over the images, to look at: whether a calibration, an axis and a reading of it are right."""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from evaluation.image_files import read_image, require_folders
from evaluation.kitti_calibration import Calibration, read_calibration, read_object_calibration
from evaluation.kitti_frames import read_frames, scanned_frames
from evaluation.kitti_labels import read_objects
from evaluation.lidar import read_scan, sparse_depth
from evaluation.report import Report
from evaluation.scan_picture import scan_picture

SUMMARY = "draws LiDAR and boxes over the images of KITTI, to see that they fit"
DESCRIPTION = """Draws the points of the LiDAR over their images, red near to blue far, at twice the size, as NAME.png.

  --kitti-raw DIR     the root of KITTI raw; with --frames F, a csv of date,drive,camera,frame, those frames alone
  --kitti-object DIR  the object benchmark, with training/; the boxes of its labels are drawn, too

The table says how many pixels have a point, the nearest and farthest depth along the camera's axis in metres, and what
share of the boxes of cars has points within.

  python -m evaluation projection --kitti-object OBJECT --to pictures
"""
INNER = 0.25
"""Part of a box's sides that is left out at each of its edges, where what is behind shows."""


@dataclass(frozen=True)
class Scene:
    """A frame with its scan."""

    name: Path
    image: Path
    scan: Path
    labels: Path | None

    def picture(self) -> NDArray[np.uint8]:
        """RGB (H, W, 3)."""
        stored = read_image(self.image)
        return cv2.cvtColor(stored, cv2.COLOR_GRAY2RGB).astype(np.uint8) if stored.ndim == 2 else stored

    def boxes(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(N, 4) of all objects, and (M, 4) of the cars that are seen whole."""
        if self.labels is None:
            return np.zeros((0, 4)), np.zeros((0, 4))
        objects = read_objects([self.labels], scored=False)
        whole = (objects.types == "car") & (objects.occluded == 0) & (objects.truncated == 0)
        return objects.boxes[objects.types != "dontcare"], objects.boxes[whole]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where the frames lie, and where pictures go."""
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--kitti-raw", type=Path, metavar="DIR", help="root of KITTI raw, with velodyne_points")
    place.add_argument("--kitti-object", type=Path, metavar="DIR", help="the object benchmark, with training/")
    parser.add_argument("--frames", type=Path, metavar="F", help="csv of frames of KITTI raw: date,drive,camera,frame")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="folder of the pictures, made if need be")


def run(options: argparse.Namespace) -> Report:
    """Draw all frames; facts of each."""
    require_folders(options.kitti_raw, options.kitti_object)
    if options.frames is not None and options.kitti_raw is None:
        raise ValueError("--frames goes with --kitti-raw")
    scenes = _of_raw(options.kitti_raw, options.frames) if options.kitti_raw else _of_object(options.kitti_object)
    facts = {}
    for scene, calibration in scenes:
        facts[str(scene.name)] = _draw(scene, calibration, options.to)
    return Report("projection", facts, (f"pictures in {options.to}; look whether points and objects lie together",))


def _draw(scene: Scene, calibration: Calibration, to: Path) -> dict[str, float]:
    image, (boxes, cars) = scene.picture(), scene.boxes()
    depth = sparse_depth(read_scan(scene.scan), calibration, "camera z")
    try:
        drawn = scan_picture(image, depth, boxes)
    except ValueError as error:
        raise ValueError(f"{scene.image}: {error}") from None
    path = (to / scene.name).with_suffix(".png")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(".png", drawn[..., ::-1])[1].tobytes())
    seen = depth[depth > 0]
    found = {"pixels": len(seen), "nearest": float(seen.min(initial=np.inf)), "farthest": float(seen.max(initial=0))}
    return found | ({"cars": len(cars), "hit": hit(depth, cars)} if len(cars) else {})


def hit(depth: NDArray[np.floating], boxes: NDArray[np.floating]) -> float:
    """Share of the boxes (N, 4) whose inner half has a point of ``depth`` (H, W)."""
    found = []
    for left, top, right, bottom in boxes:
        x, y = INNER * (right - left), INNER * (bottom - top)
        rows = slice(max(int(top + y), 0), int(np.ceil(bottom - y)) + 1)
        found.append(bool(depth[rows, max(int(left + x), 0) : int(np.ceil(right - x)) + 1].any()))
    return float(np.mean(found))


def _of_raw(raw: Path, listed: Path | None) -> Iterator[tuple[Scene, Calibration]]:
    for frame in scanned_frames(raw) if listed is None else read_frames(listed):
        folder = raw / frame.date / frame.drive / frame.camera / "data"
        scene = Scene(frame.name, _image(folder / frame.frame), frame.scan(raw), None)
        yield scene, read_calibration(raw / frame.date, frame.camera)


def _of_object(root: Path) -> Iterator[tuple[Scene, Calibration]]:
    folder = root / "training"
    labels = sorted((folder / "label_2").glob("*.txt"))
    if not labels:
        raise ValueError(f"{folder}/label_2 has no label files; give the root of the object benchmark")
    for path in labels:
        image = _image(folder / "image_2" / path.stem)
        scene = Scene(Path(path.stem), image, folder / "velodyne" / f"{path.stem}.bin", path)
        yield scene, read_object_calibration(folder / "calib" / path.name, scene.picture().shape[:2])


def _image(stem: Path) -> Path:
    found = [path for ending in (".png", ".jpg") if (path := stem.with_name(stem.name + ending)).is_file()]
    if not found:
        raise ValueError(f"{stem}.png or .jpg is missing; the scan has no image")
    return found[0]
