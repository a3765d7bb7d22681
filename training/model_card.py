"""``README.md`` of a run: what the network is, what it was trained on, how good it is, how to use it."""

import json
from pathlib import Path
from typing import Any

from training import checkpoint, run_folder
from training.validation import NETWORK


def write(run: Path) -> None:
    """Write the card anew from what the run has noted."""
    (run / "README.md").write_text(text(run))


def known_scores(run: Path) -> dict[str, dict[str, float]]:
    """The last scores of each predictor that the run has noted."""
    return {name: values for line in _validations(run) for name, values in line["validation"].items()}


def text(run: Path) -> str:
    """The card, Markdown."""
    configuration, data = run_folder.read_configuration(run)
    facts = json.loads((run / run_folder.PROVENANCE).read_text())
    model, optimisation, card = configuration.model, configuration.optimisation, configuration.card()
    losses = [line for line in run_folder.read_metrics(run) if "loss" in line]
    steps = f"{losses[-1]['step']} steps" if losses else "nothing"
    own = "\n".join(f"| {name} | {value} |" for name, value in card.facts.items())
    drops = f", times {optimisation.drop_factor:g} at epochs {optimisation.drops}" if optimisation.drops else ""
    rate = f"learning rate {optimisation.learning_rate:g}{drops}"
    predict = f"python -m training predict {run.name} {card.predict} --out predictions\n" if card.predict else ""
    return f"""# {card.title}: {model.backbone}, {model.head}

{card.what}

| | |
|---|---|
| network | {model.backbone} with {model.head}, padding {model.padding}, {model.activation} of the scores |
{own}
| first weights | {configuration.initialisation.source or "He's rule"} |
| optimisation | Adam ({optimisation.beta1}, {optimisation.beta2}), {rate}, \
weight decay {optimisation.weight_decay:g}, batches of {configuration.batch_size} |
| trained | {steps} of at most {optimisation.epochs} epochs, seed {configuration.seed} |
| data | `{data}`, version {facts["data_fingerprint"]} |
| code | {facts["code"]}, torch {facts["libraries"]["torch"]} |
| ran on | {facts["gpu"] or facts["processor"]}, {facts["ranks"]} rank(s) |

## Validation

{_scores(run, card.scores)}

{card.explained}

## Use

```
{predict}python -m training export {run.name} --format torchvision --part backbone --out weights.pth
```

## Terms

{card.terms}
"""


def _scores(run: Path, titles: dict[str, str]) -> str:
    validations = _validations(run)
    if not validations:
        return "Not validated yet."
    lines = [f"| predictor | step | {' | '.join(titles.values())} |", "|---" * (2 + len(titles)) + "|"]
    rows: dict[str, dict[str, Any]] = {}
    for line in validations:
        for name in line["validation"]:
            # of the network the step with the least error: the one that is kept as the best
            if name != NETWORK or name not in rows or _error(line) < _error(rows[name]):
                rows[name] = line
    for name, line in rows.items():
        values = " | ".join(f"{line['validation'][name][title]:.4f}" for title in titles)
        lines.append(f"| {name} | {line['step']} | {values} |")
    return "\n".join([*lines, "", f"{validations[-1]['images']} images."])


def _error(line: dict[str, Any]) -> float:
    return checkpoint.error({**line, "validation": line["validation"][NETWORK]})


def _validations(run: Path) -> list[dict[str, Any]]:
    return [line for line in run_folder.read_metrics(run) if "validation" in line]
