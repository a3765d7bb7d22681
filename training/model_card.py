"""``README.md`` of a run: what the network is, what it was trained on, how good it is, how to use it."""

from pathlib import Path
from typing import Any

import yaml

from evaluation.relative_depth import Scores
from training import run_folder
from training.validation import NETWORK


def write(run: Path) -> None:
    """Write the card anew from what the run has noted."""
    (run / "README.md").write_text(text(run))


def known_scores(run: Path) -> dict[str, Scores]:
    """The last scores of each predictor that the run has noted."""
    return {name: Scores(**values) for line in _validations(run) for name, values in line["validation"].items()}


def text(run: Path) -> str:
    """The card, Markdown."""
    configuration, data = run_folder.read_configuration(run)
    facts = yaml.safe_load((run / run_folder.PROVENANCE).read_text())
    model, optimisation, size = configuration.model, configuration.optimisation, configuration.input
    losses = [line for line in run_folder.read_metrics(run) if "loss" in line]
    steps = f"{losses[-1]['step']} steps" if losses else "nothing"
    return f"""# Relative depth: {model.backbone}, {model.head}

A network that gives each pixel of a frame from a driving car the percentile of its depth within the frame, 0 near to 1
far. It does not know metres, and percentiles of different frames do not compare.

| | |
|---|---|
| network | {model.backbone} with {model.head}, padding {model.padding}, {model.activation} of the scores |
| input | RGB in [0, 1], the whole frame resized to {size.height}x{size.width}; colours normalised within |
| first weights | {configuration.initialisation.source or "He's rule"} |
| objective | {configuration.objective.name}{", weighted by confidence" if configuration.objective.confidence else ""} |
| optimisation | Adam ({optimisation.beta1}, {optimisation.beta2}), learning rate {optimisation.learning_rate:g}, \
weight decay {optimisation.weight_decay:g}, batches of {configuration.loader.batch_size} |
| trained | {steps} of at most {optimisation.epochs} epochs, seed {configuration.seed} |
| data | `{data}`, version {facts["data_fingerprint"]} |
| code | {facts["code"]}, torch {facts["libraries"]["torch"]} |
| ran on | {facts["gpu"] or facts["processor"]}, {facts["ranks"]} rank(s) |

## Validation

{_scores(run)}

Means over the images of the validation split, of pixels with a label. Ordinal error: the share of pixel pairs in the
wrong order. The best constant per row and the mean label map are made from training labels and do not look at the
frame.

## Use

```
python -m training predict {run.name} IMAGE_OR_FOLDER_OR_VIDEO --out predictions
python -m training export {run.name} --format torchvision --part backbone --out weights.pth
```

## Terms

The licences of the videos are counted in the dataset's `dataset.json`; they may bind what is learned from them.
"""


def _scores(run: Path) -> str:
    validations = _validations(run)
    if not validations:
        return "Not validated yet."
    lines = ["| predictor | step | L1 | Spearman | ordinal error |", "|---|---|---|---|---|"]
    rows: dict[str, tuple[int, dict[str, Any]]] = {}
    for line in validations:
        for name, values in line["validation"].items():
            # of the network the step with the least L1: the one that is kept as the best
            if name != NETWORK or name not in rows or values["l1"] < rows[name][1]["l1"]:
                rows[name] = (line["step"], values)
    for name, (step, values) in rows.items():
        lines.append(
            f"| {name} | {step} | {values['l1']:.4f} | {values['spearman']:.4f} | {values['ordinal_error']:.4f} |"
        )
    return "\n".join([*lines, "", f"{validations[-1]['images']} images."])


def _validations(run: Path) -> list[dict[str, Any]]:
    return [line for line in run_folder.read_metrics(run) if "validation" in line]
