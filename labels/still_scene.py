"""The flow of what stands still: on epipolar lines, lost matches found again, planes between them (LABELS 4.8)."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from labels import epipolar, line_texture, matching, parallax_interpolation, photometric_samples, rematching, road
from labels.epipolar import CameraMotion, Epipolar
from labels.parallax_interpolation import PlaneParameters
from labels.photometric_samples import PhotometricNoise
from labels.rematching import RematchingParameters
from labels.road import RoadParameters
from labels.seeds import Pair, SeedParameters, Seeds, agreeing, to_subpixels

FITTED = 1000
"""Matches that the camera's motion is fitted to."""


@dataclass(frozen=True)
class StillParameters:
    """How the still scene is told and fitted; a part that is None is left out."""

    least_share: float = 0.6
    """Share of the matches that must lie on the epipolar lines of one motion for it to be the camera's."""
    least_matches: int = 200
    faint_share: float = 0.65
    """Share of the seeds below the horizon that must tell little for the camera's motion to be measured anew,"""
    measured: int = 3000
    """at so many of the others,"""
    noise: PhotometricNoise = field(default_factory=PhotometricNoise)
    """with these errors."""
    texture: float = 4.0
    """Contrast along the epipolar line, squared grey levels, at which a match has half its weight."""
    least_weight: float = 0.08
    """Weight below which a match supports no pixel."""
    stray_px: float = 2.5
    """Matches farther off their line are searched again."""
    planes: PlaneParameters = field(default_factory=PlaneParameters)
    rematching: RematchingParameters | None = field(default_factory=RematchingParameters)
    road: RoadParameters | None = field(default_factory=RoadParameters)


@dataclass(frozen=True)
class Camera:
    """The camera's motion and what follows from it."""

    motion: CameraMotion
    line: Epipolar
    """Lines in frame 2 of the points of frame 1."""
    texture: NDArray[np.float32]
    """(rows, columns, 2): contrast at the seeds along and across their lines (``line_texture``)."""
    products: NDArray[np.float32]
    """(rows, columns, 3): what that is computed from, whatever the lines."""

    @property
    def horizon(self) -> float:
        """The pixel row of the focus of expansion, where a road that the camera drives along ends."""
        return float(self.line.cy + self.motion.focal * self.motion.T[1] / max(self.motion.T[2], 1e-3))


def camera(pair: Pair, seeds: Seeds, parameters: StillParameters) -> Camera | None:
    """The camera's motion from the matches; None where they do not share one.

    A second fit takes only matches with contrast both along and across their lines, if there are enough.
    """
    chosen = seeds.weights > 0
    if np.count_nonzero(chosen) < parameters.least_matches:
        return None
    motion = _motion_of(pair, seeds, chosen)
    line = epipolar.geometry(motion, *pair.grey1.shape)
    products = line_texture.gradient_products(pair.guide, *seeds.weights.shape, *seeds.place)
    texture = line_texture.along_lines(products, seeds.displacements, *seeds.place, line)
    textured = chosen & (np.minimum(texture[..., 0], texture[..., 1]) > parameters.texture)
    if np.count_nonzero(textured) >= parameters.least_matches:
        motion = _motion_of(pair, seeds, textured)
    if motion.near < parameters.least_share:
        return None
    return Camera(motion, epipolar.geometry(motion, *pair.grey1.shape), texture, products)


def _motion_of(pair: Pair, seeds: Seeds, chosen: NDArray[np.bool_]) -> CameraMotion:
    rows, columns = _spread(chosen, FITTED)
    starts = np.stack([seeds.x[columns], seeds.y[rows, 0]], 1)
    return epipolar.camera_motion(starts, starts + seeds.displacements[rows, columns], *pair.grey1.shape)


