"""The pair rule of the unsupervised edge detector: motion judged by a homography (LABELS 3.1, its reference 42).

All of it at half resolution. The first frame of a pair is any frame, its partner one to four frames ahead.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.image_quality import blockiness


@dataclass(frozen=True)
class HomographyParameters:
    """Limits of the rule; lengths in pixels at half resolution."""

    reach: int = 4  # frames that the partner may be ahead
    tries: int = 3  # partners tried for a frame
    features: int = 2000  # ORB features sought
    fewest_features: int = 50  # in either frame
    fewest_matches: int = 30
    cell_px: int = 32  # matches are thinned to the strongest per cell of this size
    per_cell: int = 5
    ransac_px: float = 1.2
    slow_video_px: float = 1.5  # both shifts below this: too slow, for video files
    slow_images_px: float = 0.8  # the same for folders of images
    fast_px: float = 16.0  # either shift above this: too fast
    quality_video: float = 8.0  # least blockiness score, for video files
    quality_images: float = 7.0  # the same for folders of images
    quality_ratio: float = 0.2  # largest difference of the ratio of both scores from 1
    plane: float = 1e-3  # least |H01| or |H10|: below, the image plane only shifts and scales
    most_pairs: int = 160  # pairs of a video
    middle: float = 0.8  # the share of the accepted pairs, in order, that these are drawn from
    seed: int = 0


@dataclass(frozen=True)
class HomographyPairs:
    """A row a frame: ``second`` (-1 = none) is the partner's row, ``reason`` why there is no pair (empty = kept)."""

    second: NDArray[np.int64]
    reason: NDArray[np.str_]


@dataclass(frozen=True)
class Features:
    """What the rule keeps of a frame."""

    quality: float
    points: NDArray[np.float32]
    strengths: NDArray[np.float32]
    descriptors: NDArray[np.uint8] | None


def select_by_homography(
    frames: Iterable[NDArray[np.uint8]],
    video_id: str,
    kind: str = "video",
    usable: NDArray[np.bool_] | None = None,
    parameters: HomographyParameters | None = None,
    shot: NDArray[np.int64] | None = None,
) -> HomographyPairs:
    """Choose pairs of a video in one pass; its frames are (H, W) or (H, W, 3) RGB ``uint8`` of one size.

    ``kind`` is ``video`` or ``images``. ``usable`` marks frames that may be in a pair (duplicates may not), all by
    default; ``shot`` numbers the shots, of which a pair has one (see ``labels.shots.Shots``). The choice depends on
    the frames, ``video_id`` and the seed alone. Reasons: ``unusable``, ``end_of_shot`` (no frame ahead), ``blocky``,
    ``few_features``, ``few_matches``, ``slow``, ``fast``, ``plane`` (only shift and scale), of the last partner
    tried; ``outside_middle``, ``not_drawn`` for accepted pairs beyond the quota.
    """
    parameters = parameters or HomographyParameters()
    seed = [parameters.seed, crc32(video_id.encode())]
    second: list[int] = []
    reason: list[str] = []
    for row, here, near in _windows(frames, usable, parameters):
        ahead = near if shot is None else [(other, each) for other, each in near if shot[other] == shot[row]]
        partner, why = (-1, "unusable") if here is None else _find(row, here, ahead, kind, seed, parameters)
        second.append(partner)
        reason.append(why)
    pairs = HomographyPairs(np.array(second, np.int64), np.array(reason, "<U16"))
    _draw(pairs, np.random.default_rng(seed), parameters)
    return pairs


def judge_pair(first: Features, second: Features, kind: str, parameters: HomographyParameters) -> str:
    """Why two frames are no pair by the rule; empty where they are."""
    least = parameters.quality_video if kind == "video" else parameters.quality_images
    if min(first.quality, second.quality) < least:
        return "blocky"
    if abs(first.quality / second.quality - 1) > parameters.quality_ratio:
        return "blocky"
    if min(len(first.points), len(second.points)) < parameters.fewest_features:
        return "few_features"
    mutual = _mutual(first, second)
    if len(mutual) < parameters.fewest_matches:
        return "few_matches"
    matches = _thinned(first, mutual, parameters)
    if len(matches) < 4:  # what a homography takes
        return "few_matches"
    cv2.setRNGSeed(0)
    homography, _ = cv2.findHomography(
        first.points[matches[:, 0]], second.points[matches[:, 1]], cv2.RANSAC, parameters.ransac_px
    )
    return "few_matches" if homography is None else judge_homography(homography, kind, parameters)


