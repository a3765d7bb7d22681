"""Scores of a network, and of what it must beat, on the validation split; those of relative depth."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from evaluation.relative_depth import Scores, score
from training.baselines import Baselines
from training.distributed import World
from training.input import prepare
from training.loader import Loader
from training.overlay import panel

NETWORK = "network"


@dataclass
class Validation:
    """Scores by the name of the predictor, of how many images, and some of them as pictures."""

    scores: dict[str, dict[str, float]]
    images: int
    error: float  # of the network: what the best checkpoint has least of
    overlays: list[NDArray[np.uint8]] = field(default_factory=list)  # RGB, such as frame, label, prediction in a row
    details: dict[str, Any] = field(default_factory=dict)  # more of the network's, for the record; plain values


def table(scores: dict[str, dict[str, float]], images: int, titles: dict[str, str]) -> str:
    """Scores as text, those that ``titles`` names."""
    widths = {name: max(7, len(title) + 1) for name, title in titles.items()}
    head = " ".join(f"{title:>{widths[name]}s}" for name, title in titles.items())
    lines = [f"{'validation, ' + str(images) + ' images':32s} {head}"]
    for predictor, values in scores.items():
        lines.append(f"{predictor:32s} " + " ".join(f"{values[name]:{width}.4f}" for name, width in widths.items()))
    return "\n".join(lines)


def validate(
    predict: Callable[[Tensor], Tensor],
    loader: Loader,
    world: World,
    samples: int,
    baselines: Baselines | None = None,
    overlays: int = 0,
) -> Validation:
    """Score ``predict``, images (N, 3, H, W) to percentiles (N, H, W), on the first ``samples`` of an unshuffled
    loader.

    The shards are shuffled over videos, so that the first are a sample of all. All ranks call this together and get the
    same scores; the overlays are the leading rank's. An image without labels does not count.
    """
    pictures = baselines.pictures() if baselines is not None else {}
    names = [NETWORK, *pictures]
    sums, count = np.zeros((len(names), 3)), np.zeros((len(names), 3))
    shown: list[NDArray[np.uint8]] = []
    loader.position = 0
    for step, batch in enumerate(loader):
        example = prepare(batch, world.device, None)
        predicted = predict(example.images).cpu().numpy()
        z, valid = example.z.cpu().numpy(), example.valid.cpu().numpy()
        for row in (place for place, key in enumerate(batch.keys) if key):
            for place, prediction in enumerate([predicted[row], *pictures.values()]):
                found = score(prediction, z[row], valid[row])
                values = np.array([found.l1, found.spearman, found.ordinal_error])
                sums[place] += np.nan_to_num(values)
                count[place] += ~np.isnan(values)
            if len(shown) < overlays:
                image = batch.images[row].permute(1, 2, 0).numpy()
                shown.append(panel(image, z[row], valid[row], predicted[row]))
        if (step + 1) * loader.parameters.batch_size >= samples:
            break
    both = world.sum(torch.from_numpy(np.stack([sums, count])).to(world.device, torch.float64)).cpu().numpy()
    means = both[0] / np.where(both[1] > 0, both[1], np.nan)
    scores = {name: asdict(Scores(*map(float, row))) for name, row in zip(names, means)}
    return Validation(scores, int(both[1][0, 0]), scores[NETWORK]["l1"], shown)
