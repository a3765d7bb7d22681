"""Moving things over consecutive pairs: each keeps its own direction, and what a pair says changes what was believed.

The sequential Bayesian segmentation of Bideau and Learned-Miller (ECCV 2016, CVPR 2018; LABELS 8.3): posteriors of the
background and of every moving component are carried along the flow and become the priors of the next pair. It starts,
and starts again where the background is lost, from the segmentation of one pair, not by peeling an error map.
"""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from labels.egomotion import Egomotion
from labels.flow import CONSISTENT
from labels.motion_segmentation import SegmentationParameters, aggregated, cleaned, segment, still_log_ratio
from labels.object_depth import own_heading

FLOATS = NDArray[np.float32]


@dataclass(frozen=True)
class SequentialParameters:
    """How components are carried and found; lengths in pixels at a working width of 640 where no unit is given."""

    pair: SegmentationParameters = field(default_factory=SegmentationParameters)
    most_components: int = 15
    min_area: float = 1e-4  # of the frame: smaller components are dropped
    location_range: float = 0.05  # of (H + W) / 2: how far a component may be from where it is expected
    least_gain: float = 1.0  # mean log likelihood ratio, own direction to the still one, that keeps a component
    least_told: float = 0.2  # of a component: where less of it has flow, a pair says nothing of it
    prior_blur_px: float = 1.75
    carried_blur_px: float = 1.0


