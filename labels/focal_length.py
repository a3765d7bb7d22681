"""The focal length of a video from its turns, and what an unknown one does to a pair (LABELS section 9).

``estimate(pairs, focal, width)`` takes ``(Samples, Egomotion)`` of pairs in order of time, made with any ``focal``, and
says ``calibrated`` only where the video tells its focal length, else ``default``::

    pairs.append(observe(image1, image2, focal, centre, usable))
    ...
    found = estimate(pairs, focal, width)
    focal = found.ratio * width

Pairs should turn: those with the largest rotation count, and a turn tells the more the larger it is, so that frames
some 0.27 and 0.4 s apart are better than neighbours. Samples are those of ``observe``, of tracked corners: the
``census`` engine assumes a focal length itself, which is what would be found, and ``dis`` is too smooth.

``sensitivity(samples, motion)`` says for a single pair how far its percentiles depend on the focal length.

A camera that drives ahead shows the same flow with another focal length and a scene whose inverse depth is sheared
(LABELS 9.2). Two things break the tie: no inverse depth is negative, and many points, far ahead in the curve, have
none. A fit that asks for the first only is content with any focal length too short, as the far points lie on the inner
side of a curve; so the likelihood used here has a share of points at infinity.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.corner_tracks import corner_samples
from labels.egomotion import Egomotion, EgomotionParameters, Samples, derotated
from labels.egomotion_refinement import refine, rotation_matrix
from labels.egomotion_search import Prior, cold
from labels.flow_samples import epipolar_directions
from labels.focal_refinement import refine_with_infinity
from labels.noise_scale import noise_scale

CALIBRATED, DEFAULT = "calibrated", "default"
STRETCHES, DRAWS = 10, 200
"""Of the bootstrap."""
SENSITIVITY_SAMPLES = 800
A_THIRD = 0.3  # of ln f
SUSPECTED_RADIAL = -0.2  # the distortion of a wide lens, see ``undistort``


@dataclass(frozen=True)
class FocalLengthParameters:
    """Self-calibration over a video; focal lengths as fractions of the width, lengths in pixels at a width of 640."""

    default: float = 0.8  # where the video does not tell
    prior_sd: float = 0.35  # of ln f about the default
    shortest: float = 0.4
    longest: float = 2.0
    steps: int = 17  # of the grid of ln f between them
    min_turn_px: float = 3.0  # shift of the image centre by panning: pitching on bumps tells little
    min_parallax_snr: float = 4.0
    max_heading_deg: float = 30.0  # from straight ahead: fits beyond are mostly wrong
    min_pairs: int = 20
    max_pairs: int = 200
    samples: int = 600  # of a pair
    infinity: float = 0.15  # cost of a point in front of the camera that is not at infinity, over that of one behind
    trimmed: float = 0.25  # share of the pairs, those that speak most against a focal length, that are not heard
    principal_point_sd: float = 0.01  # of the width: how far off the assumed point it may be
    max_log_sd: float = 0.12
    min_evidence: float = 2.0  # log likelihood ratio to focal lengths a third longer or shorter
    max_disagreement: float = 0.20  # between the halves of the video
    radial: tuple[float, ...] = ()  # distortions k to try beside none, as (-0.05, -0.1, -0.2); each costs as much again
    min_radial_evidence: float = 10.0  # log likelihood ratio to none that a distortion must have to be believed


@dataclass(frozen=True)
class FocalLength:
    """What a video tells about its camera."""

    ratio: float  # focal length over the width; the default one unless calibrated
    log_sd: float  # standard deviation of its logarithm: bootstrap, principal point; NaN with too few pairs
    state: str  # "calibrated" or "default"
    reason: str  # why it is the default: few_turns, border, uncertain, halves_disagree, distorted; else empty
    radial: float = 0.0  # k of x_u = x / (1 + k (r / (W / 2))^2)
    pairs: int = 0  # that it was judged by
    estimate: float = np.nan  # over the width: what the video would say, believed or not


def observe(
    image1: NDArray[np.uint8],
    image2: NDArray[np.uint8],
    focal: float,
    principal_point: tuple[float, float],
    usable: NDArray[np.bool_] | None = None,
) -> tuple[Samples, Egomotion]:
    """What ``estimate`` wants of a pair of frames, with any ``focal``; some 40 ms at 640x360.

    Arguments are as of ``corner_samples``. The motion is not judged but for there being enough corners
    (``few_samples``) and a fit at all (``degenerate``).
    """
    parameters = EgomotionParameters()
    samples = corner_samples(image1, image2, focal, principal_point, parameters, usable)
    if len(samples) < parameters.min_samples:
        return samples, Egomotion(reason="few_samples", samples=len(samples))
    found = cold(samples, None, parameters, Prior.of(np.array([0.0, 0.0, 1.0]), parameters))
    if found is None:
        return samples, Egomotion(reason="degenerate", samples=len(samples))
    length = float(np.median(np.hypot(*derotated(samples, found.R).T)))
    snr = length * float(np.median(samples.inverse_sigma))
    return samples, Egomotion(
        found.R, found.T, cost=found.cost, parallax_snr=snr, median_translational_flow_px=length * focal,
        samples=len(samples),
    )  # fmt: skip


def estimate(
    pairs: Iterable[tuple[Samples, Egomotion]],
    focal: float,
    width: int,
    parameters: FocalLengthParameters | None = None,
) -> FocalLength:
    """The focal length of the camera that took ``pairs``.

    ``pairs`` are samples and fits in order of time, made with ``focal``, in pixels of images of ``width``; those whose
    fit was rejected may be among them, as a wrong focal length alone can be why. Equal input gives equal output.
    """
    parameters = parameters or FocalLengthParameters()
    turns = _turning(pairs, focal * 640 / width, parameters)
    if len(turns) < parameters.min_pairs:
        return FocalLength(parameters.default, np.nan, DEFAULT, "few_turns", pairs=len(turns))
    turns = _with_noise(turns, focal, width, parameters)
    radial, turns, costs = _undistorted(turns, focal / width, parameters)
    best, on_border = _minimum(costs, parameters)
    log_sd = float(np.hypot(_bootstrap(costs, parameters), _by_principal_point(turns, best, focal / width, parameters)))
    halves = [_minimum(half, parameters)[0] for half in np.array_split(costs, 2)]
    reasons = {
        "border": on_border,
        "uncertain": not (
            log_sd < parameters.max_log_sd and _evidence(costs, best, parameters) > parameters.min_evidence
        ),
        "halves_disagree": abs(halves[1] - halves[0]) > np.log(1 + parameters.max_disagreement),
    }
    reason = next((name for name, holds in reasons.items() if holds), "")
    if not reason and not parameters.radial and _looks_distorted(turns, focal / width, parameters):
        reason = "distorted"
    ratio = parameters.default if reason else float(np.exp(best))
    state = DEFAULT if reason else CALIBRATED
    return FocalLength(ratio, log_sd, state, reason, radial, len(turns), float(np.exp(best)))


def _turning(
    pairs: Iterable[tuple[Samples, Egomotion]], focal_px: float, parameters: FocalLengthParameters
) -> list[tuple[Samples, Egomotion]]:
    """The pairs that turn most, in order of time; their samples thinned. ``focal_px`` is at a width of 640."""
    found = []
    for place, (samples, motion) in enumerate(pairs):
        turn = focal_px * abs(float(motion.rotation_vector[1]))
        ahead = abs(float(motion.T[2])) > np.cos(np.deg2rad(parameters.max_heading_deg))
        if not (ahead and motion.parallax_snr >= parameters.min_parallax_snr and turn >= parameters.min_turn_px):
            continue
        found.append((turn, place, samples.thin(parameters.samples), motion))
    found = sorted(found, key=lambda each: -each[0])[: parameters.max_pairs]
    return [(samples, motion) for _, _, samples, motion in sorted(found, key=lambda each: each[1])]


def _with_noise(
    turns: list[tuple[Samples, Egomotion]], focal: float, width: int, parameters: FocalLengthParameters
) -> list[tuple[Samples, Egomotion]]:
    """The pairs with the noise that they have: a likelihood with more would let points lie behind the camera."""
    floor, relative = noise_scale(((samples, replace(motion, reason="")) for samples, motion in turns), focal, width)
    return [
        (
            replace(
                samples,
                inverse_sigma=1 / np.hypot(floor * width / 640 / focal, relative * np.hypot(samples.u, samples.v)),
            ),
            motion,
        )
        for samples, motion in turns
    ]


def _grid(parameters: FocalLengthParameters) -> NDArray[np.float64]:
    """Logarithms of the focal lengths that are tried."""
    return np.linspace(np.log(parameters.shortest), np.log(parameters.longest), parameters.steps)


def _undistorted(
    turns: list[tuple[Samples, Egomotion]], made_with: float, parameters: FocalLengthParameters
) -> tuple[float, list[tuple[Samples, Egomotion]], NDArray[np.float64]]:
    """The distortion that is believed, and the pairs without it with their costs."""
    tried = []
    for k in (0.0, *parameters.radial):
        straight = [(undistort(samples, k, made_with), motion) for samples, motion in turns]
        costs = _all_costs(straight, made_with, parameters)
        penalty = 0.0 if k == 0 else parameters.min_radial_evidence
        tried.append((_scale(costs) * float(costs.mean(axis=0).min()) + penalty, k, straight, costs))
    _, k, straight, costs = min(tried, key=lambda each: each[0])
    return k, straight, costs


def _looks_distorted(
    turns: list[tuple[Samples, Egomotion]], made_with: float, parameters: FocalLengthParameters
) -> bool:
    """Whether a barrel explains the turns much better: then the focal length of a lens without is none of this one."""
    return _undistorted(turns, made_with, replace(parameters, radial=(SUSPECTED_RADIAL,)))[0] != 0


def undistort(samples: Samples, k: float, focal_ratio: float) -> Samples:
    """The samples that a lens without distortion would have given: ``x_u = x / (1 + k (r / (W / 2))^2)``.

    The division model (Fitzgibbon 2001), about the principal point; ``k`` < 0 for barrels. ``focal_ratio`` is the focal
    length over the width with which ``samples`` are normalised. Sigma grows as the image does.
    """
    if k == 0:
        return samples
    per_unit = k * (2 * focal_ratio) ** 2
    start = 1 + per_unit * (samples.x**2 + samples.y**2)
    x2, y2 = samples.x + samples.u, samples.y + samples.v
    end = 1 + per_unit * (x2**2 + y2**2)
    x, y = samples.x / start, samples.y / start
    # tangentially things grow by 1 / start, radially by (2 - start) / start^2
    shrunk = np.sqrt(start**3 / np.maximum(2 - start, 1e-6))
    return Samples(x, y, x2 / end - x, y2 / end - y, samples.inverse_sigma * shrunk)


def _all_costs(
    turns: list[tuple[Samples, Egomotion]], made_with: float, parameters: FocalLengthParameters
) -> NDArray[np.float64]:
    """Mean cost of each pair at each focal length of the grid, (N, grid)."""
    return np.array([_costs(samples, motion, made_with, parameters) for samples, motion in turns])


def _costs(
    samples: Samples, motion: Egomotion, made_with: float, parameters: FocalLengthParameters
) -> NDArray[np.float64]:
    """What the best motion costs at each focal length of the grid, each fit started from its neighbour's."""
    grid = np.exp(_grid(parameters))
    costs = np.empty(len(grid))
    first = int(np.argmin(np.abs(grid - made_with)))
    for order in (range(first, len(grid)), range(first - 1, -1, -1)):
        R, T, last = motion.R, motion.T, made_with
        for k in order:
            R, T = _seen_with(R, T, last / grid[k])
            R, T, costs[k] = _refined(samples, R, T, made_with / grid[k], parameters)
            last = grid[k]
    return costs


