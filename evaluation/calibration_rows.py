"""Rows of KITTI's calibration files: a name, a colon, numbers."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def read_rows(path: Path) -> dict[str, str]:
    """What follows each name. Raises ``ValueError`` where there is no such file."""
    if not path.is_file():
        raise ValueError(f"{path} is missing; give the calibration as KITTI has it")
    pairs = (line.partition(":") for line in path.read_text(errors="replace").splitlines())
    return {name.strip(): words for name, _, words in pairs}


def numbers(rows: dict[str, str], name: str, count: int, path: Path) -> NDArray[np.float64]:
    """The ``count`` numbers of a row. Raises ``ValueError`` that names file and row where they are not that."""
    if name not in rows:
        raise ValueError(f"{path} has no row {name}:")
    try:
        found = np.array([float(word) for word in rows[name].split()])
    except ValueError as error:
        raise ValueError(f"{path}, row {name}: {error}") from None
    if len(found) != count or not np.isfinite(found).all():
        raise ValueError(f"{path}, row {name}: expected {count} finite numbers, found {len(found)}")
    return found
