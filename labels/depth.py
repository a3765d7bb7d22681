"""Inverse depth of every pixel from the translational flow, and where it may be believed (LABELS section 10)."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.egomotion import Egomotion
from labels.flow import CONSISTENT, INSIDE, MATCHED, TEXTURED
from labels.flow_rows import split_row


@dataclass(frozen=True)
class DepthParameters:
    """What makes a pixel's depth believable; lengths in pixels at a working width of 640."""

    max_relative_sd: float = 0.5  # of inverse depth, over the frame's median inverse depth
    max_perpendicular_sigma: float = 3.0  # flow off the epipolar direction, in sigma: something moves, or the flow errs
    max_backward_sigma: float = 2.0  # flow against the epipolar direction, in sigma
    texture_window_px: float = 15.0  # a texture-free pixel is believed if this window around it
    texture_support: int = 10  # has so many textured, consistent pixels


@dataclass(frozen=True)
class InverseDepth:
    """Inverse depth of a frame. All arrays are (H, W)."""

    inverse_depth: NDArray[np.float32]  # >= 0, in units of one over the forward step between the frames
    deviation: NDArray[np.float32]  # standard deviation of it
    valid: NDArray[np.bool_]
    typical: float  # median over the valid pixels; NaN where there are none


def inverse_depth(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    motion: Egomotion,
    focal: float,
    principal_point: tuple[float, float],
    noise_floor_px: float,
    noise_relative: float,
    parameters: DepthParameters | None = None,
    usable: NDArray[np.bool_] | None = None,
) -> InverseDepth:
    """Least-squares inverse depth ``(t . tau) / |tau|^2`` along the epipolar direction, and its validity.

    ``flow`` (H, W, 2) pixels with its ``support`` bits, ``motion`` the camera's, ``focal`` and ``principal_point`` in
    pixels, noise as in ``EgomotionParameters`` (floor in pixels of this image), ``usable`` (H, W) false on what is
    fixed to the car. Unlike Eq. 3, ``|t| / |tau|``, it is unbiased where the flow is small, and near the focus of
    expansion its deviation says that nothing is known, where Eq. 3 says near (LABELS 10.1, 10.2).
    """
    parameters = parameters or DepthParameters()
    unit = flow.shape[1] / 640
    noise = noise_floor_px, noise_relative
    rho, deviation, epipolar = projected(flow, motion, focal, principal_point, noise, parameters)
    consistent = support & (CONSISTENT | INSIDE) == (CONSISTENT | INSIDE)
    candidate = consistent & epipolar & _surrounded_by_texture(support, parameters, unit)
    if usable is not None:
        candidate &= usable
    firm = candidate & (support & TEXTURED != 0)
    typical = float(np.median(rho[firm])) if firm.any() else math.nan
    if not typical > 0:
        return InverseDepth(rho, deviation, np.zeros_like(candidate), math.nan)
    valid = candidate & (deviation < parameters.max_relative_sd * typical)
    return InverseDepth(rho, deviation, valid, typical)


def projected(
    flow: NDArray[np.float32],
    motion: Egomotion,
    focal: float,
    principal_point: tuple[float, float],
    noise: tuple[float, float],
    parameters: DepthParameters,
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.bool_]]:
    """Inverse depth as if all stood still, its standard deviation, and where a still point could have that flow.

    All (H, W); ``noise`` is the floor in pixels of this image and the relative part.
    """
    limits = parameters.max_perpendicular_sigma, parameters.max_backward_sigma
    return _project(np.ascontiguousarray(flow), motion.R, motion.T, focal, *principal_point, *noise, *limits)


def _surrounded_by_texture(support: NDArray[np.uint8], parameters: DepthParameters, unit: float) -> NDArray[np.bool_]:
    """Pixels with texture, or a match, or enough of both around them: flow is only guessed elsewhere."""
    textured = support & (CONSISTENT | INSIDE | TEXTURED) == (CONSISTENT | INSIDE | TEXTURED)
    side = max(3, round(parameters.texture_window_px * unit)) | 1
    window = {"ddepth": cv2.CV_32F, "ksize": (side, side), "borderType": cv2.BORDER_CONSTANT}
    around = cv2.boxFilter(textured.view(np.uint8), normalize=False, **window)
    return (support & (TEXTURED | MATCHED) != 0) | (around >= parameters.texture_support * unit * unit - 0.5)


# Fast, but flow may hold NaN: comparisons with it must stay false.
@njit(cache=True, fastmath={"contract", "reassoc", "arcp", "nsz"}, error_model="numpy")
def _project(
    flow: NDArray,
    R: NDArray,
    T: NDArray,
    focal: float,
    cx: float,
    cy: float,
    noise_floor: float,
    noise_relative: float,
    max_perpendicular: float,
    max_backward: float,
) -> tuple[NDArray, NDArray, NDArray]:
    """Inverse depth, its standard deviation, and whether the flow (H, W, 2) lies along the epipolar direction."""
    height, width = flow.shape[:2]
    us, vs = np.empty(width, np.float32), np.empty(width, np.float32)
    rho = np.empty((height, width), np.float32)
    deviation = np.empty((height, width), np.float32)
    epipolar = np.empty((height, width), np.bool_)
    r = R.astype(np.float32)
    f = np.float32(focal)
    e1, e2, e3 = np.float32(focal * T[0]), np.float32(focal * T[1]), np.float32(T[2])
    floor2, relative2 = np.float32(noise_floor * noise_floor), np.float32(noise_relative * noise_relative)
    perpendicular2 = np.float32(max_perpendicular * max_perpendicular)
    backward2 = np.float32(max_backward * max_backward)
    for row in range(height):
        y = np.float32(row - cy)
        split_row(flow[row], us, vs)
        for column in range(width):
            x, du, dv = np.float32(column - cx), us[column], vs[column]
            x2, y2 = (x + du) / f, (y + dv) / f
            z = r[2, 0] * x2 + r[2, 1] * y2 + r[2, 2]
            tu = f * (r[0, 0] * x2 + r[0, 1] * y2 + r[0, 2]) / z - x
            tv = f * (r[1, 0] * x2 + r[1, 1] * y2 + r[1, 2]) / z - y
            tau_x, tau_y = -e1 + x * e3, -e2 + y * e3
            tau2 = tau_x * tau_x + tau_y * tau_y + np.float32(1e-6)
            sigma2 = floor2 + relative2 * (du * du + dv * dv)
            along, across = tu * tau_x + tv * tau_y, tv * tau_x - tu * tau_y
            rho[row, column] = max(along, np.float32(0)) / tau2
            deviation[row, column] = np.sqrt(sigma2 / tau2)
            backward = along < 0 and along * along > backward2 * sigma2 * tau2
            epipolar[row, column] = across * across < perpendicular2 * sigma2 * tau2 and not backward
    return rho, deviation, epipolar
