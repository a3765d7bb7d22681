"""Logos, date stamps, mirrors, stains: what is fixed to the car or burnt in, and shows by edges that stay."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from labels.fixed_evidence import Evidence


@dataclass(frozen=True)
class MarkParameters:
    """When edges that stay make a mark; lengths in pixels at a working width of 640."""

    constancy: float = 0.6  # least of an edge
    contrast: float = 0.7  # grey levels per pixel, least of an edge
    of_strongest: float = 0.5  # least contrast over the largest near it: smoothing spreads an edge
    reach_px: float = 3.0  # so near
    crossing_px: float = 2.0  # least displacement of the scene across an edge
    typical_crossing_px: float = 3.05  # and its least median over a mark: clouds, and cars ahead, have less
    scene_votes: float = 0.04  # of flow, most over those for what is fixed: barriers along the road have more
    solid: float = 0.7  # share of its convex hull from which a mark is all of it: edges along the motion do not show
    apart_px: float = 12.0  # edges so near each other are of one mark
    min_edge_px2: float = 60.0  # area of the edges of a mark
    min_area_px2: float = 150.0  # area of a mark
    rim_px: float = 1.0  # by which the smoothing, that of the gradient, widens a mark: pixels of the frame as it is


def marks(
    evidence: Evidence, known: NDArray[np.bool_], parameters: MarkParameters, typical_constancy: float = 0.0
) -> NDArray[np.bool_]:
    """(H, W): what constant edges enclose, those within ``known`` (H, W) left out.

    ``typical_constancy`` is the least median over the edges of a mark. Edges near each other are joined and what they
    surround is filled, also against the border of the frame: between the letters of a date stamp lie digits that
    change.
    """
    unit = evidence.constancy.shape[1] / 640
    reach = 2 * max(1, round(parameters.reach_px * unit)) + 1
    strongest = cv2.dilate(evidence.contrast, np.ones((reach, reach), np.uint8))
    edges = (
        (evidence.constancy > parameters.constancy)
        & (evidence.contrast > np.maximum(parameters.contrast, parameters.of_strongest * strongest))
        & (evidence.crossing > parameters.crossing_px)
        & ~known
    )
    found = np.zeros(edges.shape, bool)
    for mark in _enclosed(edges, max(1, round(parameters.apart_px / 2 * unit))):
        own = mark & edges
        if (
            np.count_nonzero(own) >= parameters.min_edge_px2 * unit**2
            and np.count_nonzero(mark) >= parameters.min_area_px2 * unit**2
            and np.median(evidence.crossing[own]) >= parameters.typical_crossing_px
            and np.median(evidence.constancy[own]) >= typical_constancy
            and np.mean(evidence.scene[mark] - evidence.fixed[mark]) < parameters.scene_votes
        ):
            hull = _hull(mark)
            found |= hull if np.count_nonzero(mark) >= parameters.solid * np.count_nonzero(hull) else mark
    return _narrowed(found, round(parameters.rim_px))


def _enclosed(edges: NDArray[np.bool_], radius: int) -> list[NDArray[np.bool_]]:
    """Each group of edges with what it surrounds."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    # an edge that ends at the border goes on beyond
    rim = 2 * radius
    beyond = cv2.copyMakeBorder(edges.astype(np.uint8), rim, rim, rim, rim, cv2.BORDER_REPLICATE)
    joined = cv2.morphologyEx(beyond, cv2.MORPH_CLOSE, disc)
    outlines, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = (cv2.drawContours(np.zeros_like(joined), [outline], -1, 1, cv2.FILLED) for outline in outlines)
    return [each[rim:-rim, rim:-rim] > 0 for each in filled]


def _hull(mark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The convex hull of a mark."""
    corners = cv2.convexHull(np.argwhere(mark)[:, ::-1].astype(np.int32))
    return cv2.fillConvexPoly(np.zeros(mark.shape, np.uint8), corners, 1) > 0


def _narrowed(mask: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    """The mask without its rim, but not where it is no wider than that; not off the border of the frame."""
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return cv2.erode(mask.astype(np.uint8), disc, borderType=cv2.BORDER_REPLICATE) > 0
