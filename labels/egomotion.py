"""How the camera moved between two frames, from the flow of the static scene (LABELS section 7).

``fit`` starts from the motion of the pair before or searches a grid of headings (``egomotion_search``), and refines
with the exact finite model. Given the frames too, it measures the flow anew where they tell it best
(``photometric_samples``) and fits the motion to that: two to four times as exact.
"""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.egomotion_parameters import METHODS, EgomotionParameters
from labels.egomotion_refinement import rotation_matrix
from labels.egomotion_relief import relief
from labels.egomotion_search import Fit, Prior, cold, refined, tracked
from labels.egomotion_vibration import row_shifts
from labels.flow import grey
from labels.flow_samples import Samples, derotated, measured_anew, sample
from labels.heading_search import rotation_alone
from labels.reference_consensus import AGREES_PX, agreed_motion
from labels.reference_egomotion import reference_motion

__all__ = ["Egomotion", "EgomotionParameters", "Samples", "derotated", "fit", "sample"]

AHEAD = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Egomotion:
    """Motion of the camera between two frames, in the conventions of ``labels``, with its quality.

    ``reason`` is empty where the fit is accepted, else the first check that it fails: ``few_samples``,
    ``no_parallax``, ``degenerate``, ``parallax_snr``, ``inlier_ratio``, ``cost``, ``vibration``, ``chirality``,
    ``focus_sd``, ``planar``, ``rotation``, ``margin``, ``heading``.
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
    margin: float = np.nan  # cost of the best fit 15 degrees or more away, over the cost, minus 1; NaN if not searched
    condition: float = np.nan  # of the normal matrix
    relief: float = np.nan  # of the scene, see ``labels.egomotion_relief``
    row_shift_px: float = np.nan  # largest shift of a band of rows against the motion, at a width of 640
    covariance: NDArray[np.float64] = field(default_factory=lambda: np.full((5, 5), np.nan))  # rotation, 2 tangents
    samples: int = 0
    tracked_pairs: int = 0  # how many pairs in a row, this one included, started from the pair before

    @property
    def tracked(self) -> bool:
        """Whether the fit started from the pair before."""
        return self.tracked_pairs > 0

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


def fit(
    flow: NDArray[np.float32],
    support: NDArray[np.uint8],
    focal: float,
    principal_point: tuple[float, float],
    parameters: EgomotionParameters | None = None,
    previous: Egomotion | None = None,
    frame_ratio: float = 1.0,
    usable: NDArray[np.bool_] | None = None,
    heading: NDArray[np.float64] | None = None,
    images: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None,
) -> Egomotion:
    """Fit rotation and heading to a flow field.

    ``flow`` is (H, W, 2) pixels, ``support`` its (H, W) bits, ``focal`` and ``principal_point`` in pixels of the image.
    ``previous`` is the motion of a pair shortly before (the search then starts and mostly ends there) and
    ``frame_ratio`` the duration of this pair over that one's; ``usable`` (H, W) leaves out what is fixed to the car.
    ``heading`` (3,) is the usual one of the video, straight ahead without. ``images`` are the two frames, (H, W) grey
    or (H, W, 3) RGB ``uint8``: with them the motion is measured more exactly. Raises ``ValueError`` for an unknown
    method, images of another size, or a heading of no direction, never for what the flow contains:
    ``Egomotion.reason`` says why there is no usable motion.
    """
    parameters = parameters or EgomotionParameters()
    if parameters.method not in METHODS:
        raise ValueError(f"egomotion: unknown method {parameters.method!r}; known: {', '.join(METHODS)}")
    prior, frames = Prior.of(_usual(heading), parameters), _frames(images, support.shape)
    samples = sample(flow, support, focal, principal_point, parameters, usable)
    if len(samples) < parameters.min_samples:
        return Egomotion(reason="few_samples", samples=len(samples))
    if parameters.method == "reference":
        return _reference(samples, focal, flow.shape[1], parameters, previous, frame_ratio)
    least = parameters.min_parallax_sigma * parameters.noise_floor_px * flow.shape[1] / 640
    if _rotation_residual(samples.thin(parameters.search_samples)) * focal < least:
        return Egomotion(reason="no_parallax", samples=len(samples))
    start = None if previous is None else (rotation_matrix(previous.rotation_vector * frame_ratio), previous.T)
    motion = None
    if previous is not None and start is not None and previous.tracked_pairs < parameters.max_tracked_pairs:
        limit = min(parameters.max_tracked_cost, max(1.3 * previous.cost, 0.02))
        motion = tracked(samples, start, limit, parameters, prior)
        motion = motion and replace(motion, tracked_pairs=previous.tracked_pairs + 1)
    if motion is None:
        motion = cold(samples, start, parameters, prior)
    if motion is None:
        return Egomotion(reason="degenerate", samples=len(samples))
    exact = motion
    if frames is not None and parameters.photometric_samples:
        anew = measured_anew(flow, support, frames, motion.T, focal, principal_point, parameters, usable)
        motion, exact = _exact(motion, samples, anew, parameters, prior)
    found = _judged(motion, exact, samples, focal, flow.shape[1], parameters)
    astray = heading is not None and abs(found.T @ prior.usual) < np.cos(np.deg2rad(parameters.max_off_deg))
    return replace(found, reason="heading") if found.accepted and astray else found


def _usual(heading: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if heading is None:
        return AHEAD
    length = float(np.linalg.norm(heading))
    if np.shape(heading) != (3,) or not (np.isfinite(length) and length > 0):
        raise ValueError(f"egomotion: the usual heading must be three finite numbers, not all zero; got {heading}")
    return np.asarray(heading, np.float64) / length


def _frames(
    images: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None, shape: tuple[int, ...]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
    if images is None:
        return None
    frames = grey(images[0]), grey(images[1])
    if frames[0].shape != shape or frames[1].shape != shape:
        sizes = " and ".join(str(frame.shape) for frame in frames)
        raise ValueError(f"egomotion: images of {sizes} do not go with a flow of {shape}")
    return frames


def _reference(
    samples: Samples, focal: float, width: int, parameters: EgomotionParameters, before: Egomotion | None, ratio: float
) -> Egomotion:
    """The motion as the paper finds it; it has no checks, so it is accepted as it is."""
    if before is None:
        found = agreed_motion(samples, focal, AGREES_PX * width / 640)
    else:
        found = reference_motion(samples, focal, before.rotation_vector * ratio)
    fitted = refined(samples, found, parameters, Prior.of(AHEAD, parameters), (1.0,), 0)
    return replace(_judged(fitted, fitted, samples, focal, width, parameters), reason="")


def _exact(
    motion: Fit, samples: Samples, anew: Samples, parameters: EgomotionParameters, prior: Prior
) -> tuple[Fit, Fit]:
    """The motion by the flow measured anew: as the given samples see it, and as the new ones do.

    The motion that was, twice, where the frames do not tell enough or lead away from what the flow says.
    """
    if len(anew) < parameters.min_samples:
        return motion, motion
    exact = refined(anew, (motion.R, motion.T), parameters, prior, (4.0, 1.0), 25)
    seen = refined(samples, (exact.R, exact.T), parameters, prior, (1.0,), 0)
    if not (np.isfinite(exact.cost) and seen.cost <= 1.3 * motion.cost + 0.02):
        return motion, motion
    return replace(seen, margin=motion.margin, tracked_pairs=motion.tracked_pairs), exact


def _rotation_residual(samples: Samples) -> float:
    """Median length of what the best rotation alone leaves, normalised (LABELS 17.1, step 3)."""
    rotation = rotation_alone(samples.x, samples.y, samples.u, samples.v, samples.inverse_sigma)
    left = derotated(samples, rotation_matrix(rotation))
    return float(np.median(np.hypot(left[:, 0], left[:, 1])))


def _judged(
    motion: Fit, exact: Fit, samples: Samples, focal: float, width: int, parameters: EgomotionParameters
) -> Egomotion:
    """The result with its uncertainty, that of the ``exact`` fit, and its checks (LABELS 7.7)."""
    n = len(samples)
    _, weight, _, violations = motion.sums
    translational = derotated(samples, motion.R)
    shifts = row_shifts(samples, translational, motion.T, parameters.robust_scale)
    median_flow = float(np.median(np.hypot(translational[:, 0], translational[:, 1])))
    covariance = _covariance(exact, parameters)
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
        condition=float(np.linalg.cond(motion.normal)),
        relief=relief(samples, translational, motion.T),
        row_shift_px=float(np.linalg.norm(shifts, axis=1).max()) * focal * 640 / width,
        covariance=covariance,
        samples=n,
        tracked_pairs=motion.tracked_pairs,
    )
    return replace(found, reason=_complaint(found, width, parameters))


def _covariance(exact: Fit, parameters: EgomotionParameters) -> NDArray[np.float64]:
    """Of rotation and heading, (5, 5); NaN where the samples do not determine them."""
    if not np.linalg.cond(exact.normal) < 1e12:
        return np.full((5, 5), np.nan)
    spread = exact.sums[2] / max(exact.sums[1], 1e-9) * max(1.0, exact.samples / parameters.effective_samples)
    return np.linalg.inv(exact.normal) * spread


def _complaint(found: Egomotion, width: int, parameters: EgomotionParameters) -> str:
    sure = parameters.heading_prior_deg > 0 or found.tracked or found.margin >= parameters.min_margin
    checks = {
        "degenerate": np.isfinite(found.cost) and np.isfinite(found.focus_sd_px),
        "parallax_snr": found.parallax_snr >= parameters.min_parallax_snr,
        "inlier_ratio": found.inlier_ratio >= parameters.min_inlier_ratio,
        "cost": found.cost <= parameters.max_cost,
        "vibration": found.row_shift_px <= parameters.max_row_shift_px or found.cost <= parameters.max_vibrating_cost,
        "chirality": found.violations <= parameters.max_violations,
        "focus_sd": found.focus_sd_px <= parameters.max_focus_sd * width,
        "planar": found.condition <= parameters.max_condition and found.relief >= parameters.min_relief,
        "rotation": found.rotation_deg <= parameters.max_rotation_deg,
        "margin": sure,
    }
    return next((name for name, holds in checks.items() if not holds), "")
