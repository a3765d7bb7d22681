"""Which pixels of a frame move by themselves: one pair, labelled by the direction of its flow (LABELS 8.2).

Every pixel says how much likelier its flow is for something still than for something that moves; what the pixels
around say is added up, and what remains likelier to move than a prior allows is moving. What moves along its epipolar
line (a car ahead, oncoming traffic) has the directions of still points: see ``labels.ground_contact``. What was found
is made whole (``labels.moving_things``): most of a vehicle shows no texture, and says nothing or, by flow that was
guessed, that it stands.
"""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.angle_likelihood import ANGLE_STEP_DEG, LENGTH_STEP_PX, angle_from, log_ratios
from labels.egomotion import Egomotion
from labels.egomotion_refinement import row as row_of
from labels.flow import CONSISTENT, TEXTURED, grey
from labels.flow_rows import split_row
from labels.ground_contact import ContactParameters, moving_along
from labels.moving_things import ThingParameters, completed
from labels.regions import large, square

TELLING = CONSISTENT | TEXTURED
"""Support of a pixel that has something to say: clouds and bare asphalt have flow that is only guessed."""


@dataclass(frozen=True)
class SegmentationParameters:
    """How moving pixels are told; lengths in pixels at a working width of 640."""

    likelihood: str = "mixture"  # "von_mises", "laplace" or "mixture": models A, B, C of LABELS 8.1
    still_prior: float = 0.9
    max_log_ratio: float = 4.0  # no pixel says more than this for or against
    window_px: float = 9.0  # side of the box over which pixels are added up
    pixels: float = 25.0  # so many pixels in a window say all there is to say: fewer say less
    votes: float = 5.0  # a window's mean counts as so many independent pixels
    firmly: float = 4.0  # what a window says from here on nothing but its grey levels refutes
    min_area: float = 1e-4  # of the frame: smaller moving regions are noise
    max_hole_px2: float = 1500.0  # smaller holes in moving regions are closed
    margin_px: float = 2.0  # regions grow by this: flow at their borders belongs to neither side
    fixed_reach_px: float = 30.0  # what moves so near to what is fixed to the car is no part of a thing
    along_lines: bool = True  # whether to look, where it touches the road, for what moves along its epipolar line
    contact: ContactParameters = field(default_factory=ContactParameters)
    thing: ThingParameters = field(default_factory=ThingParameters)