class MotionComponents:
    """What is believed of a shot's frames; ``step`` takes its pairs in their order, each the next one's predecessor."""

    def __init__(self, parameters: SequentialParameters | None = None) -> None:
        self.parameters = parameters or SequentialParameters()
        self._carried: NDArray[np.float32] | None = None

    def reset(self) -> None:
        """Forget all: after a cut, or a pair that was left out."""
        self._carried = None

    def step(
        self,
        flow: NDArray[np.float32],
        support: NDArray[np.uint8],
        motion: Egomotion,
        focal: float,
        principal_point: tuple[float, float],
        noise: tuple[float, float],
        images: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None,
    ) -> NDArray[np.uint8]:
        """Labels (H, W) of the pair's first frame: 0 still, 1 ... the moving components. Arguments as ``segment``'s."""
        camera = (focal, principal_point, noise)
        found = segment(flow, support, motion, *camera, self.parameters.pair, images)
        if self._carried is None or self._carried.shape[1:] != support.shape:
            labels, posteriors = self._started(found)
        else:
            labels, posteriors = self._continued(flow, support, motion, camera, found)
            if np.count_nonzero(labels == 0) < self._least(labels):
                labels, posteriors = self._started(found)
        moved = [_carry(each, flow, self.parameters.carried_blur_px) for each in posteriors]
        self._carried = np.stack(moved) if moved else np.zeros((0, *support.shape), np.float32)
        return labels

    def _least(self, labels: NDArray) -> float:
        return self.parameters.min_area * labels.size

    def _started(self, found: NDArray[np.bool_]) -> tuple[NDArray[np.uint8], list[FLOATS]]:
        labels = self._components(found, 0)
        return labels, [(labels == k).astype(np.float32) for k in range(1, labels.max() + 1)]

    def _components(self, mask: NDArray[np.bool_], taken: int) -> NDArray[np.uint8]:
        """Connected regions from 1 on, the largest first, as many as there is room for."""
        _, regions, statistics, _ = cv2.connectedComponentsWithStats(mask.view(np.uint8), connectivity=8)
        area = statistics[:, cv2.CC_STAT_AREA].copy()
        area[0] = 0
        order = [k for k in np.argsort(-area) if area[k] >= self._least(mask)]
        table = np.zeros(len(area), np.uint8)
        for number, region in enumerate(order[: self.parameters.most_components - taken]):
            table[region] = number + 1
        return table[regions]

    def _continued(
        self, flow: FLOATS, support: NDArray[np.uint8], motion: Egomotion,
        camera: tuple[float, tuple[float, float], tuple[float, float]], found: NDArray[np.bool_],
    ) -> tuple[NDArray[np.uint8], list[FLOATS]]:  # fmt: skip
        """Posteriors of pixels from the priors carried here; new regions become components."""
        assert self._carried is not None
        # likelihoods over that of a new motion
        still = self._evidence(flow, support, motion, camera)
        kept, evidence = [], [still]
        for each in self._carried:
            region = each > 0.5
            if np.count_nonzero(region) < self._least(region):
                continue
            told = region & (support & CONSISTENT != 0)
            seen = np.count_nonzero(told) > self.parameters.least_told * np.count_nonzero(region)
            heading = own_heading(flow, told, motion.R, camera[0], camera[1]) if seen else None
            own = still if heading is None else self._evidence(flow, support, replace(motion, T=heading), camera)
            # what has come to move like the still scene stands still, unless this pair alone says that it moves
            if (
                heading is None
                or (own - still)[region].mean() > self.parameters.least_gain
                or found[region].mean() > 0.5
            ):
                kept.append(each)
                evidence.append(own)
        priors = self._priors(kept)
        weights = np.stack([*(p * np.exp(e) for p, e in zip(priors, evidence)), priors[-1]])
        posterior = weights / weights.sum(axis=0)
        order = posterior.argmax(axis=0)
        new = (order == len(kept) + 1) & found
        runner_up = posterior[:-1].argmax(axis=0)
        labels = np.where(order == len(kept) + 1, runner_up, order).astype(np.uint8)
        labels[(labels > 0) & ~cleaned(labels > 0, self.parameters.pair)] = 0
        posteriors = [*posterior[1:-1]]
        regions = self._components(new & (labels == 0), len(kept))
        for number in range(1, regions.max() + 1):
            region = regions == number
            # what touches a component is part of it, of the one that explains it best
            touched = np.unique(labels[cv2.dilate(region.view(np.uint8), np.ones((3, 3), np.uint8)) > 0])
            gains = {k: float((evidence[k] - still)[region].mean()) for k in touched if 0 < k < len(evidence)}
            best = max(gains, key=lambda k: gains[k], default=0)
            if not best:
                posteriors.append(np.zeros(region.shape, np.float32))
                best = len(posteriors)
            labels[region] = best
            posteriors[best - 1] = np.where(region, np.float32(1), posteriors[best - 1])
        return labels, posteriors

    def _evidence(
        self, flow: FLOATS, support: NDArray[np.uint8], motion: Egomotion,
        camera: tuple[float, tuple[float, float], tuple[float, float]],
    ) -> FLOATS:  # fmt: skip
        ratio = still_log_ratio(flow, support, motion, *camera, self.parameters.pair)[0]
        return aggregated(ratio, support, self.parameters.pair)

    def _priors(self, kept: list[FLOATS]) -> list[FLOATS]:
        """Of the background, the components and a new motion, (H, W) each; they sum to one."""
        assert self._carried is not None
        height, width = self._carried.shape[1:]
        new = 1 / (len(kept) + 2)
        reach = self.parameters.location_range * (height + width) / 2
        fields = [np.clip(1 - sum(kept, np.zeros((height, width), np.float32)), 0, 1)]
        for each in kept:
            distance = cv2.distanceTransform((each <= 0.5).astype(np.uint8), cv2.DIST_L2, 3)
            fields.append(each * np.square(1 - np.minimum(distance, reach) / reach))
        blurred = [cv2.GaussianBlur(each, (7, 7), self.parameters.prior_blur_px) + np.float32(1e-6) for each in fields]
        total = sum(blurred[1:], blurred[0].copy())
        return [*((1 - new) * each / total for each in blurred), np.full((height, width), new, np.float32)]


def _carry(posterior: FLOATS, flow: FLOATS, blur_px: float) -> FLOATS:
    """A posterior in the next frame: moved by the rounded flow, collisions averaged, holes filled from around."""
    total, count = _splat(posterior, flow)
    spread = {"ksize": (7, 7), "sigmaX": 1.75}
    filled = cv2.GaussianBlur(total, **spread) / np.maximum(cv2.GaussianBlur(count, **spread), 1e-3)
    moved = np.where(count > 0, total / np.maximum(count, 1), np.minimum(filled, 1))
    return cv2.GaussianBlur(moved.astype(np.float32), (3, 3), blur_px)


@njit(cache=True, nogil=True)
def _splat(posterior: FLOATS, flow: FLOATS) -> tuple[FLOATS, FLOATS]:
    height, width = posterior.shape
    total, count = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            x2, y2 = x + flow[y, x, 0], y + flow[y, x, 1]
            if x2 > -0.5 and y2 > -0.5 and x2 < width - 0.5 and y2 < height - 0.5:  # not NaN
                column, row = int(x2 + 0.5), int(y2 + 0.5)
                total[row, column] += posterior[y, x]
                count[row, column] += 1
    return total, count
