"""Trains the small edge network: ``python -m training.edge_network SAMPLES WEIGHTS``; ``TrainEdges`` calls it.

SAMPLES is an ``.npz`` with ``channels`` (N, 13, h, w) ``uint8``, what the detectors see of N frames, ``edges`` (N, 2 h,
2 w) ``uint8``, their motion edges times 255, and ``strength`` (2,), of an edge and of surely none. WEIGHTS, another
one, gets the arrays that ``labels.edge_network.Network`` has. Three convolutions of 3x3 taps, 1, 2 and 4 channel pixels
apart, 32 channels wide, then four logits a channel pixel; the loss is the cross-entropy, of which edges and others each
have half, and what is neither counts nothing (LABELS section 5).
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

WIDTH = 32
NEAR = 9
"""Side in pixels of the square around an edge in which nothing is surely none."""
NAMES = ("first", "second", "third", "last")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m training.edge_network", description=__doc__.replace("``", ""))
    parser.add_argument("samples", type=Path, metavar="SAMPLES", help="channels and motion edges of frames")
    parser.add_argument("weights", type=Path, metavar="WEIGHTS", help="file to write")
    parser.add_argument("--steps", type=int, default=2000, help="of a batch each (%(default)s)")
    parser.add_argument("--batch", type=int, default=4, help="frames in a batch (%(default)s)")
    parser.add_argument("--rate", type=float, default=2e-3, help="of Adam at the start; it falls to 0 (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    try:
        with np.load(options.samples, allow_pickle=False) as stored:
            samples = stored["channels"], stored["edges"], stored["strength"]
    except (OSError, ValueError, KeyError) as error:
        print(f"python -m training.edge_network: {options.samples} has no samples: {error}", file=sys.stderr)
        return 2
    network = trained(*samples, options.steps, options.batch, options.rate, options.seed)
    np.savez_compressed(options.weights, **to_arrays(network))  # type: ignore[arg-type]
    return 0


def edge_network(channels: int = 13) -> nn.Sequential:
    """(B, 13, h, w) in [0, 1] to logits (B, 1, 2 h, 2 w)."""
    layers: list[nn.Module] = []
    for dilation in (1, 2, 4):
        layers += [nn.Conv2d(channels, WIDTH, 3, padding=dilation, dilation=dilation), nn.ReLU()]
        channels = WIDTH
    return nn.Sequential(*layers, nn.Conv2d(WIDTH, 4, 1), nn.PixelShuffle(2))


def trained(
    channels: NDArray[np.uint8],
    edges: NDArray[np.uint8],
    strength: NDArray[np.float64],
    steps: int,
    batch: int,
    rate: float,
    seed: int,
) -> nn.Sequential:
    """The network after some steps on batches of the samples. The same samples and seed give the same one."""
    torch.manual_seed(seed)
    network = edge_network(channels.shape[1])
    optimizer = torch.optim.Adam(network.parameters(), rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(1, steps))
    for rows in _batches(len(edges), steps, batch, seed):
        images = torch.from_numpy(channels[rows]).float() / 255
        told = torch.from_numpy(edges[rows]).float()[:, None] / 255
        loss = balanced_loss(network(images), told, float(strength[0]), float(strength[1]))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return network


def balanced_loss(logits: torch.Tensor, told: torch.Tensor, edge: float, none: float) -> torch.Tensor:
    """Mean cross-entropy over edges, ``told`` of strength ``edge`` or more, and that over what has none within 4 px."""
    positive = told >= edge
    negative = nn.functional.max_pool2d(told, NEAR, 1, NEAR // 2) <= none
    losses = nn.functional.binary_cross_entropy_with_logits(logits, positive.to(logits.dtype), reduction="none")
    parts = [losses[part].mean() for part in (positive, negative) if part.any()]
    return torch.stack(parts).mean() if parts else 0 * logits.sum()


def to_arrays(network: nn.Sequential) -> dict[str, NDArray[np.float32]]:
    """The weights by name: row and column of the tap, channel in, channel out."""
    arrays = {}
    for name, layer in zip(NAMES, (each for each in network if isinstance(each, nn.Conv2d))):
        weights = layer.weight.detach().permute(2, 3, 1, 0).contiguous().numpy()
        arrays[name] = weights[0, 0] if name == "last" else weights
        assert layer.bias is not None
        arrays[f"{name}_bias"] = layer.bias.detach().numpy()
    return arrays


def _batches(number: int, steps: int, batch: int, seed: int) -> Iterator[NDArray[np.int64]]:
    generator = np.random.default_rng(seed)
    for _ in range(steps):
        yield generator.choice(number, min(batch, number), replace=False)


if __name__ == "__main__":
    sys.exit(main())