def _refined(
    samples: Samples, R: NDArray[np.float64], T: NDArray[np.float64], ratio: float, parameters: FocalLengthParameters
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    x, y = samples.x * ratio, samples.y * ratio
    ends = x + samples.u * ratio, y + samples.v * ratio
    scale2 = EgomotionParameters().robust_scale ** 2
    return refine_with_infinity(
        x, y, *ends, samples.inverse_sigma / ratio, R, T, scale2, parameters.infinity, np.array([4.0, 1.0]), 10
    )


def _seen_with(
    R: NDArray[np.float64], T: NDArray[np.float64], ratio: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The motion that shifts the image alike with a focal length that is shorter by ``ratio``."""
    scale = np.array([ratio, ratio, 1.0])
    heading = T * scale
    vector = cv2.Rodrigues(R)[0][:, 0]
    return np.ascontiguousarray(rotation_matrix(vector * scale)), heading / np.linalg.norm(heading)


def _minimum(costs: NDArray[np.float64], parameters: FocalLengthParameters) -> tuple[float, bool]:
    """The ln f of least cost over pairs (N, grid), and whether it lies at the end of the grid.

    At each focal length the pairs that speak most against it are not heard: they are those with movers.
    """
    grid, total = _grid(parameters), _total(costs, parameters)
    k = int(np.argmin(total))
    if k in (0, len(grid) - 1):
        return float(grid[k]), True
    left, middle, right = total[k - 1 : k + 2]
    return float(grid[k] + (grid[1] - grid[0]) * 0.5 * (left - right) / (left - 2 * middle + right)), False


def _total(costs: NDArray[np.float64], parameters: FocalLengthParameters) -> NDArray[np.float64]:
    """Negative log likelihood and prior over the grid, as far as ``effective_samples`` of a pair are independent."""
    heard = max(1, round(len(costs) * (1 - parameters.trimmed)))
    mean = np.sort(costs - costs.min(axis=1, keepdims=True), axis=0)[:heard].mean(axis=0)
    off = (_grid(parameters) - np.log(parameters.default)) / parameters.prior_sd
    return np.asarray(_scale(costs) * mean + 0.5 * off**2)


def _scale(costs: NDArray[np.float64]) -> float:
    """What a mean cost over pairs (N, grid) is to be multiplied by for a negative log likelihood."""
    noise = EgomotionParameters()
    return 0.5 * noise.robust_scale**2 * noise.effective_samples * len(costs)


def _bootstrap(costs: NDArray[np.float64], parameters: FocalLengthParameters) -> float:
    """Spread of ln f over draws of stretches of the video: pairs near in time err alike."""
    stretches = np.array_split(np.arange(len(costs)), min(STRETCHES, len(costs)))
    random = np.random.default_rng(0)
    draws = []
    for _ in range(DRAWS):
        drawn = np.concatenate([stretches[k] for k in random.integers(0, len(stretches), len(stretches))])
        draws.append(_minimum(costs[drawn], parameters)[0])
    low, high = np.percentile(draws, [15.87, 84.13])
    return float(high - low) / 2


def _by_principal_point(
    turns: list[tuple[Samples, Egomotion]], best: float, made_with: float, parameters: FocalLengthParameters
) -> float:
    """By how much ln f differs where the principal point lies off the assumed one, rightwards and downwards.

    Of the two cues of a fit, the flow off the epipolar lines of a wrong focal length depends on it, chirality does not.
    """
    off = parameters.principal_point_sd / made_with
    shifts = []
    for right, down in ((off, 0.0), (0.0, off)):
        moved = [(replace(samples, x=samples.x - right, y=samples.y - down), motion) for samples, motion in turns]
        shifts.append(_minimum(_all_costs(moved, made_with, parameters), parameters)[0] - best)
    return float(np.linalg.norm(shifts))


def _evidence(costs: NDArray[np.float64], best: float, parameters: FocalLengthParameters) -> float:
    """How much likelier the found focal length is than ones a third longer or shorter, natural logarithm."""
    total, grid = _total(costs, parameters), _grid(parameters)
    return float(min(np.interp([best - A_THIRD, best + A_THIRD], grid, total)) - total.min())


def sensitivity(samples: Samples, motion: Egomotion, parameters: EgomotionParameters | None = None) -> float:
    """How far a pair's percentiles depend on the focal length: the mean ``|z(0.75 f) - z(1.35 f)|``, 0 to 1.

    ``samples`` and ``motion`` are of the pair, made with f. 0 on a straight road; beyond 0.1 the pair should have no
    label while the focal length is unknown (reason ``f_sensitive``, LABELS 9.3 step 6, 11.17). Some 3 ms. LABELS has
    0.05, but on simulated turns the labels beyond that erred no more than the others.
    """
    parameters = parameters or EgomotionParameters()
    few = samples.thin(SENSITIVITY_SAMPLES)
    shorter, longer = (_percentiles_with(few, motion, factor, parameters) for factor in (0.75, 1.35))
    return float(np.mean(np.abs(shorter - longer)))


def _percentiles_with(
    samples: Samples, motion: Egomotion, factor: float, parameters: EgomotionParameters
) -> NDArray[np.float64]:
    """Percentiles of the depth of samples, fitted anew with ``factor`` times the focal length."""
    R, T = _seen_with(motion.R, motion.T, 1 / factor)
    x, y, u, v = (each / factor for each in (samples.x, samples.y, samples.u, samples.v))
    scaled = Samples(x, y, u, v, samples.inverse_sigma * factor)
    scale2 = parameters.robust_scale**2
    R, T, _, _ = refine(x, y, x + u, y + v, scaled.inverse_sigma, R, T, scale2, np.array([1.0]), 10)
    t = derotated(scaled, R)
    tau = epipolar_directions(scaled, T)
    farness = -np.maximum((t * tau).sum(axis=1), 0) / ((tau * tau).sum(axis=1) + 1e-9)
    order = np.sort(farness)  # equal ones share the middle of their places
    return (np.searchsorted(order, farness) + np.searchsorted(order, farness, side="right")) / (2 * len(samples))
