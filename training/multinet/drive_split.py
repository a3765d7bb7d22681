"""A split of KITTI's object benchmark by drives, since neighbouring frames of one drive are nearly the same picture.

The benchmark's own frames are shuffled over drives; the published split, first 7,000 and last 481, therefore shows the
network in training what it is tested on. Which frame is from where is in the development kit: ``mapping/
train_mapping.txt``, a line ``DATE DRIVE FRAME`` each, and ``mapping/train_rand.txt``, for each frame the number of its
line, from 1.
"""

from pathlib import Path

from training.frame_files import FrameError
from training.shard_order import random_bits

WANTED = 481
"""Frames for validation, at least: as many as the published split has."""


def drive_split(mapping: Path, wanted: int = WANTED) -> tuple[list[str], list[str]]:
    """Names of the frames for training and for validation, by the devkit's ``mapping`` folder.

    Whole drives go to validation, in an order that does not follow their dates, until there are ``wanted`` frames.
    Raises ``FrameError`` where the files do not say which frame is from where.
    """
    drives = _drives(mapping)
    frames: dict[str, list[str]] = {}
    for number, drive in enumerate(drives):
        frames.setdefault(drive, []).append(f"{number:06d}")
    names = sorted(frames)
    order = sorted(range(len(names)), key=lambda place: int(random_bits(0, place)[0]))
    validation: list[str] = []
    for place in order:
        if len(validation) >= wanted:
            break
        validation += frames.pop(names[place])
    if not frames:
        raise FrameError(f"{mapping}: {len(drives)} frames of {len(names)} drives leave none for training")
    return sorted(frame for own in frames.values() for frame in own), sorted(validation)


def _drives(mapping: Path) -> list[str]:
    """The drive of each frame."""
    try:
        lines = [line.split() for line in (mapping / "train_mapping.txt").read_text().splitlines() if line.strip()]
        order = [int(word) for word in (mapping / "train_rand.txt").read_text().replace(",", " ").split()]
    except (OSError, ValueError) as error:
        raise FrameError(
            f"{mapping} is no mapping folder of KITTI's object development kit (train_mapping.txt, train_rand.txt): "
            f"{error}"
        ) from None
    if len(order) > len(lines) or not all(
        1 <= number <= len(lines) and len(lines[number - 1]) == 3 for number in order
    ):
        raise FrameError(f"{mapping}: train_rand.txt does not number the lines DATE DRIVE FRAME of train_mapping.txt")
    return [lines[number - 1][1] for number in order]
