"""Epipolar geometry of two frames without a calibrated camera: the line on which every still point must be found again.

The fundamental matrix F of the camera's motion is fitted to sparse matches. Every F splits as ``F = [e]x H`` with the
epipole e of frame 2 and a homography H, so that a still point at x = (x, y, 1) of frame 1 appears in frame 2 at

    x2 ~ H x + k e

where only the scalar k, its parallax, depends on depth (plane plus parallax; Sawhney 1994, Irani and Anandan 1996). Of
the homographies that belong to F the one nearest to the identity is taken. For the points of any plane in space k is a
linear function of x and y, whatever H is: inverse depth, up to such a function. Neither the focal length nor the
rotation needs to be known.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

SCALES_PX = (8.0, 4.0, 2.0, 1.0, 1.0, 1.0)
"""Distances from the line at which a match loses three quarters of its weight, one for each refit."""
ENOUGH = 0.8
"""Share of matches near their lines below which a fit is doubted and a random-sample search tried as well."""
NEAR_PX = 1.5
LEAST_SCALE = 0.05
"""Least homogeneous scale of a point, at which it would lie twenty times farther out: keeps points finite."""


class Epipolar(NamedTuple):
    """Where still points of one frame appear in another: ``x2 ~ H x + k e`` in normalised coordinates."""

    H: NDArray[np.float64]
    """(3, 3)"""
    e: NDArray[np.float64]
    """(3,), unit length: the epipole of the other frame."""
    scale: float
    """Pixels to one normalised unit: half the width."""
    cx: float
    """Pixel coordinates of the normalised origin, the image's centre."""
    cy: float


