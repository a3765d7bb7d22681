"""Things that move, whole: what follows a thing's own motion is part of it, and so is what lies inside.

Flow that is measured at a lead car's lamps is guessed on its body, mostly from the still scene around, and with it the
body would stand still. So the motion of the parts that were found is tried on the pixels around: where the two frames
agree better under it than under the flow, the pixel moves; where they agree as well, it does not say that it stands.
What then lies between parts of a thing, and says nothing, is filled (``labels.enclosed``).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.enclosed import enclosed
from labels.regions import labelled, square

Part = tuple[slice, slice]
"""Rows and columns of a part of the frame."""
Frame = tuple[float, float, float]
"""Column and row of a middle, and an extent, by which places are told, px."""
Details = tuple[NDArray[np.float32], NDArray[np.float32]]
"""What both frames of a pair show, (H, W), see ``detail``."""


@dataclass(frozen=True)
class ThingParameters:
    """How a thing is completed; lengths in pixels at a working width of 640."""

    gap_px: float = 25.0  # parts nearer to each other than this are one thing
    max_width: float = 0.5  # of the frame: what is wider is no thing, but flow that fails
    least_pixels: int = 40  # telling pixels from which a thing's motion is fitted
    reach: float = 0.5  # how far around a thing its motion is tried: of its longer side,
    max_reach_px: float = 40.0  # and at most
    detail_px: float = 15.0  # what changes more slowly than this over the frame is not compared
    window_px: float = 5.0  # side of the box over which two frames are compared
    max_grey: float = 30.0  # grey levels beyond this count as this: what one frame hides
    better_grey: float = 4.0  # by so much less must the frames differ for a pixel to follow the thing
    alike_grey: float = 1.0  # and by no more than so much more, for it not to say that it stands
    join_px: float = 5.0  # what follows a thing is not farther from it than this
    rays: int = 4  # of eight that must meet what moves: a straight edge is met by three
    ray_px: float = 100.0  # and how far they look


def completed(
    moving: NDArray[np.bool_],
    still: NDArray[np.bool_],
    telling: NDArray[np.bool_],
    flow: NDArray[np.float32],
    images: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None,
    parameters: ThingParameters | None = None,
) -> NDArray[np.bool_]:
    """``moving`` (H, W) with the rest of each thing.

    ``still`` (H, W) is where pixels say firmly that they stand still, ``telling`` (H, W) where the flow (H, W, 2)
    itself says that it moves, ``images`` the frames, without which only what lies inside is added.
    """
    parameters = parameters or ThingParameters()
    if not moving.any():
        return moving
    unit = moving.shape[1] / 640
    moving, still = moving.copy(), still.copy()
    if images is not None:
        details = detail(images[0], parameters, unit), detail(images[1], parameters, unit)
        regions, things = _things(moving, parameters, unit)
        for number, extent in things:
            part = _around(extent, parameters, unit, moving.shape)
            seen = (regions[part] == number) & moving[part]
            source = seen & telling[part]
            if np.count_nonzero(source) >= parameters.least_pixels * unit**2:
                follows, alike = _tried(part, seen, source, flow, details, parameters, unit)
                moving[part] |= follows
                still[part] &= ~alike
    extents = np.zeros_like(moving)
    for _, extent in _things(moving, parameters, unit)[1]:
        extents[_around(extent, parameters, unit, moving.shape)] = True
    inside = enclosed(moving, still, parameters.rays, parameters.ray_px * unit, max(1, round(2 * unit)))
    return moving | (inside & extents)


def _things(
    moving: NDArray[np.bool_], parameters: ThingParameters, unit: float
) -> tuple[NDArray[np.int32], list[tuple[int, Part]]]:
    """Which thing each pixel is of, the gaps between its parts included, (H, W); each one's number and rectangle."""
    joined = cv2.morphologyEx(moving.view(np.uint8), cv2.MORPH_CLOSE, square(parameters.gap_px * unit))
    regions, statistics = labelled(joined.view(np.bool_), connectivity=8)
    things = []
    for number, (left, top, wide, high, _) in enumerate(statistics.tolist()[1:], 1):
        if wide <= parameters.max_width * moving.shape[1]:
            things.append((number, (slice(top, top + high), slice(left, left + wide))))
    return regions, things