def judge_homography(homography: NDArray[np.float64], kind: str, parameters: HomographyParameters) -> str:
    """Why a homography from the first to the second frame, (3, 3) with H[2, 2] = 1, speaks against a pair."""
    shift_x, shift_y = abs(homography[0, 2]), abs(homography[1, 2])
    slow = parameters.slow_video_px if kind == "video" else parameters.slow_images_px
    if shift_x < slow and shift_y < slow:
        return "slow"
    if max(shift_x, shift_y) > parameters.fast_px:
        return "fast"
    return "plane" if max(abs(homography[0, 1]), abs(homography[1, 0])) <= parameters.plane else ""


def _windows(
    frames: Iterable[NDArray[np.uint8]], usable: NDArray[np.bool_] | None, parameters: HomographyParameters
) -> Iterator[tuple[int, Features | None, list[tuple[int, Features]]]]:
    """(row, its features, rows and features of the usable ones among the next few), a frame after the other."""
    detector = cv2.ORB_create(parameters.features)
    window: deque[tuple[int, Features | None]] = deque()
    for row, frame in enumerate(frames):
        window.append((row, features(frame, detector) if usable is None or usable[row] else None))
        if len(window) > parameters.reach:
            yield _front(window)
    while window:
        yield _front(window)


def _front(
    window: deque[tuple[int, Features | None]],
) -> tuple[int, Features | None, list[tuple[int, Features]]]:
    row, here = window.popleft()
    return row, here, [(other, each) for other, each in window if each is not None]


def features(frame: NDArray[np.uint8], detector: cv2.ORB) -> Features:
    """The blockiness score and the ORB features of a frame at half resolution."""
    grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    half = cv2.resize(grey, (grey.shape[1] // 2, grey.shape[0] // 2), interpolation=cv2.INTER_AREA)
    points, descriptors = detector.detectAndCompute(half, None)
    return Features(
        blockiness(half),
        np.array([point.pt for point in points], np.float32).reshape(-1, 2),
        np.array([point.response for point in points], np.float32),
        descriptors,
    )


def _find(
    row: int,
    here: Features,
    ahead: list[tuple[int, Features]],
    kind: str,
    seed: list[int],
    parameters: HomographyParameters,
) -> tuple[int, str]:
    order = np.random.default_rng([*seed, row]).permutation(len(ahead))
    why = "end_of_shot"
    for index in order[: parameters.tries]:
        partner, features_ahead = ahead[index]
        why = judge_pair(here, features_ahead, kind, parameters)
        if not why:
            return partner, ""
    return -1, why


def _mutual(first: Features, second: Features) -> NDArray[np.int64]:
    matcher = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True)
    found = matcher.match(first.descriptors, second.descriptors)
    return np.array([(match.queryIdx, match.trainIdx) for match in found], np.int64).reshape(-1, 2)


def _thinned(first: Features, matches: NDArray[np.int64], parameters: HomographyParameters) -> NDArray[np.int64]:
    """The matches of the strongest features of each cell of the first frame."""
    strongest = matches[np.argsort(-first.strengths[matches[:, 0]], kind="stable")]
    taken: dict[tuple[int, int], int] = {}
    kept = []
    for match in strongest:
        x, y = first.points[match[0]] // parameters.cell_px
        cell = (int(x), int(y))
        taken[cell] = taken.get(cell, 0) + 1
        if taken[cell] <= parameters.per_cell:
            kept.append(match)
    return np.array(kept, np.int64).reshape(-1, 2)


def _draw(pairs: HomographyPairs, generator: np.random.Generator, parameters: HomographyParameters) -> None:
    """Keep at most ``most_pairs`` of the middle of the accepted pairs."""
    accepted = np.flatnonzero(pairs.reason == "")
    margin = round(len(accepted) * (1 - parameters.middle) / 2)
    middle = accepted[margin : len(accepted) - margin]
    pairs.reason[np.setdiff1d(accepted, middle)] = "outside_middle"
    drawn = generator.choice(middle, min(parameters.most_pairs, len(middle)), replace=False)
    pairs.reason[np.setdiff1d(middle, drawn)] = "not_drawn"