def fundamental_matrix(starts: NDArray[np.float64], ends: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """F (3, 3) with ``end^T F start = 0`` in pixels, and the share of matches within ``NEAR_PX`` of their line.

    ``starts``, ``ends``: (N, 2) pixels, N >= 8. Normalised eight-point fit (Hartley 1997), reweighted by Sampson
    distance with a shrinking scale; where that leaves many matches far from their lines, random samples give another
    start, and the better fit counts.
    """
    F = _reweighted(starts, ends, None)
    near = _near(F, starts, ends)
    if near < ENOUGH:
        sampled, _ = cv2.findFundamentalMat(starts, ends, cv2.USAC_MAGSAC, 1.0, 0.999, 2000)
        if sampled is not None and sampled.shape == (3, 3):
            again = _reweighted(starts, ends, sampled)
            near, F = max([(near, F), (_near(again, starts, ends), again)], key=lambda fit: fit[0])
    return F, near


def _reweighted(
    starts: NDArray[np.float64], ends: NDArray[np.float64], F: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    centre = starts.mean(0)
    scale = max(float(np.abs(starts - centre).mean()), 1e-9)
    to_pixels = np.array([[scale, 0, centre[0]], [0, scale, centre[1]], [0, 0, 1]])
    a, b = (starts - centre) / scale, (ends - centre) / scale
    ones = np.ones(len(a))
    x1, x2 = np.stack([*a.T, ones], 1), np.stack([*b.T, ones], 1)
    rows = (x2[:, :, None] * x1[:, None, :]).reshape(-1, 9)
    G = None if F is None else to_pixels.T @ F @ to_pixels
    for limit in SCALES_PX:
        weights = ones if G is None else _weights(G, x1, x2, limit / scale)
        _, vectors = np.linalg.eigh(rows.T @ (rows * weights[:, None]))
        U, values, Vt = np.linalg.svd(vectors[:, 0].reshape(3, 3))
        G = U @ np.diag([values[0], values[1], 0.0]) @ Vt
    from_pixels = np.linalg.inv(to_pixels)
    assert G is not None
    return from_pixels.T @ G @ from_pixels


def _weights(
    G: NDArray[np.float64], x1: NDArray[np.float64], x2: NDArray[np.float64], scale: float
) -> NDArray[np.float64]:
    """Weights of the algebraic residuals that make them Sampson distances, robustly (Geman-McClure)."""
    lines2, lines1 = x1 @ G.T, x2 @ G
    gradient2 = (lines2[:, :2] ** 2).sum(1) + (lines1[:, :2] ** 2).sum(1) + 1e-30
    distance2 = (x2 * lines2).sum(1) ** 2 / gradient2
    return 1 / (gradient2 * (1 + distance2 / scale**2) ** 2)


def _near(F: NDArray[np.float64], starts: NDArray[np.float64], ends: NDArray[np.float64]) -> float:
    lines = np.c_[starts, np.ones(len(starts))] @ F.T
    distance = np.abs((lines[:, :2] * ends).sum(1) + lines[:, 2]) / (np.hypot(lines[:, 0], lines[:, 1]) + 1e-30)
    return float(np.count_nonzero(distance < NEAR_PX) / max(len(starts), 1))


def split(F: NDArray[np.float64], height: int, width: int) -> Epipolar:
    """The plane-plus-parallax form of F; for the way back, from frame 2 to frame 1, give ``F.T``."""
    scale, cx, cy = width / 2, (width - 1) / 2, (height - 1) / 2
    to_pixels = np.array([[scale, 0, cx], [0, scale, cy], [0, 0, 1]])
    G = to_pixels.T @ F @ to_pixels
    e = np.linalg.svd(G)[0][:, 2]
    e = -e if e[2] < 0 else e
    # [e]x [e]x = e e^T - 1: what [e]x G knows of H is all but its component along e, which is free
    known = -np.cross(np.eye(3), e) @ G
    wanted = np.eye(3) - np.outer(e, e)
    size = (known * wanted).sum() / max((known * known).sum(), 1e-30)
    return Epipolar(np.ascontiguousarray(size * known + np.outer(e, e)), np.ascontiguousarray(e), scale, cx, cy)


@njit(inline="always")
def on_plane(line, x, y):  # type: ignore[no-untyped-def]
    """``H x`` of a pixel, three homogeneous coordinates."""
    X, Y, H = (x - line.cx) / line.scale, (y - line.cy) / line.scale, line.H
    a = H[0, 0] * X + H[0, 1] * Y + H[0, 2]
    b = H[1, 0] * X + H[1, 1] * Y + H[1, 2]
    return a, b, H[2, 0] * X + H[2, 1] * Y + H[2, 2]


@njit(inline="always")
def point_at(line, plane, k):  # type: ignore[no-untyped-def]
    """Pixel (x, y) of the other frame with parallax ``k``; ``plane`` is ``on_plane`` of the pixel of this one."""
    z = max(plane[2] + k * line.e[2], LEAST_SCALE)
    x = (plane[0] + k * line.e[0]) / z * line.scale + line.cx
    return x, (plane[1] + k * line.e[1]) / z * line.scale + line.cy


@njit(inline="always")
def parallax_at(line, plane, x2, y2):  # type: ignore[no-untyped-def]
    """(k, px by which the point moves for one unit of k, px off the line) of a pixel (x2, y2) of the other frame."""
    X, Y, e = (x2 - line.cx) / line.scale, (y2 - line.cy) / line.scale, line.e
    gx, gy = e[0] - X * e[2], e[1] - Y * e[2]
    rx, ry = X * plane[2] - plane[0], Y * plane[2] - plane[1]
    length2 = gx * gx + gy * gy + 1e-12
    k = (gx * rx + gy * ry) / length2
    z = max(plane[2] + k * e[2], LEAST_SCALE)
    length = np.sqrt(length2)
    return k, length / z * line.scale, (gx * ry - gy * rx) / (length * z) * line.scale


@njit(cache=True, nogil=True, error_model="numpy")
def parallaxes(displacements: NDArray[np.float32], step: int, x0: int, y0: int, line: Epipolar) -> NDArray[np.float64]:
    """(k, px per unit of k, px off the line) of each seed of a grid, (rows, columns, 3)."""
    rows, columns = displacements.shape[:2]
    result = np.empty((rows, columns, 3))
    for j in range(rows):
        for i in range(columns):
            x, y = float(x0 + i * step), float(y0 + j * step)
            plane = on_plane(line, x, y)
            k, gain, off = parallax_at(line, plane, x + displacements[j, i, 0], y + displacements[j, i, 1])
            result[j, i, 0], result[j, i, 1], result[j, i, 2] = k, gain, off
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def normals(flow: NDArray[np.float32], free: NDArray[np.bool_], line: Epipolar, weight: float) -> NDArray[np.float32]:
    """Unit normal of the line that each pixel's end point lies on, times ``weight``; zero where ``free``.

    ``flow``: (H, W, 2) px; ``free``: (H, W). Returns (H, 2, W) float32. The normal fades at the epipole, where every
    direction is one of depth.
    """
    height, width = free.shape
    result = np.zeros((height, 2, width), np.float32)
    unit = np.float32(1 / line.scale)
    cx, cy = np.float32(line.cx), np.float32(line.cy)
    ex, ey, ez, factor = np.float32(line.e[0]), np.float32(line.e[1]), np.float32(line.e[2]), np.float32(weight)
    for y in range(height):
        for x in range(width):
            if free[y, x]:
                continue
            gx = ex - (np.float32(x) + flow[y, x, 0] - cx) * unit * ez
            gy = ey - (np.float32(y) + flow[y, x, 1] - cy) * unit * ez
            scale = factor / np.sqrt(gx * gx + gy * gy + np.float32(1e-4))
            result[y, 0, x], result[y, 1, x] = -gy * scale, gx * scale
    return result
