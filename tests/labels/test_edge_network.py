import numpy as np
import pytest

from labels.edge_channels import Channels, channels
from labels.edge_network import SHAPES, Network
from labels.edge_rounds import EdgeTrainingParameters, from_arrays, network_samples, to_arrays


def weights(seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    return {name: (0.1 * generator.normal(size=shape)).astype(np.float32) for name, shape in SHAPES.items()}


def image(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (64, 80, 3), np.uint8)


def test_it_tells_each_pixel_the_logit_of_its_corner_in_the_block() -> None:
    nothing = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    nothing["last_bias"][:] = [-9, 0, 9, np.log(3)]
    told = Network(**nothing).edges(channels(image()))
    assert told.shape == (64, 80) and told.dtype == np.float32
    np.testing.assert_allclose(told[:2, :2], [[0, 0.5], [1, 0.75]], atol=2e-4)
    np.testing.assert_array_equal(told[4:6, 6:8], told[:2, :2])


def test_taps_lie_where_their_names_say() -> None:
    """One path through the network, from a pixel of one channel to the block that it reaches."""
    path = {name: np.zeros(shape, np.float32) for name, shape in SHAPES.items()}
    path["first"][0, 1, 3, 5] = 1  # looks one channel pixel up
    path["second"][1, 2, 5, 6] = 1  # two to the right
    path["third"][2, 2, 6, 7] = 1  # four down and to the right
    path["last"][7, 2] = 100
    path["last_bias"][:] = -50
    fine = np.zeros((13, 32, 40), np.uint8)
    fine[3, 10, 20] = 255
    told = Network(**path).edges(Channels(fine, fine))
    # the pixel is seen from one below, two to the left, and four above and to the left of it
    assert [tuple(place) for place in np.argwhere(told > 0.5)] == [(2 * (10 + 1 - 4) + 1, 2 * (20 - 2 - 4))]


def test_a_stored_network_tells_the_same() -> None:
    network, found = Network(**weights()), channels(image())
    again = from_arrays(to_arrays(network))
    np.testing.assert_array_equal(again.edges(found), network.edges(found))
    assert np.ptp(network.edges(found)) > 0.01


@pytest.mark.parametrize("name", ["first", "last_bias"])
def test_what_is_no_network_is_refused(name: str) -> None:
    for harm in (lambda w: w[:1], lambda w: w.astype(np.float64), lambda w: w * np.float32(np.nan)):
        with pytest.raises(ValueError, match=f"{name} is no weight of an edge network; train it anew"):
            from_arrays(weights() | {name: harm(weights()[name])})
    with pytest.raises(ValueError, match="no edge detector has the arrays first"):
        from_arrays({"first": weights()["first"]})


def test_samples_are_what_the_detector_sees_and_the_edges() -> None:
    edges = np.zeros((64, 80), np.float32)
    edges[20] = 0.5
    samples = network_samples([(image(1), edges), (image(2), edges)], EdgeTrainingParameters(low=0.3))
    np.testing.assert_array_equal(samples["channels"][1], channels(image(2)).fine)
    assert samples["edges"].shape == (2, 64, 80) and set(np.unique(samples["edges"])) == {0, 128}
    assert samples["strength"].tolist() == [0.3, 0.1]
