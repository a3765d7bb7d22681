"""Runs as they noted themselves, finished or not, for whoever compares them."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from training import checkpoint, run_folder
from training.configuration import RunConfiguration
from training.run_folder import RunError
from training.validation import NETWORK

Lines = list[dict[str, Any]]
"""Of ``metrics.jsonl``."""


@dataclass(frozen=True)
class RecordedRun:
    """What is in a run folder but for the weights."""

    place: Path
    name: str  # unlike those of the runs beside it
    configuration: RunConfiguration
    data: str
    provenance: dict[str, Any]
    losses: Lines
    validations: Lines  # the first may be of the untrained network
    saved: int | None  # step of the newest checkpoint

    @property
    def step(self) -> int:
        """The last step that is known of."""
        return max([line["step"] for line in (*self.losses, *self.validations)] + [self.saved or 0])

    @property
    def planned(self) -> int | None:
        """Steps from begin to end; None where no step noted them."""
        return next((line["of"] for line in reversed(self.losses) if "of" in line), None)

    @property
    def scored(self) -> Lines:
        """Validations of the network once it was trained."""
        return [line for line in self.validations if NETWORK in line["validation"]]

    @property
    def best(self) -> dict[str, Any] | None:
        """The validation with the least error; of equals the last, as of checkpoints."""
        return min(reversed(self.scored), key=error, default=None)

    def values(self, score: str) -> list[tuple[int, float]]:
        """Steps and a score of the network, the untrained one's too."""
        found = []
        for line in self.validations:
            # the first predictor is the network, by whatever name
            value = next(iter(line["validation"].values())).get(score)
            if value is not None:
                found.append((line["step"], float(value)))
        return found


def error(line: dict[str, Any]) -> float:
    """What the best validation has least of."""
    return checkpoint.error({**line, "validation": line["validation"][NETWORK]})


def read_runs(places: list[Path]) -> list[RecordedRun]:
    """Raises ``RunError`` for a folder that is no run, and for one that is given twice."""
    whole = [place.resolve() for place in places]
    for number, place in enumerate(whole):
        if place in whole[:number]:
            raise RunError(f"{places[number]} is given twice; name each run once")
    return [_read(place, name) for place, name in zip(places, _names(whole))]


def _read(place: Path, name: str) -> RecordedRun:
    configuration, data = run_folder.read_configuration(place)
    try:
        lines = run_folder.read_metrics(place)
        provenance = run_folder.read_provenance(place)
    except (OSError, ValueError) as problem:
        raise RunError(f"{place} is damaged: {problem}; take a copy of the folder that is whole") from None
    saved = checkpoint.steps(place)
    return RecordedRun(
        place,
        name,
        configuration,
        data,
        provenance,
        [line for line in lines if "loss" in line],
        [line for line in lines if "validation" in line],
        int(checkpoint.read_record(saved[-1])["step"]) if saved else None,
    )


def _names(places: list[Path]) -> list[str]:
    """The names of the folders, with as many of those above as tell them apart."""
    for parts in count(1):
        names = ["/".join(place.parts[-parts:]) for place in places]
        if len(set(names)) == len(names):
            return names
    raise AssertionError("different places have different paths")
