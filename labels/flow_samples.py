"""Samples of a flow field, to which the motion of the camera is fitted (LABELS section 7.2)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labels.egomotion_parameters import EgomotionParameters
from labels.flow import CONSISTENT, INSIDE, TEXTURED
from labels.photometric_samples import PhotometricNoise, measured


@dataclass(frozen=True)
class Samples:
    """Flow samples in normalised coordinates: start, end, flow and 1 / sigma, all (N,) ``float64``."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    u: NDArray[np.float64]
    v: NDArray[np.float64]
    inverse_sigma: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.x)

    def thin(self, most: int) -> "Samples":
        """At most so many of them, spread evenly."""
        if len(self) <= most:
            return self
        chosen = np.linspace(0, len(self) - 1, most).astype(np.int64)
        return Samples(*(np.ascontiguousarray(a[chosen]) for a in (self.x, self.y, self.u, self.v, self.inverse_sigma)))


def sample(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    focal: float,
    principal_point: tuple[float, float],
    parameters: EgomotionParameters,
    usable: NDArray[np.bool_] | None = None,
) -> Samples:
    """Consistent, textured flow on a grid (LABELS 7.2). Small flow stays: far points carry the rotation."""
    needed = CONSISTENT | INSIDE | TEXTURED
    rows, columns = _places(support, needed, parameters.sample_step_px, parameters.max_samples, usable)
    vectors = flow[rows, columns].astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    rows, columns, vectors = rows[finite], columns[finite], vectors[finite]
    length = np.hypot(vectors[:, 0], vectors[:, 1])
    sigma = deviation(length, support.shape[1], parameters)
    return _normalised(columns, rows, vectors, sigma, focal, principal_point)


def deviation(length: NDArray[np.float64], width: int, parameters: EgomotionParameters) -> NDArray[np.float64]:
    """Standard deviation in pixels of flow of a length in pixels, in an image of that width (LABELS 7.1)."""
    return np.hypot(parameters.noise_floor_px * width / 640, parameters.noise_relative * length)


def _places(
    support: NDArray[np.uint8], needed: int, step_px: float, most: int, usable: NDArray[np.bool_] | None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of a grid, step in working pixels, where the ``needed`` bits are set."""
    height, width = support.shape
    step, border = max(1, round(step_px * width / 640)), max(4, round(8 * width / 640))
    grid = np.s_[border : height - border : step, border : width - border : step]
    keep = support[grid] & needed == needed
    if usable is not None:
        keep &= usable[grid]
    rows, columns = np.nonzero(keep)
    if len(rows) > most:
        chosen = np.linspace(0, len(rows) - 1, most).astype(np.int64)
        rows, columns = rows[chosen], columns[chosen]
    return border + step * rows, border + step * columns


def _normalised(
    columns: NDArray[np.int64],
    rows: NDArray[np.int64],
    vectors: NDArray[np.float64],
    sigma: NDArray[np.float64],
    focal: float,
    principal_point: tuple[float, float],
) -> Samples:
    return Samples(
        (columns.astype(np.float64) - principal_point[0]) / focal,
        (rows.astype(np.float64) - principal_point[1]) / focal,
        vectors[:, 0] / focal,
        vectors[:, 1] / focal,
        focal / sigma,
    )


def measured_anew(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    grey: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    T: NDArray[np.float64],
    focal: float,
    principal_point: tuple[float, float],
    parameters: EgomotionParameters,
    usable: NDArray[np.bool_] | None = None,
) -> Samples:
    """Consistent flow on a grid, corrected by what the two ``grey`` frames, (H, W), say at each place.

    Their sigma is that across the direction of depth when the camera moves along ``T``; places without contrast across
    it, or where the flow is off by much, are left out. Asphalt, poor in texture as it is, tells the heading well.
    """
    unit = support.shape[1] / 640
    most, step = parameters.photometric_samples, parameters.sample_step_px
    rows, columns = _places(support, CONSISTENT | INSIDE, step, most, usable)
    noise = PhotometricNoise(
        grey=parameters.photometric_grey,
        floor_px=parameters.photometric_floor_px * unit,
        relative=0.0,  # what grows with the flow, such as a window's shear, is in the flow that is corrected
        reach_px=parameters.photometric_reach_px * unit,
        most_px=unit,
    )
    focus = focal * T[0] + principal_point[0] * T[2], focal * T[1] + principal_point[1] * T[2], T[2]
    kept, vectors, sigma = measured(grey, flow, (columns, rows), focus, noise)
    return _normalised(columns[kept], rows[kept], vectors, sigma, focal, principal_point)


def derotated(samples: Samples, R: NDArray[np.float64]) -> NDArray[np.float64]:
    """Translational flow (N, 2) of samples: the exact finite model of LABELS 1.2, normalised."""
    ends = R @ np.stack([samples.x + samples.u, samples.y + samples.v, np.ones_like(samples.x)])
    return np.stack([ends[0] / ends[2] - samples.x, ends[1] / ends[2] - samples.y], 1)


def epipolar_directions(samples: Samples, T: NDArray[np.float64]) -> NDArray[np.float64]:
    """Translational flow (N, 2) of points at depth 1, normalised: it points away from the focus of expansion."""
    return np.stack([samples.x * T[2] - T[0], samples.y * T[2] - T[1]], 1)