def segment(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    motion: Egomotion,
    focal: float,
    principal_point: tuple[float, float],
    noise: tuple[float, float],
    parameters: SegmentationParameters | None = None,
    images: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Pixels that move by themselves, (H, W).

    ``flow`` (H, W, 2) pixels with its ``support`` bits, ``motion`` the camera's, ``focal`` and ``principal_point`` in
    pixels, ``noise`` the floor in pixels of this image and the relative part, ``images`` the two frames, (H, W) grey or
    (H, W, 3) RGB: with them things are found whole. ``usable`` (H, W) is false on what is fixed to the car, which does
    not count as moving. Raises ``ValueError`` for an unknown likelihood.
    """
    parameters = parameters or SegmentationParameters()
    usable = np.ones(support.shape, np.bool_) if usable is None else usable
    support = support * usable
    ratio, rho, deviation = still_log_ratio(flow, support, motion, focal, principal_point, noise, parameters)
    evidence = aggregated(ratio, support, parameters)
    moving = evidence < -np.log(parameters.still_prior / (1 - parameters.still_prior))
    if parameters.along_lines:
        moving |= moving_along(rho, deviation, (support & CONSISTENT != 0) & ~moving, parameters.contact)
    moving = large(moving, parameters.min_area * moving.size)
    aside = moving & _beside_fixed(usable, parameters)
    still = (evidence > parameters.firmly) | ~usable
    telling = moving & (support & TELLING == TELLING) & (ratio < 0)
    frames = None if images is None else (grey(images[0]), grey(images[1]))
    whole = completed(moving & ~aside, still, telling, flow, frames, parameters.thing)
    return cleaned(whole | aside, parameters) & usable


def _beside_fixed(usable: NDArray[np.bool_], parameters: SegmentationParameters) -> NDArray[np.bool_]:
    """Pixels (H, W) near what is fixed to the car: mostly more of it, or its mirror, with which nothing else goes."""
    if usable.all():
        return np.zeros(usable.shape, np.bool_)
    side = 2 * parameters.fixed_reach_px * usable.shape[1] / 640
    return cv2.dilate((~usable).view(np.uint8), square(side)).view(np.bool_)


def still_log_ratio(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    motion: Egomotion,
    focal: float,
    principal_point: tuple[float, float],
    noise: tuple[float, float],
    parameters: SegmentationParameters,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """``log p(flow | still) - log p(flow | moving)`` of each pixel, clipped, 0 where the flow tells nothing.

    Also inverse depth and its standard deviation, as if all stood still; all (H, W).
    """
    unit = flow.shape[1] / 640
    table = log_ratios(parameters.likelihood, round(noise[0] / unit, 6), round(noise[1], 6))
    limit = np.float32(parameters.max_log_ratio)
    camera = motion.R, motion.T, focal, *principal_point
    return _look_up(np.ascontiguousarray(flow), support, *camera, unit, *noise, table, limit)


def aggregated(
    ratio: NDArray[np.float32], support: NDArray[np.uint8], parameters: SegmentationParameters
) -> NDArray[np.float32]:
    """What the pixels around each say together, (H, W): their mean counts as so many votes, less where few see."""
    unit = support.shape[1] / 640
    side = max(3, round(parameters.window_px * unit)) | 1
    seen = (support & TELLING == TELLING).astype(np.uint8)
    window = {"ddepth": cv2.CV_32F, "ksize": (side, side), "borderType": cv2.BORDER_CONSTANT}
    count = cv2.boxFilter(seen, normalize=False, **window)
    total = cv2.boxFilter(ratio, normalize=False, **window)
    return _voted(count, total, np.float32(parameters.pixels * unit**2), np.float32(parameters.votes))


@njit(cache=True, nogil=True, error_model="numpy")
def _voted(
    count: NDArray[np.float32], total: NDArray[np.float32], enough: np.float32, votes: np.float32
) -> NDArray[np.float32]:
    """The mean of ``count`` pixels (H, W) by their ``total``, times ``votes`` where they are ``enough``."""
    result, one = np.empty_like(total), np.float32(1)
    for row in range(total.shape[0]):
        for k in range(total.shape[1]):
            pixels = count[row, k]
            result[row, k] = votes * min(pixels / enough, one) * total[row, k] / max(pixels, one)
    return result


def cleaned(moving: NDArray[np.bool_], parameters: SegmentationParameters) -> NDArray[np.bool_]:
    """The mask (H, W) as whole things: without specks, gaps and holes, a little larger."""
    height, width = moving.shape
    unit = width / 640
    whole = large(moving, parameters.min_area * height * width).view(np.uint8)
    if not whole.any():
        return whole.view(np.bool_)
    whole = cv2.morphologyEx(whole, cv2.MORPH_CLOSE, square(parameters.thing.gap_px * unit))
    whole = cv2.dilate(whole, square(2 * parameters.margin_px * unit))
    return ~large(whole == 0, parameters.max_hole_px2 * unit**2)


@njit(cache=True, nogil=True, error_model="numpy")
def _look_up(
    flow: NDArray[np.float32], support: NDArray[np.uint8], R: NDArray[np.float64], T: NDArray[np.float64],
    focal: float, cx: float, cy: float, unit: float, noise_floor: float, noise_relative: float,
    table: NDArray[np.float32], limit: np.float32,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:  # fmt: skip
    """The table's value at each pixel's angle from the epipolar direction and its length; inverse depth; deviation.

    Places in the table are found for a whole row first, without branches: compilers take sixteen pixels at once.
    """
    height, width = support.shape
    result, rho, deviation = np.empty((3, height, width), np.float32)
    zero, longest, beside = np.float32(0), np.float32(2 * width), np.float32(0.05)
    floor2, relative2 = np.float32(noise_floor**2), np.float32(noise_relative**2)
    r = R.astype(np.float32)
    (r00, r01, r02), (r10, r11, r12), (r20, r21, r22) = row_of(r, 0), row_of(r, 1), row_of(r, 2)
    f, inverse = np.float32(focal), np.float32(1 / focal)
    e1, e2, e3 = np.float32(focal * T[0]), np.float32(focal * T[1]), np.float32(T[2])
    to_row, to_column = np.float32(180 / np.pi / ANGLE_STEP_DEG), np.float32(1 / (unit * LENGTH_STEP_PX))
    values, columns, half = table.reshape(-1), np.int32(table.shape[1]), np.float32(0.5)
    us, vs = np.empty(width, np.float32), np.empty(width, np.float32)
    xs, places = (np.arange(width) - cx).astype(np.float32), np.empty(width, np.int32)
    for row in range(height):
        y, bits = np.float32(row - cy), support[row]
        split_row(flow[row], us, vs)
        rho_row, deviation_row, result_row = rho[row], deviation[row], result[row]
        for k in range(width):
            x, du, dv = xs[k], us[k], vs[k]
            x2, y2 = (x + du) * inverse, (y + dv) * inverse
            z = r20 * x2 + r21 * y2 + r22
            tu = f * (r00 * x2 + r01 * y2 + r02) / z - x
            tv = f * (r10 * x2 + r11 * y2 + r12) / z - y
            tau_x, tau_y = -e1 + x * e3, -e2 + y * e3
            tau2, along = tau_x * tau_x + tau_y * tau_y + np.float32(1e-6), tu * tau_x + tv * tau_y
            # false for NaN, and for what lies behind the camera or nearly beside it
            told = (bits[k] & CONSISTENT != 0) & (abs(du) + abs(dv) < longest) & (z > beside)
            nearness, spread = max(along, zero) / tau2, np.sqrt((floor2 + relative2 * (du * du + dv * dv)) / tau2)
            rho_row[k] = nearness if told else zero
            deviation_row[k] = spread if told else zero
            angle = angle_from(along, abs(tv * tau_x - tu * tau_y))
            length = min(np.sqrt(tu * tu + tv * tv) * to_column + half, np.float32(columns - 1))
            place = np.int32(angle * to_row + half) * columns + np.int32(length)
            places[k] = place if told & (bits[k] & TEXTURED != 0) else np.int32(-1)
        for k in range(width):
            value = min(max(values[max(places[k], np.int32(0))], -limit), limit)
            result_row[k] = value if places[k] >= 0 else zero
    return result, rho, deviation