def _around(extent: Part, parameters: ThingParameters, unit: float, shape: tuple[int, ...]) -> Part:
    """Where a thing's motion is tried."""
    longer = max(side.stop - side.start for side in extent)
    reach = round(min(parameters.reach * longer, parameters.max_reach_px * unit))
    rows, columns = (slice(max(s.start - reach, 0), min(s.stop + reach, n)) for s, n in zip(extent, shape))
    return rows, columns


def _tried(
    part: Part, thing: NDArray[np.bool_], source: NDArray[np.bool_], flow: NDArray[np.float32], details: Details,
    parameters: ThingParameters, unit: float,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:  # fmt: skip
    """Pixels of the part that follow the thing's motion, and those that might; the latter within its extent."""
    own = difference(details, part, flow[part], parameters, unit)
    other = difference(details, part, affine_flow(flow[part], source), parameters, unit)
    follows = thing | (own - other > parameters.better_grey)
    joined = cv2.morphologyEx(follows.view(np.uint8), cv2.MORPH_CLOSE, square(parameters.join_px * unit))
    regions, statistics = labelled(joined.view(np.bool_), connectivity=8)
    touching = np.zeros(len(statistics), np.bool_)
    touching[regions[thing]] = True
    follows &= touching[regions]
    alike = other < own + parameters.alike_grey
    return follows, follows | (alike & _extent(follows))


def affine_flow(
    flow: NDArray[np.float32], source: NDArray[np.bool_], scale_px: float = 0.7, stiffness: float = 0.02
) -> NDArray[np.float32]:
    """The flow (H, W, 2), affine over the part, that most of the pixels of ``source`` (H, W) have.

    Iteratively reweighted least squares with Geman-McClure weights of ``scale_px``. ``stiffness`` holds the gradients
    back: few pixels in a row tell nothing of what is across.
    """
    x, y, us, vs, (x0, y0, size) = _vectors(flow, source)
    distance2 = (us - np.median(us)) ** 2 + (vs - np.median(vs)) ** 2
    weight = 1 / (1 + distance2 / (3 * scale_px) ** 2)
    held = np.diag([1e-6, stiffness, stiffness])
    for _ in range(4):
        A, b = _normal_equations(x, y, us, vs, weight)
        model = np.linalg.solve(A + held * A[0, 0], b)
        _reweigh(x, y, us, vs, model, scale_px**2, weight)
    result = np.empty((*source.shape, 2), np.float32)
    _affine((np.arange(source.shape[1]) - x0) / size, (np.arange(source.shape[0]) - y0) / size, model, result)
    return result


@njit(cache=True, nogil=True, error_model="numpy")
def _vectors(
    flow: NDArray[np.float32], source: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], Frame]:
    """x, y, u, v (N,) of the pixels of ``source``, places from their middle in their longer extent; both of these."""
    total = np.count_nonzero(source)
    xs, ys, us, vs = np.empty(total), np.empty(total), np.empty(total), np.empty(total)
    n, sum_x, sum_y = 0, 0, 0
    for row in range(source.shape[0]):
        for column in range(source.shape[1]):
            if source[row, column]:
                xs[n], ys[n], us[n], vs[n] = column, row, flow[row, column, 0], flow[row, column, 1]
                n, sum_x, sum_y = n + 1, sum_x + column, sum_y + row
    x0, y0, size = sum_x / n, sum_y / n, max(xs.max() - xs.min(), ys.max() - ys.min(), 1.0)
    return (xs - x0) / size, (ys - y0) / size, us, vs, (x0, y0, size)


