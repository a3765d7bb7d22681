"""Variational refinement of a flow field: gradient constancy against smoothness (LABELS section 4.4; Brox et al. 2004).

Minimised over the flow (u, v), starting from the given one, with ``Psi(s) = sqrt(s + 1e-6)``:

    E = sum_p  Psi(gx^2 + gy^2) + alpha g Psi(|grad u|^2 + |grad v|^2) + (n . (du, dv))^2

where ``gx = (Ixz + Ixx du + Ixy dv) / sqrt(Ixx^2 + Ixy^2 + zeta^2)`` and gy alike are the normalised residuals of the
image gradient after the increment (du, dv), g may loosen the smoothness where the image has edges, and n may hold a
pixel's end point to a line, its epipolar one. Frame 2 is warped once; then robust weights and the linear system are
renewed ``iterations`` times and relaxed by ``sweeps`` of red-black successive over-relaxation. Each half sweep computes
whole rows, with a step of zero for the other colour, so that neighbouring pixels fill vector lanes.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray


@dataclass(frozen=True)
class RefinementParameters:
    """Weights and effort of the refinement."""

    iterations: int = 2
    """Renewals of the robust weights; 0 leaves the flow as it is."""
    sweeps: int = 4
    """Sweeps over the linear system for each."""
    relaxation: float = 1.8
    """Step of a sweep, below 2; above 1 it overshoots, which converges sooner."""
    alpha: float = 1.5
    """Weight of the smoothness."""
    zeta: float = 0.3
    """Gradient change per pixel, grey levels, below which a residual counts less: the noise floor."""


def refine(
    image1: NDArray[np.float32],
    image2: NDArray[np.float32],
    flow: NDArray[np.float32],
    parameters: RefinementParameters,
    normals: NDArray[np.float32] | None = None,
    smoothness: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """The refined flow, (H, W, 2) float32 px. Images: (H, W) float32 grey levels, lightly smoothed against noise.

    ``normals``: (H, 2, W) float32, the direction in which each pixel's flow is to stay as it is, times the weight of
    that; zero where it is free. ``smoothness``: (H, W) float32, g of each pixel; 1 where it is not given.
    """
    if parameters.iterations == 0:
        return flow
    height, width = image1.shape
    # a frame of one pixel around the fields, which no weight connects, spares every test for the border
    start = _framed(flow)
    mean, change, inside = _warp(image1, image2, start)
    tensor = _tensor(mean, change, inside, np.float32(parameters.zeta))
    field = start.copy()
    links = np.zeros((2, height + 1, width + 1), np.float32)
    system = np.empty((height, 5, width), np.float32)
    held = np.zeros((height, 2, width), np.float32) if normals is None else normals
    firmness = np.full((height, width), parameters.alpha, np.float32)
    if smoothness is not None:
        firmness *= smoothness
    for _ in range(parameters.iterations):
        _link(field, links, firmness)
        _linearise(tensor, held, start, field, links, system)
        for half in range(2 * parameters.sweeps):
            _relax(system, links, field, half % 2, np.float32(parameters.relaxation))
    return _within(field)


@njit(cache=True, nogil=True)
def _framed(flow: NDArray[np.float32]) -> NDArray[np.float32]:
    """The components of a flow (H, W, 2) apart, with zeros around: (2, H + 2, W + 2)."""
    height, width = flow.shape[:2]
    result = np.zeros((2, height + 2, width + 2), np.float32)
    for y in range(height):
        row, u, v = flow[y], result[0, y + 1], result[1, y + 1]
        for x in range(width):
            u[x + 1], v[x + 1] = row[x, 0], row[x, 1]
    return result


@njit(cache=True, nogil=True)
def _within(field: NDArray[np.float32]) -> NDArray[np.float32]:
    """The flow (H, W, 2) that ``_framed`` makes ``field`` of."""
    height, width = field.shape[1] - 2, field.shape[2] - 2
    result = np.empty((height, width, 2), np.float32)
    for y in range(height):
        row, u, v = result[y], field[0, y + 1], field[1, y + 1]
        for x in range(width):
            row[x, 0], row[x, 1] = u[x + 1], v[x + 1]
    return result


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _warp(
    image1: NDArray[np.float32], image2: NDArray[np.float32], start: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Mean and difference (warped frame 2 less frame 1), and 1 where the flow ends inside frame 2, else 0; (H, W).

    ``start``: the flow, ``_framed``. Compilers take many pixels of a row at once, but for the look-ups, which so are a
    loop of their own.
    """
    height, width = image1.shape
    half, zero = np.float32(0.5), np.float32(0)
    mean = np.empty((height, width), np.float32)
    change = np.empty((height, width), np.float32)
    inside = np.empty((height, width), np.float32)
    right, bottom = np.float32(width - 1), np.float32(height - 1)
    flat, stride, last_x, last_y = image2.reshape(-1), np.int32(width), np.int32(width - 2), np.int32(height - 2)
    places, fresh = np.empty(width, np.int32), np.empty((6, width), np.float32)
    fx, fy, a, b, c, d = fresh[0], fresh[1], fresh[2], fresh[3], fresh[4], fresh[5]
    for y in range(height):
        u, v, own, within = start[0, y + 1], start[1, y + 1], image1[y], inside[y]
        for x in range(width):
            x2, y2 = np.float32(np.int32(x)) + u[x + 1], np.float32(y) + v[x + 1]
            px, py = min(max(zero, x2), right), min(max(zero, y2), bottom)
            within[x] = np.float32(1) if (px == x2) & (py == y2) else zero
            qx, qy = min(np.int32(px), last_x), min(np.int32(py), last_y)
            fx[x], fy[x] = px - np.float32(qx), py - np.float32(qy)
            places[x] = np.int32(qy * stride + qx)
        for x in range(width):
            place = np.uint32(places[x])
            a[x], b[x], c[x], d[x] = flat[place], flat[place + 1], flat[place + stride], flat[place + stride + 1]
        mean_row, change_row = mean[y], change[y]
        for x in range(width):
            upper, lower = a[x] + fx[x] * (b[x] - a[x]), c[x] + fx[x] * (d[x] - c[x])
            warped = upper + fy[x] * (lower - upper)
            mean_row[x], change_row[x] = half * (warped + own[x]), warped - own[x]
    return mean, change, inside


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _tensor(
    mean: NDArray[np.float32], change: NDArray[np.float32], inside: NDArray[np.float32], zeta: np.float32
) -> NDArray[np.float32]:
    """Quadratic form of the data term at the start, planes A11, A12, A22, B1, B2, C of (H, 6, W) float32."""
    height, width = mean.shape
    quarter, half, two, floor = np.float32(0.25), np.float32(0.5), np.float32(2), zeta * zeta
    tensor = np.empty((height, 6, width), np.float32)
    tensor[:2], tensor[height - 2 :] = 0, 0
    fresh = np.zeros((6, width), np.float32)  # see _linearise
    t0, t1, t2, t3, t4, t5 = fresh[0], fresh[1], fresh[2], fresh[3], fresh[4], fresh[5]
    for y in range(2, height - 2):
        top, above, here, below, bottom = mean[y - 2], mean[y - 1], mean[y], mean[y + 1], mean[y + 2]
        change_above, change_here, change_below, within = change[y - 1], change[y], change[y + 1], inside[y]
        for k in range(width - 4):
            x = k + 2
            centre = two * here[x]
            xx = quarter * (here[x + 2] - centre + here[k])
            yy = quarter * (bottom[x] - centre + top[x])
            xy = quarter * (below[x + 1] - below[x - 1] - above[x + 1] + above[x - 1])
            xz = half * (change_here[x + 1] - change_here[x - 1])
            yz = half * (change_below[x] - change_above[x])
            n1 = within[x] / (xx * xx + xy * xy + floor)
            n2 = within[x] / (xy * xy + yy * yy + floor)
            t0[x] = n1 * xx * xx + n2 * xy * xy
            t1[x] = n1 * xx * xy + n2 * xy * yy
            t2[x] = n1 * xy * xy + n2 * yy * yy
            t3[x] = n1 * xx * xz + n2 * xy * yz
            t4[x] = n1 * xy * xz + n2 * yy * yz
            t5[x] = n1 * xz * xz + n2 * yz * yz
        tensor[y] = fresh
    return tensor


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _link(field: NDArray[np.float32], links: NDArray[np.float32], firmness: NDArray[np.float32]) -> None:
    """Fill ``links`` (2, H + 1, W + 1), the weights of smoothness: to the pixel on the left, to the one above."""
    height, width = field.shape[1] - 2, field.shape[2] - 2
    epsilon, half = np.float32(1e-6), np.float32(0.5)
    diffusivity = np.empty((2, width), np.float32)
    for y in range(height):
        u, v, u_below, v_below = field[0, y + 1], field[1, y + 1], field[0, y + 2], field[1, y + 2]
        if y == height - 1:
            u_below, v_below = u, v
        now, before, alpha = diffusivity[y % 2], diffusivity[(y + 1) % 2], firmness[y]
        for x in range(width):
            ux, vx = u[x + 2] - u[x + 1], v[x + 2] - v[x + 1]
            uy, vy = u_below[x + 1] - u[x + 1], v_below[x + 1] - v[x + 1]
            now[x] = alpha[x] / np.sqrt(ux * ux + vx * vx + uy * uy + vy * vy + epsilon)
        now[width - 1] = now[width - 2]
        left, above = links[0, y], links[1, y]
        for x in range(1, width):
            left[x] = half * (now[x] + now[x - 1])
        if y > 0:
            for x in range(width):
                above[x] = half * (now[x] + before[x])


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _linearise(
    tensor: NDArray[np.float32],
    normals: NDArray[np.float32],
    start: NDArray[np.float32],
    field: NDArray[np.float32],
    links: NDArray[np.float32],
    system: NDArray[np.float32],
) -> None:
    """Fill ``system`` (H, 5, W): inverse of the 2x2 block of each pixel I11, I12, I22, right-hand sides R1, R2."""
    height, width = tensor.shape[0], tensor.shape[2]
    epsilon, one, zero = np.float32(1e-6), np.float32(1), np.float32(0)
    # rows of the result are made apart: written to beside so many that are read, a loop would take one pixel at a time
    fresh = np.empty((5, width), np.float32)
    i11, i12, i22, r1, r2 = fresh[0], fresh[1], fresh[2], fresh[3], fresh[4]
    for y in range(height):
        t0, t1, t2, t3, t4, t5 = (tensor[y, 0], tensor[y, 1], tensor[y, 2], tensor[y, 3], tensor[y, 4], tensor[y, 5])
        us, vs, u, v = start[0, y + 1], start[1, y + 1], field[0, y + 1], field[1, y + 1]
        left, above, below = links[0, y], links[1, y], links[1, y + 1]
        nx, ny = normals[y, 0], normals[y, 1]
        for x in range(width):
            u0, v0 = us[x + 1], vs[x + 1]
            du, dv = u[x + 1] - u0, v[x + 1] - v0
            a11, a12, a22, b1, b2 = t0[x], t1[x], t2[x], t3[x], t4[x]
            s1, s2 = a11 * du + a12 * dv + b1, a12 * du + a22 * dv + b2
            residual = du * (s1 + b1) + dv * (s2 + b2) + t5[x]
            robust = one / np.sqrt(max(residual, zero) + epsilon)
            total = left[x] + left[x + 1] + above[x] + below[x]
            held = nx[x] * u0 + ny[x] * v0
            d11 = robust * a11 + nx[x] * nx[x] + total
            d12, d22 = robust * a12 + nx[x] * ny[x], robust * a22 + ny[x] * ny[x] + total
            inverse = one / (d11 * d22 - d12 * d12)
            i11[x] = d22 * inverse
            i12[x] = -d12 * inverse
            i22[x] = d11 * inverse
            r1[x] = robust * (a11 * u0 + a12 * v0 - b1) + nx[x] * held
            r2[x] = robust * (a12 * u0 + a22 * v0 - b2) + ny[x] * held
        system[y] = fresh


@njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})
def _relax(
    system: NDArray[np.float32],
    links: NDArray[np.float32],
    field: NDArray[np.float32],
    colour: int,
    relaxation: np.float32,
) -> None:
    """Relax the pixels of one colour of a chessboard, in place."""
    height, width = system.shape[0], system.shape[2]
    fresh = np.empty((2, width), np.float32)
    fresh_u, fresh_v = fresh[0], fresh[1]
    steps = np.zeros((2, width), np.float32)
    steps[0, ::2], steps[1, 1::2] = relaxation, relaxation
    for y in range(height):
        step = steps[(y + colour) % 2]
        i11, i12, i22, r1, r2 = system[y, 0], system[y, 1], system[y, 2], system[y, 3], system[y, 4]
        u_above, u, u_below = field[0, y], field[0, y + 1], field[0, y + 2]
        v_above, v, v_below = field[1, y], field[1, y + 1], field[1, y + 2]
        left, above, below = links[0, y], links[1, y], links[1, y + 1]
        for x in range(width):
            w1, w2, w3, w4 = left[x], left[x + 1], above[x], below[x]
            s1 = w1 * u[x] + w2 * u[x + 2] + w3 * u_above[x + 1] + w4 * u_below[x + 1] + r1[x]
            s2 = w1 * v[x] + w2 * v[x + 2] + w3 * v_above[x + 1] + w4 * v_below[x + 1] + r2[x]
            fresh_u[x] = u[x + 1] + step[x] * (i11[x] * s1 + i12[x] * s2 - u[x + 1])
            fresh_v[x] = v[x + 1] + step[x] * (i12[x] * s1 + i22[x] * s2 - v[x + 1])
        for x in range(width):
            u[x + 1] = fresh_u[x]
            v[x + 1] = fresh_v[x]
