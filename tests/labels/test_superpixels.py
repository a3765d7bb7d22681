from itertools import pairwise

import cv2
import numpy as np
import pytest

from labels.superpixels import SuperpixelParameters, superpixels


def textured(height: int, width: int, seed: int = 0) -> np.ndarray:
    image = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=(height, width)), (0, 0), 3)
    return np.clip(128 + 50 * image / image.std(), 0, 255).astype(np.uint8)


def test_a_flat_image_has_squares() -> None:
    found = superpixels(np.full((40, 60), 90, np.uint8), SuperpixelParameters(step=10))
    np.testing.assert_array_equal(found.labels, np.arange(4)[:, None].repeat(10, 0) * 6 + np.arange(6).repeat(10))
    np.testing.assert_allclose(found.centres[7], (14.5, 14.5))
    assert [n for n in found.neighbours[7] if n >= 0] == [1, 6, 8, 13]


def test_steps_of_brightness_are_borders() -> None:
    image = np.full((60, 80), 60, np.uint8)
    image[20:, 33:] = 200
    labels = superpixels(image).labels
    assert not set(labels[image == 60]) & set(labels[image == 200])
    # without regard to lightness there is nothing but squares, and they lie across the steps
    blind = superpixels(image, SuperpixelParameters(compactness=1e6)).labels
    assert set(blind[image == 60]) & set(blind[image == 200])


@pytest.mark.parametrize(("height", "width", "step"), [(120, 160, 10), (64, 97, 7), (65, 64, 15)])
def test_regions_are_connected_numbered_and_known_to_their_neighbours(height: int, width: int, step: int) -> None:
    found = superpixels(textured(height, width), SuperpixelParameters(step=step))
    labels, count = found.labels, len(found.centres)
    values, first, areas = np.unique(labels, return_index=True, return_counts=True)
    np.testing.assert_array_equal(values, np.arange(count))
    assert all(a < b for a, b in pairwise(first))
    assert areas[1:].min() > step * step // 4
    assert 0.7 < areas.mean() / step**2 < 1.5
    touching: set[tuple[int, int]] = set()
    for region in range(count):
        inside = (labels == region).astype(np.uint8)
        assert cv2.connectedComponents(inside, connectivity=4)[0] == 2
        rows, columns = np.nonzero(inside)
        np.testing.assert_allclose(found.centres[region], (columns.mean(), rows.mean()), rtol=1e-5)
    for a, b in ((labels[:, :-1], labels[:, 1:]), (labels[:-1], labels[1:])):
        touching |= set(zip(a[a != b].tolist(), b[a != b].tolist())) | set(zip(b[a != b].tolist(), a[a != b].tolist()))
    assert {(a, b) for a, row in enumerate(found.neighbours.tolist()) for b in row if b >= 0} == touching
