"""A quick dense flow of small frames by dense inverse search (Kroeger et al. 2016), for the survey of every frame.

Patches of 8x8 pixels, four pixels apart, look for themselves in the other frame, coarse to fine: from the best of their
own start and what their neighbours found they descend by Gauss-Newton on squared differences of grey levels, less their
mean. A pixel's flow is the mean of the patches over it, weighted by how well each explains it. That is the method of
OpenCV's ``DISOpticalFlow`` without variational refinement, in a fifth of its time and as near to the truth: rows of
patches are vectors, and what is computed of a frame serves all flows from it and to it.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.lanes import alike, at_least_one, load, store, total

SIDE = 8
"""Of a patch, pixels: lanes of a vector."""
SPACING = 4
_MARGIN = 2 * SIDE  # a patch may look so far beyond the border
_SCANS = 2  # of all patches, forth and back
_STEPS = 6  # of the descent, at most, in each scan
_SMALL_STEP2 = 4e-4  # px squared: a step that ends the descent
_RIDGE = 1.0  # grey levels squared: where a patch shows nothing, it stays


@dataclass(frozen=True)
class Level:
    """A level of a frame's pyramid, its border's pixels repeated to all sides; all (H + 32, W + 32) float32."""

    grey: NDArray[np.float32]
    gradient_x: NDArray[np.float32]
    gradient_y: NDArray[np.float32]

    @classmethod
    def of(cls, image: NDArray[np.uint8]) -> "Level":
        """The level of an image, (H, W) grey."""
        framed = cv2.copyMakeBorder(image, *4 * [_MARGIN], cv2.BORDER_REPLICATE)
        x, y = (cv2.Sobel(framed, cv2.CV_32F, dx, 1 - dx, scale=1 / 8) for dx in (1, 0))  # exact: no rounding
        return cls(framed.astype(np.float32), x, y)

    @property
    def image(self) -> NDArray[np.float32]:
        """The level itself, (H, W)."""
        return self.grey[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]


Pyramid = list[Level]
"""What flow needs of a frame, finest level first."""


def pyramid(image: NDArray[np.uint8]) -> Pyramid:
    """Of a small frame, (H, W) grey, at least 16 x 16."""
    height, width = image.shape
    count = 1 + max(
        0, min(int(np.log2(max(height, width) / (4 * SIDE)) + 0.5), int(np.log2(min(height, width) / SIDE)))
    )
    images = [image]
    while len(images) < count:
        height, width = images[-1].shape
        images.append(cv2.resize(images[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return [Level.of(each) for each in images]


def patch_flow(first: Pyramid, second: Pyramid) -> NDArray[np.float32]:
    """The flow (H, W, 2) ``float32`` px from the ``first`` frame to the ``second``, of one size."""
    flow = None
    for here, there in zip(reversed(first), reversed(second)):
        height, width = (side - 2 * _MARGIN for side in here.grey.shape)
        tops, lefts = _places(height), _places(width)
        start = np.zeros((len(tops), len(lefts), 2), np.float32)
        if flow is not None:
            rows = np.minimum((tops + SIDE // 2) // 2, flow.shape[0] - 1)
            columns = np.minimum((lefts + SIDE // 2) // 2, flow.shape[1] - 1)
            start = 2 * flow[rows[:, None], columns]
        flow = _search(here.grey, here.gradient_x, here.gradient_y, there.grey, tops, lefts, start)
    assert flow is not None
    return flow


def _places(side: int) -> NDArray[np.int64]:
    """Where patches begin, so that they cover a side of the frame."""
    return np.minimum(np.arange(0, side - SIDE + SPACING, SPACING), side - SIDE)


@njit(cache=True, nogil=True, error_model="numpy")
def _search(
    grey: NDArray[np.float32], gx: NDArray[np.float32], gy: NDArray[np.float32], other: NDArray[np.float32],
    tops: NDArray[np.int64], lefts: NDArray[np.int64], found: NDArray[np.float32],
) -> NDArray[np.float32]:  # fmt: skip
    """Flow (H, W, 2) from the places that patches find; ``found`` (rows, columns, 2), where they start, changes."""
    height, stride = grey.shape
    right, bottom = np.float32(stride - 2 * _MARGIN), np.float32(height - 2 * _MARGIN)
    ridge, small, least = np.float32(_RIDGE), np.float32(_SMALL_STEP2), np.float32(-SIDE)
    rows, columns = len(tops), len(lefts)
    for scan in range(_SCANS):
        back = -1 if scan % 2 == 0 else 1  # where the patches visited before lie
        for jj in range(rows):
            j = jj if back < 0 else rows - 1 - jj
            for ii in range(columns):
                i = ii if back < 0 else columns - 1 - ii
                x, y = np.float32(lefts[i]), np.float32(tops[j])
                place = (tops[j] + _MARGIN) * stride + lefts[i] + _MARGIN
                px, py = min(max(x + found[j, i, 0], least), right), min(max(y + found[j, i, 1], least), bottom)
                best, along, down = _apart(grey, gx, gy, other, place, stride, px, py)
                u, v = px - x, py - y
                for neighbour in range(2):
                    ni, nj = (i + back, j) if neighbour == 0 else (i, j + back)
                    if ni < 0 or ni >= columns or nj < 0 or nj >= rows:
                        continue
                    tu, tv = found[nj, ni, 0], found[nj, ni, 1]
                    px, py = min(max(x + tu, least), right), min(max(y + tv, least), bottom)
                    cost, tx, ty = _apart(grey, gx, gy, other, place, stride, px, py)
                    if cost < best:
                        best, along, down, u, v = cost, tx, ty, px - x, py - y
                xx, xy, yy = _tensor(gx, gy, place, stride)
                xx, yy = xx + ridge, yy + ridge
                inverse = np.float32(1) / (xx * yy - xy * xy)
                start_u, start_v = u, v
                for _ in range(_STEPS):
                    du, dv = (yy * along - xy * down) * inverse, (xx * down - xy * along) * inverse
                    px, py = x + u - du, y + v - dv
                    if not (least <= px <= right and least <= py <= bottom):
                        break
                    cost, tx, ty = _apart(grey, gx, gy, other, place, stride, px, py)
                    if cost >= best:
                        break
                    best, along, down, u, v = cost, tx, ty, u - du, v - dv
                    if du * du + dv * dv < small:
                        break
                if abs(u - start_u) > SIDE or abs(v - start_v) > SIDE:
                    u, v = start_u, start_v
                found[j, i, 0], found[j, i, 1] = u, v
    return _spread(grey, other, tops, lefts, found)


@njit(inline="always")
def _corner(x, y, stride):  # type: ignore[no-untyped-def]
    """Flat index of the pixel at or before (x, y), and the weights of it and those to its right, below, and both."""
    qx, qy = np.floor(x), np.floor(y)
    fx, fy = np.float32(x - qx), np.float32(y - qy)
    one = np.float32(1)
    place = (np.int64(qy) + _MARGIN) * stride + np.int64(qx) + _MARGIN
    w00, w01 = alike(8, (one - fx) * (one - fy)), alike(8, fx * (one - fy))
    return place, w00, w01, alike(8, (one - fx) * fy), alike(8, fx * fy)


@njit(inline="always")
def _apart(grey, gx, gy, other, place, stride, x, y):  # type: ignore[no-untyped-def]
    """Of the patch at ``place`` and that at (x, y) of the other frame: sum of squares less mean, gradient (x, y)."""
    there, w00, w01, w10, w11 = _corner(x, y, stride)
    zero, count = alike(8, np.float32(0)), np.float32(SIDE * SIDE)
    total_, squares, along, down, xs, ys = zero, zero, zero, zero, zero, zero
    a, b = load(8, other, there), load(8, other, there + 1)
    for row in range(SIDE):
        there += stride
        c, d = load(8, other, there), load(8, other, there + 1)
        apart = a * w00 + b * w01 + c * w10 + d * w11 - load(8, grey, place + row * stride)
        dx, dy = load(8, gx, place + row * stride), load(8, gy, place + row * stride)
        total_, squares = total_ + apart, squares + apart * apart
        along, down, xs, ys = along + dx * apart, down + dy * apart, xs + dx, ys + dy
        a, b = c, d
    mean = total(total_) / count
    return total(squares) - mean * mean * count, total(along) - mean * total(xs), total(down) - mean * total(ys)


@njit(inline="always")
def _tensor(gx, gy, place, stride):  # type: ignore[no-untyped-def]
    """Spread of the gradient over a patch: xx, xy, yy."""
    zero, count = alike(8, np.float32(0)), np.float32(SIDE * SIDE)
    xs, ys, xx, xy, yy = zero, zero, zero, zero, zero
    for _ in range(SIDE):
        dx, dy = load(8, gx, place), load(8, gy, place)
        xs, ys, xx, xy, yy = xs + dx, ys + dy, xx + dx * dx, xy + dx * dy, yy + dy * dy
        place += stride
    x, y = total(xs), total(ys)
    return total(xx) - x * x / count, total(xy) - x * y / count, total(yy) - y * y / count


@njit(cache=True, nogil=True, error_model="numpy")
def _spread(
    grey: NDArray[np.float32], other: NDArray[np.float32], tops: NDArray[np.int64], lefts: NDArray[np.int64],
    found: NDArray[np.float32],
) -> NDArray[np.float32]:  # fmt: skip
    """Each pixel's flow (H, W, 2): the mean of the patches over it, by one over the grey levels they leave."""
    height, stride = grey.shape[0] - 2 * _MARGIN, grey.shape[1]
    width = stride - 2 * _MARGIN
    right, bottom, least = np.float32(width), np.float32(height), np.float32(-SIDE)
    sums = np.zeros((3, height, width), np.float32)
    one, plane = alike(8, np.float32(1)), height * width
    for j in range(len(tops)):
        for i in range(len(lefts)):
            u, v = found[j, i, 0], found[j, i, 1]
            us, vs = alike(8, u), alike(8, v)
            px = min(max(np.float32(lefts[i]) + u, least), right)
            py = min(max(np.float32(tops[j]) + v, least), bottom)
            there, w00, w01, w10, w11 = _corner(px, py, stride)
            place, target = (tops[j] + _MARGIN) * stride + lefts[i] + _MARGIN, tops[j] * width + lefts[i]
            for _ in range(SIDE):
                warped = load(8, other, there) * w00 + load(8, other, there + 1) * w01
                warped = warped + load(8, other, there + stride) * w10 + load(8, other, there + stride + 1) * w11
                weight = one / at_least_one(warped - load(8, grey, place))
                store(sums, target, load(8, sums, target) + weight)
                store(sums, target + plane, load(8, sums, target + plane) + weight * us)
                store(sums, target + 2 * plane, load(8, sums, target + 2 * plane) + weight * vs)
                there, place, target = there + stride, place + stride, target + width
    flow = np.empty((height, width, 2), np.float32)
    for y in range(height):
        for x in range(width):
            flow[y, x, 0], flow[y, x, 1] = sums[1, y, x] / sums[0, y, x], sums[2, y, x] / sums[0, y, x]
    return flow
