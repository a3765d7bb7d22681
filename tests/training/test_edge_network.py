"""The training of the small edge network: what it loses, learns and writes."""

from pathlib import Path

import numpy as np
import pytest
import torch

from labels.edge_channels import Channels
from labels.edge_network import Network
from training.edge_network import balanced_loss, edge_network, main, to_arrays, trained


def samples(number: int = 6) -> dict[str, np.ndarray]:
    """Noise whose third channel is bright at the edges, at random columns and rows; the others say nothing."""
    generator = np.random.default_rng(0)
    channels = generator.integers(0, 256, (number, 13, 24, 32), np.uint8)
    edges = np.zeros((number, 48, 64), np.uint8)
    for image in edges:
        image[:, generator.integers(8, 56)], image[generator.integers(8, 40)] = 255, 255
    blocks = edges.reshape(number, 24, 2, 32, 2).max((2, 4))
    channels[:, 2] = np.where(blocks > 0, 220, 30)
    return {"channels": channels, "edges": edges, "strength": np.array([0.5, 0.1])}


def test_both_halves_compute_the_same() -> None:
    torch.manual_seed(0)
    network, fine = edge_network(), samples()["channels"][0]
    with torch.no_grad():
        ours = torch.sigmoid(network(torch.from_numpy(fine[None]).float() / 255))[0, 0].numpy()
    told = Network(**to_arrays(network)).edges(Channels(fine, fine))
    np.testing.assert_allclose(told, ours, atol=1e-5)


def test_edges_and_others_weigh_alike_and_what_is_neither_nothing() -> None:
    told = torch.zeros(1, 1, 40, 40)
    told[..., 20] = 1
    told[..., :, 5] = 0.3  # weak: neither
    logits = torch.full((1, 1, 40, 40), -2.0, requires_grad=True)
    loss = balanced_loss(logits, told, 0.5, 0.1)
    sure, wrong = np.log1p(np.exp(-2)), np.log1p(np.exp(2))
    assert loss.item() == pytest.approx((sure + wrong) / 2, rel=1e-5)
    loss.backward()
    gradient = logits.grad[0, 0, 20]
    assert (gradient[16:20] == 0).all() and (gradient[21:25] == 0).all()  # within four pixels of an edge
    assert (gradient[1:10] == 0).all() and gradient[20] < 0 < gradient[30]
    nothing = balanced_loss(logits, torch.full_like(told, 0.3), 0.5, 0.1)
    assert nothing.item() == 0


def test_it_learns_what_tells_an_edge(tmp_path: Path) -> None:
    np.savez(tmp_path / "samples.npz", **samples())
    words = [str(tmp_path / "samples.npz"), str(tmp_path / "weights.npz"), "--steps", "120", "--rate", "0.01"]
    assert main(words) == 0
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as stored:
        network = Network(**dict(stored))
    fresh = samples(8)
    told = network.edges(Channels(fresh["channels"][7], fresh["channels"][7]))
    edge = fresh["edges"][7] > 0
    assert told[edge].mean() > 0.7 and np.median(told[~edge]) < 0.2


def test_the_same_seed_gives_the_same_network() -> None:
    given = samples(3)
    one, again, other = (
        to_arrays(trained(given["channels"], given["edges"], given["strength"], 3, 2, 0.01, seed)) for seed in (0, 0, 1)
    )
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["first"], other["first"])


def test_samples_that_are_none_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "samples.npz").write_bytes(b"nothing")
    assert main([str(tmp_path / "samples.npz"), str(tmp_path / "weights.npz")]) == 2
    assert "samples.npz has no samples" in capsys.readouterr().err
    assert not (tmp_path / "weights.npz").exists()