def _spread(chosen: NDArray[np.bool_], most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the ``chosen`` seeds, or of so many of them."""
    rows, columns = np.nonzero(chosen)
    some = np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(np.int64)
    return rows[some], columns[some]


def measured_anew(
    pair: Pair, seeds: Seeds, camera: Camera, levels: NDArray[np.float32], parameters: StillParameters,
    ground_slope: float | None = None,
) -> Camera:  # fmt: skip
    """The camera by what the frames say where the road's plane is taken for faint asphalt; else as it is.

    Matches in coded video err alike over whole blocks and lead the heading astray by degrees. Where a first flow lays
    the frames over each other, the grey levels tell better, those of the road before all. On drives at H.264 crf 28
    that cuts the heading's error to between a half and a fifth.
    """
    if parameters.road is None:
        return camera
    line = camera.line
    seeds = replace(seeds, weights=seeds.weights * _telling(camera, parameters))
    weak = road.weak_share(seeds, camera.horizon, pair.grey1.shape[0], parameters.road)
    if weak < parameters.faint_share:
        return camera
    parallaxes = epipolar.parallaxes(seeds.displacements, *seeds.place, line)
    limits = rematching.limits(parallaxes, seeds.weights >= parameters.least_weight)
    flow, robust, nearest = _surfaces(pair, seeds, parallaxes, camera, limits, levels, parameters, ground_slope)
    if nearest == 0:
        return camera
    firm = agreeing(robust, seeds.weights) & (seeds.weights >= parameters.least_weight)
    rows, columns = _spread(firm, parameters.measured)
    places = seeds.grid.x0 + seeds.grid.step * columns, seeds.grid.y0 + seeds.grid.step * rows
    kept, vectors, sigma = photometric_samples.measured(
        (pair.grey1, pair.grey2), flow, places, _focus(line), parameters.noise
    )
    if np.count_nonzero(kept) < parameters.least_matches:
        return camera
    starts = np.stack(places, 1)[kept].astype(np.float64)
    motion = epipolar.refitted(camera.motion, starts, starts + vectors, sigma, *pair.grey1.shape)
    line = epipolar.geometry(motion, *pair.grey1.shape)
    texture = line_texture.along_lines(camera.products, seeds.displacements, *seeds.place, line)
    return Camera(motion, line, texture, camera.products)


def _focus(line: Epipolar) -> tuple[float, float, float]:
    """Where the lines meet, in homogeneous pixels."""
    x, y, w = line.e
    return float(x * line.scale + w * line.cx), float(y * line.scale + w * line.cy), float(w)


def still_flow(
    pair: Pair, seeds: Seeds, parallaxes: NDArray[np.float64], camera: Camera, levels: NDArray[np.float32],
    parameters: StillParameters, matching_parameters: SeedParameters, moving: NDArray[np.bool_],
    ground_slope: float | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:  # fmt: skip
    """Flow (H, W, 2) as if all stood still, and robust weights (rows, columns) of the seeds.

    ``parallaxes`` (rows, columns, 3) are those of ``seeds``. Changes both: lost matches are found again, faint ones
    lose weight, asphalt takes the road's plane.
    """
    line, telling = camera.line, _telling(camera, parameters)
    weights = seeds.weights * telling
    planes, robust = parallax_interpolation.fit_planes(parallaxes, weights, seeds.along, parameters.planes)
    good = agreeing(robust, weights) & (weights >= parameters.least_weight)
    least, greatest = rematching.limits(parallaxes, good)
    if parameters.rematching:
        line_back = epipolar.geometry(camera.motion.back(), *pair.grey1.shape)
        back = rematching.parallaxes_back(seeds.displacements, *seeds.place, line_back)
        found = rematching.rematch(
            pair.census1[0], pair.census2[0], pair.guide, seeds.matches,
            _costs(seeds, parallaxes, parameters.stray_px, parameters.rematching, moving),
            parallax_interpolation.predicted(planes, *seeds.place, line, least, greatest), seeds.grid, line, line_back,
            (least, greatest), rematching.limits(back, good), parameters.rematching,
        )  # fmt: skip
        again = to_subpixels(pair, seeds.grid, seeds.matches, found, matching_parameters)
        seeds.displacements = np.where(found[..., None], again, seeds.displacements)
        kept = found | (seeds.weights > 0)
        seeds.weights = matching.without_isolated(seeds.displacements, kept, seeds.grid.step)
        parallaxes = epipolar.parallaxes(seeds.displacements, *seeds.place, line)
    seeds.weights = seeds.weights * telling
    limits = least, greatest
    flow, robust, _ = _surfaces(pair, seeds, parallaxes, camera, limits, levels, parameters, ground_slope)
    return flow, robust


def _telling(camera: Camera, parameters: StillParameters) -> NDArray[np.float32]:
    """How much the matches tell of their place on their lines, 0 to 1, (rows, columns)."""
    return camera.texture[..., 0] / (camera.texture[..., 0] + parameters.texture)


def _surfaces(
    pair: Pair, seeds: Seeds, parallaxes: NDArray[np.float64], camera: Camera, limits: tuple[float, float],
    levels: NDArray[np.float32], parameters: StillParameters, ground_slope: float | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32], float]:  # fmt: skip
    """Flow (H, W, 2) through planes, robust weights of the seeds, and the road's greatest parallax, 0 without one.

    Changes ``seeds`` and ``parallaxes`` where the road's plane is taken.
    """
    (least, greatest), nearest = limits, 0.0
    if parameters.road:
        nearest = road.take(pair, seeds, parallaxes, camera.line, camera.horizon, parameters.road, ground_slope)
        least, greatest = min(least, 0.0), max(greatest, 1.2 * nearest)
    planes, robust = parallax_interpolation.fit_planes(parallaxes, seeds.weights, seeds.along, parameters.planes)
    limits = least, greatest
    flow = parallax_interpolation.interpolate(planes, pair.guide, seeds.grid, camera.line, limits, levels)
    return flow, robust, nearest


def _costs(
    seeds: Seeds, parallaxes: NDArray[np.float64], stray_px: float, parameters: RematchingParameters,
    moving: NDArray[np.bool_],
) -> NDArray[np.int32]:  # fmt: skip
    """Cost that a match on its line may have at each seed, (rows, columns); -1 where the seed's own match stays."""
    stray = (np.abs(parallaxes[..., 2]) > stray_px) & (seeds.weights > 0)
    most = np.where((seeds.weights == 0) | stray, parameters.max_cost, -1).astype(np.int32)
    moving = stray & moving
    most[moving] = np.minimum(most[moving], seeds.matches[moving, 2] + parameters.mover_margin)
    return most