@njit(cache=True, nogil=True, error_model="numpy")
def _affine(
    x: NDArray[np.float64], y: NDArray[np.float64], model: NDArray[np.float64], result: NDArray[np.float32]
) -> None:
    """Fill ``result`` (H, W, 2) with the ``model`` (3, 2) at columns ``x`` and rows ``y``."""
    u0, v0, ux, vx, uy, vy = model[0, 0], model[0, 1], model[1, 0], model[1, 1], model[2, 0], model[2, 1]
    for row in range(len(y)):
        for column in range(len(x)):
            result[row, column, 0] = u0 + ux * x[column] + uy * y[row]
            result[row, column, 1] = v0 + vx * x[column] + vy * y[row]


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _normal_equations(
    x: NDArray[np.float64], y: NDArray[np.float64], us: NDArray[np.float64], vs: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Of the least squares for vectors us, vs (N,) that are affine in x and y: (3, 3) and (3, 2).

    With all sums in scalars, added in any order, compilers take several vectors at once.
    """
    a = ax = ay = axx = axy = ayy = u = ux = uy = v = vx = vy = 0.0
    for n in range(len(x)):
        w, wx, wy = weight[n], weight[n] * x[n], weight[n] * y[n]
        a, ax, ay = a + w, ax + wx, ay + wy
        axx, axy, ayy = axx + wx * x[n], axy + wx * y[n], ayy + wy * y[n]
        u, ux, uy = u + w * us[n], ux + wx * us[n], uy + wy * us[n]
        v, vx, vy = v + w * vs[n], vx + wx * vs[n], vy + wy * vs[n]
    return np.array([[a, ax, ay], [ax, axx, axy], [ay, axy, ayy]]), np.array([[u, v], [ux, vx], [uy, vy]])


@njit(cache=True, nogil=True, error_model="numpy")
def _reweigh(
    x: NDArray[np.float64], y: NDArray[np.float64], us: NDArray[np.float64], vs: NDArray[np.float64],
    model: NDArray[np.float64], scale2: float, weight: NDArray[np.float64],
) -> None:  # fmt: skip
    """Fill ``weight`` (N,) with the Geman-McClure weights of what ``model`` (3, 2) leaves of the vectors."""
    u0, v0, ux, vx, uy, vy = model[0, 0], model[0, 1], model[1, 0], model[1, 1], model[2, 0], model[2, 1]
    for n in range(len(x)):
        u, v = us[n] - (u0 + ux * x[n] + uy * y[n]), vs[n] - (v0 + vx * x[n] + vy * y[n])
        doubt = 1 + (u * u + v * v) / scale2
        weight[n] = 1 / (doubt * doubt)


def detail(image: NDArray[np.uint8], parameters: ThingParameters, unit: float) -> NDArray[np.float32]:
    """A frame (H, W) without noise, and without what changes slowly: shades of the lens, reflections in the screen."""
    smooth = cv2.GaussianBlur(image, (0, 0), 0.7 * unit)
    side = round(parameters.detail_px * unit) | 1
    around = cv2.boxFilter(smooth, cv2.CV_32S, (side, side), normalize=False)
    return _less_mean(smooth, around, 1 / (side * side))


@njit(cache=True, nogil=True)
def _less_mean(smooth: NDArray[np.uint8], around: NDArray[np.int32], share: float) -> NDArray[np.float32]:
    """Grey levels (H, W) without the mean around: ``share`` of the sum ``around``."""
    result = np.empty(smooth.shape, np.float32)
    for row in range(len(smooth)):
        level, total, out = smooth[row], around[row], result[row]
        for k in range(len(level)):
            out[k] = np.float32(level[k]) - np.float32(total[k] * share)
    return result


def difference(
    details: Details, part: Part, flow: NDArray[np.float32], parameters: ThingParameters, unit: float
) -> NDArray[np.float32]:
    """By how many grey levels the first frame's detail differs, around each pixel, from that where ``flow`` leads."""
    rows, columns = part
    x = flow[..., 0] + np.arange(columns.start, columns.stop, dtype=np.float32)
    y = flow[..., 1] + np.arange(rows.start, rows.stop, dtype=np.float32)[:, None]
    there = cv2.remap(details[1], x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    apart = np.minimum(cv2.absdiff(details[0][part], there), np.float32(parameters.max_grey))
    side = max(3, round(parameters.window_px * unit)) | 1
    return cv2.blur(apart, (side, side))


def _extent(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The smallest upright rectangle around what is set."""
    left, top, wide, high = cv2.boundingRect(mask.view(np.uint8))
    rectangle = np.zeros_like(mask)
    rectangle[top : top + high, left : left + wide] = True
    return rectangle
