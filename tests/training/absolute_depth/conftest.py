"""A simulated drive of four small frames, and KITTI raw with the depth that ``PrepareKittiDepth`` makes of it."""

from pathlib import Path

import cv2
import luigi
import numpy as np
import pytest

from pipeline import PrepareKittiDepth

SIZE = (40, 60)
DATE, DRIVE = "2011_09_26", "2011_09_26_drive_0001_sync"
OF_CAMERAS = "R_rect_00: 1 0 0 0 1 0 0 0 1\nS_rect_02: 60 40\nP_rect_02: 50 0 33 2 0 50 20 0.1 0 0 1 0.003\n"
OF_LIDAR = "R: 0 -1 0 0 0 -1 1 0 0\nT: 0.01 -0.07 -0.27\n"


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Brightness falls with depth; half of the pixels have no depth; the principal point is at column 33."""
    folder, rng = tmp_path_factory.mktemp("drives") / "street", np.random.default_rng(0)
    for name in ("image_2", "depth"):
        (folder / name).mkdir(parents=True)
    for number in range(4):
        metres = np.broadcast_to(np.geomspace(60, 4, SIZE[0])[:, None], SIZE) * rng.uniform(0.8, 1.25, (1, SIZE[1]))
        grey = np.clip(255 - 60 * np.log(metres) + rng.normal(0, 3, SIZE), 0, 255).astype(np.uint8)
        codes = np.where(rng.random(SIZE) < 0.5, metres * 256, 0).astype(np.uint16)
        cv2.imwrite(str(folder / "image_2" / f"{number:06d}.png"), np.dstack([grey] * 3))
        cv2.imwrite(str(folder / "depth" / f"{number:06d}.png"), codes)
    (folder / "calib.txt").write_text("P0: 50 0 33 0 0 50 20 0 0 0 1 0\nP2: 50 0 33 0 0 50 20 0 0 0 1 0\n")
    return folder


@pytest.fixture(scope="session")
def kitti(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``raw``, ``depth`` and the list ``frames.csv``: three frames, the second without a scan."""
    folder, rng = tmp_path_factory.mktemp("kitti"), np.random.default_rng(1)
    of_drive = folder / "raw" / DATE / DRIVE
    (of_drive / "image_02" / "data").mkdir(parents=True)
    (of_drive / "velodyne_points" / "data").mkdir(parents=True)
    (of_drive.parent / "calib_cam_to_cam.txt").write_text(OF_CAMERAS)
    (of_drive.parent / "calib_velo_to_cam.txt").write_text(OF_LIDAR)
    rows = ["date,drive,camera,frame"]
    for number in range(3):
        image = rng.integers(0, 256, (*SIZE, 3), np.uint8)
        cv2.imwrite(str(of_drive / "image_02" / "data" / f"{number:010d}.jpg"), image)
        scan = rng.uniform([1, -20, -3, 0], [80, 20, 3, 1], (400, 4)).astype(np.float32)
        if number != 1:
            (of_drive / "velodyne_points" / "data" / f"{number:010d}.bin").write_bytes(scan.tobytes())
        rows.append(f"{DATE},{DRIVE},image_02,{number:010d}")
    (folder / "frames.csv").write_text("\n".join(rows) + "\n")
    places = {"raw": str(folder / "raw"), "to": str(folder / "depth"), "lists": str(folder / "frames.csv")}
    task = PrepareKittiDepth(**places, missing_fraction=0.5)
    assert luigi.build([task], local_scheduler=True, log_level="CRITICAL")
    return folder
