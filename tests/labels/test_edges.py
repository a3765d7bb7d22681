import numpy as np
import pytest

from labels.edges import edge_map, thin

methods = pytest.mark.parametrize("method", ["gradient", "thinned"])


def stepped(angle_deg: float) -> np.ndarray:
    """Grey 50 and 152 on the two sides of a line through the middle of 80x60 pixels, one pixel of transition."""
    y, x = np.mgrid[0:60, 0:80] - np.array([30, 40])[:, None, None]
    across = x * np.cos(np.deg2rad(angle_deg)) + y * np.sin(np.deg2rad(angle_deg))
    return (50 + 102 * np.clip(across + 0.5, 0, 1)).astype(np.uint8)


def test_gradient_of_a_step_is_its_share_of_black_to_white() -> None:
    image = np.full((30, 40), 50, np.uint8)
    image[:, 20:] = 152
    edges = edge_map(image, "gradient")
    np.testing.assert_allclose(edges[:, 19:21], 102 / 255, rtol=1e-6)
    assert not edges[:, :19].any() and not edges[:, 21:].any()
    np.testing.assert_array_equal(edge_map(image.T, "gradient"), edges.T)
    image[15:] = 255 - image[15:]
    assert edge_map(image, "gradient").max() <= 1


@pytest.mark.parametrize("angle_deg", [0, 30, 45, 90, 120, 150])
def test_a_thinned_edge_is_its_ridge(angle_deg: float) -> None:
    image = stepped(angle_deg)
    plain, edges = edge_map(image, "gradient"), edge_map(image, "thinned")
    y, x = np.mgrid[0:60, 0:80] - np.array([30, 40])[:, None, None]
    across = np.abs(x * np.cos(np.deg2rad(angle_deg)) + y * np.sin(np.deg2rad(angle_deg)))
    inside = np.maximum(np.abs(x), np.abs(y)) < 22
    on = inside & (edges > 0)
    assert across[on].max() <= 1
    np.testing.assert_array_equal(edges[on], plain[on])
    assert on.sum() <= 0.6 * (inside & (plain > 0)).sum()
    # the line stays whole: from each of its pixels another lies beside
    along = y if abs(np.sin(np.deg2rad(angle_deg))) < 0.6 else x
    assert len(np.unique(along[on])) == len(np.unique(along[inside]))


def test_a_blunt_edge_thins_to_its_crest_and_fades_at_the_border() -> None:
    ridge = np.maximum(0, 1 - np.abs(np.arange(41) - 20) / 8).astype(np.float32)
    edges = np.tile(ridge, (50, 1))
    thinned = thin(edges, 3)
    np.testing.assert_array_equal(np.nonzero(thinned[10])[0], [20])
    np.testing.assert_allclose(thinned[:7, 20], [0, 0.2, 0.4, 0.6, 0.8, 1, 1], rtol=1e-6)
    np.testing.assert_array_equal(thin(edges.T.copy(), 3), thinned.T)


@methods
def test_any_image_has_edges_of_0_to_1(method: str) -> None:
    generator = np.random.default_rng(0)
    for height, width in ((64, 64), (97, 131)):
        image = (255 * generator.integers(0, 2, (height, width))).astype(np.uint8)
        before = image.copy()
        edges = edge_map(image, method)
        assert edges.shape == (height, width) and edges.dtype == np.float32
        assert edges.min() >= 0 and 0.1 < edges.max() <= 1
        np.testing.assert_array_equal(image, before)
        np.testing.assert_array_equal(edge_map(image, method), edges)
    assert not edge_map(np.full((64, 70), 99, np.uint8), method).any()


def test_colour_has_the_edges_of_its_luma() -> None:
    image = np.repeat(stepped(30)[..., None], 3, 2)
    np.testing.assert_array_equal(edge_map(image, "thinned"), edge_map(image[..., 0], "thinned"))


def test_learned_edges_are_a_detector_s_thinned() -> None:
    class Ramp:
        def edges(self, found):
            height, width = 2 * found.fine.shape[1], 2 * found.fine.shape[2]
            return np.tile(np.float32(1) - np.abs(np.arange(width, dtype=np.float32) - 30) / 40, (height, 1))

    edges = edge_map(np.zeros((61, 81), np.uint8), "learned", Ramp())
    assert edges.shape == (61, 81)
    assert set(np.nonzero(edges)[1]) == {30} and edges[20, 30] == 1


@pytest.mark.parametrize(
    ("image", "method", "words"),
    [
        (np.zeros((64, 64), np.uint8), "canny", "unknown method 'canny'; known: gradient, thinned, learned"),
        (np.zeros((64, 64), np.float32), "gradient", r"uint8, \(H, W\) or \(H, W, 3\), got float32 \(64, 64\)"),
        (np.zeros((64, 64, 4), np.uint8), "thinned", r"got uint8 \(64, 64, 4\)"),
        (np.zeros((64, 64), np.uint8), "learned", "learned edges need a detector; train one"),
    ],
)
def test_what_has_no_edge_map_is_refused(image: np.ndarray, method: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        edge_map(image, method)
