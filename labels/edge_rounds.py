"""The rounds in which an edge detector is trained without labels (LABELS section 5).

Flow, by the gradient's edges at first, has motion edges; a detector learns to tell them from the frames alone; the next
flow stops at its edges, and so on. The last round has more patches.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from labels.edge_channels import channels
from labels.edge_features import features, padded
from labels.edge_forest import Forest
from labels.edge_network import Network
from labels.edge_targets import SURELY_NONE, Bracket, targets
from labels.edge_training import ForestParameters, chosen_features, grow, planted
from labels.motion_edges import MotionEdgeParameters

DETECTORS = "forest", "network"


@dataclass(frozen=True)
class EdgeTrainingParameters:
    """How an edge detector is trained from the motion in videos."""

    rounds: int = 4  # flow, motion edges, detector, and again
    detector: str = "forest"  # or network: three convolutions, whose training needs torch
    pairs: int = 1000  # drawn anew in each round, the same number of every video
    patches: int = 100_000  # with an edge, and as many without, at most; spread over the pairs
    last_factor: int = 4  # more of them in the last round
    low: float = 0.16  # least and greatest strength at which motion edges are cut into edges and others
    high: float = 0.6
    cuts: int = 4
    steps: int = 2000  # of the network's training, in each round, a batch of four frames each
    seed: int = 0
    motion: MotionEdgeParameters = field(default_factory=MotionEdgeParameters)
    forest: ForestParameters = field(default_factory=ForestParameters)


def trained(
    pairs: Iterable[tuple[NDArray[np.uint8], NDArray[np.float32]]],
    number: int,
    parameters: EdgeTrainingParameters,
    round_: int,
) -> Forest | None:
    """The forest of a round from ``number`` frames at half size, (H, W, 3), and their motion edges, (H, W).

    None where no frame has an edge to learn.
    """
    generator = np.random.default_rng((parameters.seed, round_))
    wanted = parameters.patches * (parameters.last_factor if round_ == parameters.rounds else 1)
    share = -(-wanted // max(1, number))
    bracket = Bracket(parameters.low, parameters.high, parameters.cuts)
    seen = [(padded(channels(image)), targets(edges, bracket, share, share, generator)) for image, edges in pairs]
    segments = np.concatenate([np.empty((0, 16, 16), np.uint8), *(target.segments for _, target in seen)])
    if not segments.any():
        return None
    trees = []
    for tree in range(parameters.forest.trees):
        chosen = chosen_features(parameters.forest, parameters.seed, tree)
        values = np.concatenate([features(around, target.corners, chosen) for around, target in seen])
        trees.append(grow(values, chosen, segments, parameters.forest, parameters.seed, tree))
    return planted(trees)


def network_samples(
    pairs: Iterable[tuple[NDArray[np.uint8], NDArray[np.float32]]], parameters: EdgeTrainingParameters
) -> dict[str, NDArray]:
    """What the network's training takes: ``channels`` of the frames, ``edges`` times 255, ``strength`` of both."""
    seen = [(channels(image).fine, np.rint(edges * 255).astype(np.uint8)) for image, edges in pairs]
    return {
        "channels": np.stack([fine for fine, _ in seen]),
        "edges": np.stack([edges for _, edges in seen]),
        "strength": np.array([parameters.low, SURELY_NONE]),
    }


def to_arrays(detector: Forest | Network) -> dict[str, NDArray]:
    """What is stored of a detector."""
    return {item.name: getattr(detector, item.name) for item in fields(detector)}


def from_arrays(arrays: dict[str, NDArray]) -> Forest | Network:
    """The detector that was stored. Raises ``ValueError`` where the arrays are none."""
    kinds = {frozenset(item.name for item in fields(kind)): kind for kind in (Forest, Network)}
    kind = kinds.get(frozenset(arrays))
    if kind is None:
        raise ValueError(f"no edge detector has the arrays {', '.join(sorted(arrays))}")
    return kind(**arrays)
