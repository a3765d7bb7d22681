"""How the camera moved between two frames, from the flow of the static scene (LABELS section 7)."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.egomotion_refinement import refine, rotation_matrix
from labels.flow import CONSISTENT, INSIDE, TEXTURED
from labels.heading_search import ANNEALING, HEADINGS, linear_heading, search


@dataclass(frozen=True)
class EgomotionParameters:
    """Noise, sampling and acceptance of the fit; lengths in pixels at a working width of 640."""

    noise_floor_px: float = 0.4  # s0: sigma^2 = s0^2 + (s1 |flow|)^2
    noise_relative: float = 0.03  # s1
    robust_scale: float = 2.5  # c of the Geman-McClure cost, in sigma
    heading_prior_deg: float = 10.0  # expected spread of the heading about straight ahead or back; 0 = no prior
    effective_samples: float = 100.0  # flow errors are correlated: what so many independent samples would tell
    sample_step_px: float = 4.0
    max_samples: int = 2500
    min_samples: int = 120
    search_samples: int = 500  # of them, for the grid of headings
    refined_candidates: int = 4
    max_tracked_cost: float = 0.12
    min_inlier_ratio: float = 0.5
    max_cost: float = 0.25
    max_violations: float = 0.10
    min_parallax_snr: float = 4.0
    max_focus_sd: float = 0.05  # of the width
    max_rotation_deg: float = 6.0
    min_parallax_sigma: float = 3.0  # what a rotation alone must leave, in s0


@dataclass(frozen=True)
class Egomotion:
    """Motion of the camera between two frames, in the conventions of ``labels``, with its quality.

    ``reason`` is empty where the fit is accepted, else the first check that it fails: ``few_samples``,
    ``no_parallax``, ``inlier_ratio``, ``cost``, ``chirality``, ``parallax_snr``, ``focus_sd``, ``rotation``,
    ``degenerate``.
    """

    R: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))  # (3, 3)
    T: NDArray[np.float64] = field(default_factory=lambda: np.array([0.0, 0.0, 1.0]))  # (3,), unit length
    reason: str = ""
    cost: float = np.nan  # mean robust cost, 0 to 1
    inlier_ratio: float = np.nan  # mean robust weight, 0 to 1
    violations: float = np.nan  # share of samples that would lie, significantly, behind the camera
    parallax_snr: float = np.nan  # median translational flow over median sigma
    median_translational_flow_px: float = np.nan
    focus_sd_px: float = np.nan  # standard deviation of the focus of expansion
    margin: float = np.nan  # cost of the best fit 15 degrees or more away, over the cost, minus 1; NaN if tracked
    covariance: NDArray[np.float64] = field(default_factory=lambda: np.full((5, 5), np.nan))  # rotation, 2 tangents
    samples: int = 0
    tracked: bool = False

    @property
    def accepted(self) -> bool:
        """Whether all checks of LABELS 7.7 hold."""
        return not self.reason

    @property
    def rotation_vector(self) -> NDArray[np.float64]:
        """W = (A, B, C) in radians with R = exp([w]x)."""
        return cv2.Rodrigues(self.R)[0][:, 0]

    @property
    def rotation_deg(self) -> float:
        """Angle of the rotation in degrees."""
        return float(np.rad2deg(np.linalg.norm(self.rotation_vector)))

    def focus_of_expansion(self, focal: float, principal_point: tuple[float, float]) -> tuple[float, float]:
        """The focus of expansion in pixels of the image; NaN where it lies at infinity."""
        if abs(self.T[2]) < 1e-6:
            return np.nan, np.nan
        return (
            float(principal_point[0] + focal * self.T[0] / self.T[2]),
            float(principal_point[1] + focal * self.T[1] / self.T[2]),
        )


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


def fit(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    focal: float,
    principal_point: tuple[float, float],
    parameters: EgomotionParameters | None = None,
    previous: Egomotion | None = None,
    frame_ratio: float = 1.0,
    usable: NDArray[np.bool_] | None = None,
) -> Egomotion:
    """Fit rotation and heading to a flow field.

    ``flow`` is (H, W, 2) pixels, ``support`` its (H, W) bits, ``focal`` and ``principal_point`` in pixels of the image.
    ``previous`` is the motion of a pair shortly before (the search then starts and mostly ends there) and
    ``frame_ratio`` the duration of this pair over that one's; ``usable`` (H, W) leaves out what is fixed to the car.
    Never raises for what the flow contains: ``Egomotion.reason`` says why there is no usable motion.
    """
    parameters = parameters or EgomotionParameters()
    unit = flow.shape[1] / 640
    samples = sample(flow, support, focal, principal_point, parameters, usable)
    if len(samples) < parameters.min_samples:
        return Egomotion(reason="few_samples", samples=len(samples))
    least = parameters.min_parallax_sigma * parameters.noise_floor_px * unit
    if _rotation_residual(samples) * focal < least:
        return Egomotion(reason="no_parallax", samples=len(samples))
    motion = _tracked(samples, parameters, previous, frame_ratio) if previous is not None else None
    if motion is None:
        motion = _cold(samples, parameters, previous, frame_ratio)
    if motion is None:
        return Egomotion(reason="degenerate", samples=len(samples))
    return _judged(motion, samples, focal, flow.shape[1], parameters)


def sample(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    focal: float,
    principal_point: tuple[float, float],
    parameters: EgomotionParameters,
    usable: NDArray[np.bool_] | None = None,
) -> Samples:
    """Consistent, textured flow on a grid (LABELS 7.2). Small flow stays: far points carry the rotation."""
    height, width = support.shape
    unit = width / 640
    step, border = max(1, round(parameters.sample_step_px * unit)), max(4, round(8 * unit))
    rows, columns = np.mgrid[border : height - border : step, border : width - border : step].reshape(2, -1)
    needed = CONSISTENT | INSIDE | TEXTURED
    keep = support[rows, columns] & needed == needed
    if usable is not None:
        keep &= usable[rows, columns]
    chosen = np.flatnonzero(keep)
    if len(chosen) > parameters.max_samples:
        chosen = chosen[np.linspace(0, len(chosen) - 1, parameters.max_samples).astype(np.int64)]
    rows, columns = rows[chosen], columns[chosen]
    vectors = flow[rows, columns].astype(np.float64)
    finite = np.isfinite(vectors).all(axis=1)
    rows, columns, vectors = rows[finite], columns[finite], vectors[finite]
    length = np.hypot(vectors[:, 0], vectors[:, 1])
    sigma = np.hypot(parameters.noise_floor_px * unit, parameters.noise_relative * length)
    return Samples(
        (columns - principal_point[0]) / focal,
        (rows - principal_point[1]) / focal,
        vectors[:, 0] / focal,
        vectors[:, 1] / focal,
        focal / sigma,
    )


def derotated(samples: Samples, R: NDArray[np.float64]) -> NDArray[np.float64]:
    """Translational flow (N, 2) of samples: the exact finite model of LABELS 1.2, normalised."""
    ends = R @ np.stack([samples.x + samples.u, samples.y + samples.v, np.ones_like(samples.x)])
    return np.stack([ends[0] / ends[2] - samples.x, ends[1] / ends[2] - samples.y], 1)


def _rotation_residual(samples: Samples) -> float:
    """Median length of what the best rotation alone leaves, normalised (LABELS 17.1, step 3)."""
    x, y = samples.x, samples.y
    B = np.concatenate([np.stack([x * y, -(1 + x * x), y], 1), np.stack([1 + y * y, -x * y, -x], 1)])
    target = np.concatenate([samples.u, samples.v])
    weight, rotation = np.ones(len(x)), np.zeros(3)
    for _ in range(6):
        both = np.concatenate([weight, weight])[:, None]
        rotation = np.linalg.lstsq(B.T @ (both * B), B.T @ (both[:, 0] * target), rcond=None)[0]
        residual = (target - B @ rotation).reshape(2, -1)
        weight = 1 / (1 + np.hypot(*residual) * samples.inverse_sigma)
    left = derotated(samples, rotation_matrix(rotation))
    return float(np.median(np.hypot(left[:, 0], left[:, 1])))


@dataclass(frozen=True)
class _Fit:
    R: NDArray[np.float64]
    T: NDArray[np.float64]
    normal: NDArray[np.float64]
    sums: NDArray[np.float64]  # cost, weight, weighted square, violations
    cost: float  # mean data cost
    total: float  # with the prior
    margin: float = np.nan
    tracked: bool = False


def _refined(
    samples: Samples,
    R: NDArray[np.float64],
    T: NDArray[np.float64],
    parameters: EgomotionParameters,
    annealing: tuple[float, ...],
    iterations: int,
) -> _Fit:
    scale2 = parameters.robust_scale**2
    x, y = samples.x, samples.y
    ends = x + samples.u, y + samples.v
    start = np.ascontiguousarray(R), np.ascontiguousarray(T / np.linalg.norm(T))
    R, T, normal, sums = refine(x, y, *ends, samples.inverse_sigma, *start, scale2, np.array(annealing), iterations)
    cost = float(sums[0] / len(samples))
    return _Fit(R, T, normal, sums, cost, cost + _prior(T, parameters))


def _prior(T: NDArray[np.float64], parameters: EgomotionParameters) -> float:
    """What the prior on the heading adds to the mean cost: two-sided, a little against reversing (LABELS 7.6, 11.3)."""
    if parameters.heading_prior_deg <= 0:
        return 0.0
    angle = np.rad2deg(np.arccos(min(1.0, abs(float(T[2])))))
    off = min(angle / parameters.heading_prior_deg, 6.0)
    penalty = 0.5 * off**2 / (0.5 * parameters.robust_scale**2 * parameters.effective_samples)
    return float(penalty + (0.002 if T[2] < 0 else 0.0))


def _scaled(previous: Egomotion, ratio: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return rotation_matrix(previous.rotation_vector * ratio), previous.T


def _tracked(samples: Samples, parameters: EgomotionParameters, previous: Egomotion, ratio: float) -> _Fit | None:
    """The fit that starts from the pair before, or None where it is not clearly as good."""
    fitted = _refined(samples, *_scaled(previous, ratio), parameters, (4.0, 1.0), 25)
    limit = min(parameters.max_tracked_cost, max(1.3 * previous.cost, 0.02))
    if not np.isfinite(fitted.cost) or fitted.cost > limit:
        return None
    return _Fit(**{**vars(fitted), "tracked": True})


def _cold(samples: Samples, parameters: EgomotionParameters, previous: Egomotion | None, ratio: float) -> _Fit | None:
    """The best fit over a grid of headings, the linear solution and the pair before."""
    few = samples.thin(parameters.search_samples)
    scale2, annealing = parameters.robust_scale**2, np.array(ANNEALING)
    flows = few.x, few.y, few.u, few.v, few.inverse_sigma
    costs, rotations, signs = search(*flows, HEADINGS, scale2, annealing)
    oriented = HEADINGS * signs[:, None]
    totals = costs + np.array([_prior(T, parameters) for T in oriented])
    best_first = np.argsort(totals)[: parameters.refined_candidates]
    candidates = [(rotation_matrix(rotations[k]), oriented[k]) for k in best_first]
    linear = linear_heading(samples.x, samples.y, samples.u, samples.v, np.ones(len(samples)))
    if linear is not None:
        _, rotation, sign = search(*flows, linear[None], scale2, annealing)
        candidates.append((rotation_matrix(rotation[0]), linear * sign[0]))
    if previous is not None:
        candidates.append(_scaled(previous, ratio))
    fits = [_refined(few, R, T, parameters, (16.0, 4.0, 1.0), 8) for R, T in candidates]
    fits = [each for each in fits if np.isfinite(each.total)]
    if not fits:
        return None
    winner = min(fits, key=lambda each: each.total)
    best = _refined(samples, winner.R, winner.T, parameters, (1.0,), 25)
    far = totals[np.abs(oriented @ best.T) < np.cos(np.deg2rad(15))]
    margin = float(far.min() / max(winner.total, 1e-9) - 1) if far.size else np.nan
    return _Fit(**{**vars(best), "margin": margin})


def _judged(motion: _Fit, samples: Samples, focal: float, width: int, parameters: EgomotionParameters) -> Egomotion:
    """The result with its uncertainty (LABELS 7.7)."""
    n = len(samples)
    _, weight, squares, violations = motion.sums
    translational = derotated(samples, motion.R)
    median_flow = float(np.median(np.hypot(translational[:, 0], translational[:, 1])))
    covariance = np.full((5, 5), np.nan)
    if np.linalg.cond(motion.normal) < 1e12:
        spread = squares / max(weight, 1e-9) * max(1.0, n / parameters.effective_samples)
        covariance = np.linalg.inv(motion.normal) * spread
    known = np.isfinite(covariance).all()
    tangent_sd = np.sqrt(max(np.linalg.eigvalsh(covariance[3:, 3:]).max(), 0.0)) if known else np.nan
    found = Egomotion(
        R=motion.R,
        T=motion.T,
        cost=motion.cost,
        inlier_ratio=float(weight / n),
        violations=float(violations / n),
        parallax_snr=median_flow * float(np.median(samples.inverse_sigma)),
        median_translational_flow_px=median_flow * focal,
        focus_sd_px=float(focal * tangent_sd / max(motion.T[2] ** 2, 1e-6)),
        margin=motion.margin,
        covariance=covariance,
        samples=n,
        tracked=motion.tracked,
    )
    return Egomotion(**{**vars(found), "reason": _complaint(found, width, parameters)})


def _complaint(found: Egomotion, width: int, parameters: EgomotionParameters) -> str:
    checks = {
        "degenerate": np.isfinite(found.cost) and np.isfinite(found.focus_sd_px),
        "parallax_snr": found.parallax_snr >= parameters.min_parallax_snr,
        "inlier_ratio": found.inlier_ratio >= parameters.min_inlier_ratio,
        "cost": found.cost <= parameters.max_cost,
        "chirality": found.violations <= parameters.max_violations,
        "focus_sd": found.focus_sd_px <= parameters.max_focus_sd * width,
        "rotation": found.rotation_deg <= parameters.max_rotation_deg,
    }
    return next((name for name, holds in checks.items() if not holds), "")
