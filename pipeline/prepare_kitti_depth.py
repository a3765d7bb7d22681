"""PrepareKittiDepth: sparse depth images of KITTI's raw recordings, made of their LiDAR scans once."""

import hashlib
import json
import sys
from functools import lru_cache
from typing import Any

import cv2
import luigi
import numpy as np
from numpy.typing import NDArray

from labels.lidar import project
from pipeline.errors import UserError
from pipeline.kitti_raw import Calibration, Camera, read_calibration, read_lists, read_scan
from pipeline.parameters import fingerprint
from pipeline.storage import FsspecTarget, join

SCALE = 256
"""Codes a metre, as KITTI's own depth images have them."""
FARTHEST = (2**16 - 1) / SCALE
AXES = ("forward_x", "camera_z")


class KittiDepthTask(luigi.Task):
    """What both tasks are named by."""

    raw = luigi.Parameter(description="folder or URL of KITTI raw: it holds 2011_09_26/ and the other dates")
    to = luigi.Parameter(description="folder or URL of the depth images")
    lists = luigi.Parameter(
        description="CSV lists of frames, separated by commas, such as data_manifests/kitti_eigen_train.csv"
    )
    axis = luigi.ChoiceParameter(
        choices=AXES,
        default="forward_x",
        description="what depth is: the LiDAR's forward axis, as monodepth and all compared with it score, or the "
        "camera's",
    )

    @property
    def folder(self) -> str:
        """The folder of this axis."""
        return join(self.to, self.axis)

    @property
    def cameras(self) -> dict[Camera, list[str]]:
        """The listed frames."""
        return _listed(self.lists)


@lru_cache(maxsize=1)
def _listed(lists: str) -> dict[Camera, list[str]]:
    """The frames of lists separated by commas; read once, and not anew by the task of each camera."""
    return read_lists(url for url in lists.split(",") if url)


class PrepareKittiDepth(KittiDepthTask):
    """Writes ``TO/AXIS/DATE/DRIVE/CAMERA/FRAME.png`` for every listed frame: uint16, metres x 256, 0 = no point.

    Frames without a scan get none; they are counted, and too many of them end the task. Last comes ``prepared-*.json``
    with the counts of all drives.
    """

    missing_fraction = luigi.FloatParameter(
        default=0.01, description="share of the frames that may have no scan; four of KITTI's own are lost"
    )

    retry_count = 1

    def requires(self) -> list["PrepareDriveDepth"]:
        """A task for each camera of each drive."""
        return [
            PrepareDriveDepth(
                raw=self.raw, to=self.to, lists=self.lists, axis=self.axis,
                date=camera.date, drive=camera.drive, camera=camera.camera,
            )
            for camera in self.cameras
        ]  # fmt: skip

    def output(self) -> FsspecTarget:
        """The record of the whole."""
        listed = [[vars(camera), frames] for camera, frames in self.cameras.items()]
        return FsspecTarget(self.folder, f"prepared-{fingerprint(listed)}.json")

    def run(self) -> None:
        """Add the records of the drives up. Raises ``UserError`` where too many scans are missing."""
        records = [json.loads(task.output().read()) for task in self.requires()]
        lost = [f"{r['drive']}/{r['camera']}/{frame}" for r in records for frame in r["without_scan"]]
        frames = sum(r["frames"] for r in records)
        if len(lost) > self.missing_fraction * frames:
            raise UserError(
                f"{len(lost)} of {frames} frames have no scan below {self.raw}, the first {lost[0]}: fetch "
                "velodyne_points of these drives and remove their prepared-*.json, or allow more with "
                "--missing-fraction"
            )
        total = {"axis": self.axis, "drives": len(records), "frames": frames, "without_scan": lost}
        digest = hashlib.sha256("".join(r["sha256"] for r in records).encode()).hexdigest()
        self.output().write(_json(total | {"sha256": digest}))
        print(
            f"{frames - len(lost)} depth images below {self.folder}; {len(lost)} frames have no scan", file=sys.stderr
        )


class PrepareDriveDepth(KittiDepthTask):
    """The depth images of one camera on one drive; those that are there already stay.

    The record beside them, ``prepared-*.json``, has the camera's size, focal length and principal point, the frames
    without a scan, and a digest over all images in order.
    """

    date, drive, camera = luigi.Parameter(), luigi.Parameter(), luigi.Parameter()

    retry_count = 1

    @property
    def of(self) -> Camera:
        """Which camera."""
        return Camera(self.date, self.drive, self.camera)

    @property
    def frames(self) -> list[str]:
        """The listed frames."""
        return self.cameras[self.of]

    def output(self) -> FsspecTarget:
        """The record, written last."""
        name = f"{self.date}/{self.drive}/{self.camera}/prepared-{fingerprint(self.frames)}.json"
        return FsspecTarget(self.folder, name)

    def run(self) -> None:
        """Make what is missing."""
        calibration = read_calibration(self.raw, self.of)
        without, digest = [], hashlib.sha256()
        for frame in self.frames:
            image = self._image(frame, calibration)
            if image is None:
                without.append(frame)
            else:
                digest.update(image)
        record: dict[str, Any] = {**vars(self.of), "axis": self.axis, "frames": len(self.frames)}
        record |= {"size": calibration.size, "focal_px": calibration.focal, "without_scan": without}
        record |= {"principal_point": calibration.principal_point, "sha256": digest.hexdigest()}
        self.output().write(_json(record))

    def _image(self, frame: str, calibration: Calibration) -> bytes | None:
        """The PNG of a frame, written if it is new; None where there is no scan."""
        target = FsspecTarget(self.folder, f"{self.date}/{self.drive}/{self.camera}/{frame}.png")
        if target.exists():
            return target.read()
        scan = read_scan(self.raw, self.of, frame)
        if scan is None:
            return None
        encoded = encode(depth_of(scan, calibration, self.axis))
        target.write(encoded)
        return encoded


def depth_of(scan: NDArray[np.float32], calibration: Calibration, axis: str) -> NDArray[np.float64]:
    """Sparse depth (H, W) in metres of a scan (N, 4)."""
    points = scan[:, :3].astype(np.float64)
    camera_z = points @ calibration.projection[2, :3] + calibration.projection[2, 3]
    depth = points[:, 0] if axis == "forward_x" else camera_z
    return project(points, depth, calibration.projection, calibration.size)


def encode(metres: NDArray[np.float64]) -> bytes:
    """A 16-bit PNG of metres x 256; what the code cannot hold is 0, as what is not known."""
    codes = np.rint(np.where(metres <= FARTHEST, metres, 0) * SCALE).astype(np.uint16)
    encoded, data = cv2.imencode(".png", codes)
    assert encoded, f"{codes.shape} is no image"
    return bytes(data.tobytes())


def _json(record: dict[str, Any]) -> bytes:
    return (json.dumps(record, indent=1, sort_keys=True) + "\n").encode()
