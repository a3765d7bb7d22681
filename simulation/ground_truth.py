"""Writing a drive and all that is known about it as a folder in KITTI's formats, always with the same bytes.

The layout is that of KITTI's odometry sequences with depth, mask and flow beside them, which the benchmarks read, plus
classes and object labels. ``README.md`` in the folder says what each file is.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simulation.drive import Frame, render
from simulation.effects import make_overlay
from simulation.ground_truth_readme import readme
from simulation.parameters import DriveParameters
from simulation.video import decode, encode

FOLDERS = ("image_2", "depth", "mask", "flow", "classes", "label_2")
VISIBLE, RELIABLE, MOVING = 1, 2, 4
"""Bits of the mask: depth is known and the next frame shows the point; depth is known; the point moves in the world."""
DEPTH_SCALE, FARTHEST = 256, 255.0
"""Codes a metre of the depth images, and metres beyond which they are 0."""
FLOW_SCALE, FLOW_ZERO = 64, 2**15
"""Codes a pixel of the flow images, and the code of no motion, as KITTI has them."""
PAIR_COLUMNS = ("frame", *(f"R{row}{column}" for row in range(3) for column in range(3)), "tx", "ty", "tz")


def write_ground_truth(
    folder: str | Path, parameters: DriveParameters, progress: Callable[[int], None] | None = None
) -> None:
    """Render the drive into ``folder``, which must not exist; the name appears when everything in it is written.

    ``progress`` is called with the number of frames done. Raises ``ValueError`` if the folder exists or cannot be
    written.
    """
    folder = Path(folder)
    if folder.exists():
        raise ValueError(f"cannot write ground truth to {folder}: it exists; name a new folder or remove it first")
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        for name in FOLDERS:
            (temporary / name).mkdir(parents=True)
        fill(temporary, parameters, progress)
        synchronise(temporary)
        temporary.rename(folder)
    except OSError as error:
        raise ValueError(f"cannot write ground truth to {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def fill(folder: Path, parameters: DriveParameters, progress: Callable[[int], None] | None) -> None:
    """Write everything into the existing folders."""
    frames: list[Frame] = []
    compressed = parameters.crf is not None
    encode(folder / "video.mp4", images_of(folder, parameters, frames, not compressed), parameters, progress)
    if compressed:
        for index, image in enumerate(decode(folder / "video.mp4")):
            write_image(folder / "image_2" / f"{index:06d}.png", image[..., ::-1])
    K, cuts = frames[0].K, [index for index, frame in enumerate(frames[:-1]) if frame.cut]
    row = " ".join(f"{number:.12e}" for number in np.column_stack([K, np.zeros(3)]).ravel())
    # one camera under the names of the left grey and the left colour camera
    write_text(folder / "calib.txt", [f"P0: {row}", f"P2: {row}"])
    write_text(folder / "poses.txt", [" ".join(f"{x:.12e}" for x in frame.pose[:3].ravel()) for frame in frames])
    write_text(folder / "times.txt", [f"{frame.time_s:.6e}" for frame in frames])
    rows = [pair_row(index, frame) for index, frame in enumerate(frames[:-1])]
    write_text(folder / "pairs.csv", [",".join(PAIR_COLUMNS), *rows])
    write_image(folder / "fixed.png", fixed_regions(parameters))
    write_text(folder / "README.md", readme(parameters, cuts))


def fixed_regions(parameters: DriveParameters) -> NDArray[np.uint8]:
    """(H, W): 255 on bonnet, date stamp, bars, and logo with what it encircles; else 0."""
    covered = make_overlay(parameters).covered.astype(np.uint8)
    outlines, _ = cv2.findContours(covered, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(np.zeros_like(covered), outlines, -1, 255, cv2.FILLED)


def images_of(
    folder: Path, parameters: DriveParameters, frames: list[Frame], keep: bool
) -> Iterator[NDArray[np.uint8]]:
    """The images in order; on the way the truth about each frame is written, and the image too if ``keep``.

    ``frames`` collects what the text files need of every frame.
    """
    nothing = {name: np.empty(0) for name in ("image", "depth", "flow", "visible", "moving", "classes")}
    for index, frame in enumerate(render(parameters)):
        name = f"{index:06d}"
        if keep:
            write_image(folder / "image_2" / f"{name}.png", frame.image[..., ::-1])
        write_image(folder / "depth" / f"{name}.png", depth_codes(frame.depth))
        write_image(folder / "mask" / f"{name}.png", mask_bits(frame))
        write_image(folder / "classes" / f"{name}.png", frame.classes)
        if index + 1 < parameters.frames:
            write_image(folder / "flow" / f"{name}.png", flow_codes(frame.flow)[..., ::-1])
        write_text(folder / "label_2" / f"{name}.txt", [box.line() for box in frame.boxes])
        frames.append(replace(frame, boxes=(), **nothing))  # type: ignore[arg-type]
        yield frame.image


def depth_codes(depth: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(H, W) metres x 256; 0 = burnt in, sky, or beyond 255 m."""
    return np.where(depth <= FARTHEST, depth * DEPTH_SCALE + 0.5, 0).astype(np.uint16)


def mask_bits(frame: Frame) -> NDArray[np.uint8]:
    """(H, W) of VISIBLE, RELIABLE and MOVING."""
    reliable = depth_codes(frame.depth) > 0
    bits = VISIBLE * (reliable & frame.visible) + RELIABLE * reliable + MOVING * frame.moving
    return bits.astype(np.uint8)


def flow_codes(flow: NDArray[np.float32]) -> NDArray[np.uint16]:
    """(H, W, 3): u x 64 + 2^15, v x 64 + 2^15, and 1; all 0 where the flow is NaN or too long for the code."""
    codes = np.rint(flow.astype(np.float64) * FLOW_SCALE) + FLOW_ZERO
    known = ((codes >= 0) & (codes < 2**16)).all(-1, keepdims=True)
    return np.concatenate([np.where(known, codes, 0), known], -1).astype(np.uint16)


def pair_row(index: int, frame: Frame) -> str:
    """The motion to the next frame as ``X2 = R X1 + t``: the inverse of the camera's own."""
    R, t = frame.R.T, -frame.R.T @ frame.T
    return ",".join([str(index), *(f"{number:.12e}" for number in [*R.ravel(), *t])])


def write_image(path: Path, image: NDArray) -> None:
    """Write a PNG; colour is BGR. Raises ``OSError``."""
    encoded, data = cv2.imencode(".png", np.ascontiguousarray(image))
    assert encoded, f"{path}: {image.shape} {image.dtype} is no image"
    path.write_bytes(data.tobytes())


def write_text(path: Path, lines: list[str]) -> None:
    """Write lines, each with its end. Raises ``OSError``."""
    path.write_text("".join(line + "\n" for line in lines))


def synchronise(folder: Path) -> None:
    """Bring everything in the folder to the disk."""
    for path in [*folder.rglob("*"), folder]:
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
