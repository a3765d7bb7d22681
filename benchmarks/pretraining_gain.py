"""What pre-training gains: ``python -m benchmarks.pretraining_gain --config FILE --out DIR``.

Pre-trains, fine-tunes and scores for every arm, architecture, dataset, part of the data and seed of a study (see
``gain_study``); writes ``results.parquet``, ``table.md`` and plots to the folder: by frames, by labels, and of mean IoU
while the networks learned. Fine-tuning starts from the last weights of pre-training and is scored after its last step:
no checkpoint is picked. Stopped by a signal, killed or extended, the same command goes on with what is missing.

Exit status: 0 done; 2 a mistake in what was given; 75 stopped by a signal, saved.
"""

import json
import os
import shutil
import sys
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

from jsonargparse import ActionConfigFile, ArgumentParser

from benchmarks import gain_report, gain_study
from benchmarks.gain_study import Cell, Study
from training import checkpoint, run_folder
from training.engine import train
from training.initialisation import InitialisationParameters, first_weights
from training.pretraining import pretraining_task
from training.segmentation.task import Segmentation

RESULT = "result.json"


class StoppedError(RuntimeError):
    """A run ended before its last step."""

    def __init__(self, status: int) -> None:
        super().__init__(f"exit status {status}")
        self.status = status


def main(arguments: list[str] | None = None) -> int:
    """Run the study; returns the exit status."""
    parser = ArgumentParser(prog="python -m benchmarks.pretraining_gain", description=__doc__.replace("``", ""))
    parser.add_argument("--config", action=ActionConfigFile, help="a YAML file with any of the options below")
    parser.add_argument("--out", type=Path, required=True, help="folder of all runs and results")
    parser.add_class_arguments(Study, fail_untyped=True)
    options = parser.instantiate(parser.parse_args(arguments))
    study = Study(**{field.name: options[field.name] for field in fields(Study)})
    status = 0
    try:
        study.check()
        results = []
        for number, cell in enumerate(all_cells := gain_study.cells(study), 1):
            print(f"{number} of {len(all_cells)}: {cell}", flush=True)
            results.append({**asdict(cell), **_finetuned(study, cell, options.out)})
    except StoppedError as error:
        status = error.status
    except (ValueError, OSError) as error:
        print(f"benchmarks.pretraining_gain: {error}", file=sys.stderr)
        return 2
    if results:
        print(gain_report.write(study, results, options.out))
    return status


def _finetuned(study: Study, cell: Cell, out: Path) -> dict[str, Any]:
    """What came of a cell: from before, or run now."""
    source, origin, frames = _first_weights(study, cell, out)
    labelled = study.labelled[cell.dataset]
    configuration = gain_study.finetuning(study, cell)
    name = f"{cell.dataset}-{cell.architecture}-{cell.arm}"
    run = gain_study.folder(out, "finetuning", name, configuration, labelled.data, origin)
    if not (run / RESULT).exists():
        task = Segmentation(replace(configuration, initialisation=source), os.path.expandvars(labelled.data))
        _train(task, run)
        _conclude(run, {"images": len(task.train.images), "frames": frames, "run": str(run)})
        if not study.keep_checkpoints:
            shutil.rmtree(run / checkpoint.FOLDER)
    return _result(run)


def _first_weights(study: Study, cell: Cell, out: Path) -> tuple[InitialisationParameters, str, int]:
    """Where fine-tuning starts, a name of it, and how many frames pre-training had."""
    arm = study.arm(cell.arm)
    if arm.shards is None or arm.weights is not None:
        weights = arm.weights or "scratch"
        return first_weights(os.path.expandvars(weights)), weights, 0
    place = _pretrained(study, cell, out)
    return _newest(place), place.name, _result(place)["frames"]


def _pretrained(study: Study, cell: Cell, out: Path) -> Path:
    """The run of the cell's pre-training: from before, or run now."""
    arm = study.arm(cell.arm)
    assert arm.shards is not None, "arms without shards are not pre-trained"
    source, origin = InitialisationParameters(), ""
    if arm.start is not None:
        before = _pretrained(study, replace(cell, arm=arm.start), out)
        source, origin = _newest(before), before.name
    configuration = gain_study.pretraining(study, cell)
    data = study.shards[arm.shards]
    name = f"{cell.architecture}-{cell.arm}"
    run = gain_study.folder(out, "pretraining", name, configuration, data, origin)
    if not (run / RESULT).exists():
        task = pretraining_task(replace(configuration, initialisation=source), os.path.expandvars(data))
        _train(task, run)
        _conclude(run, {"frames": len(task.dataset.split("train")), "run": str(run)})
    return run


def _train(task: Any, run: Path) -> None:
    if status := train(task, run, resume=True):
        raise StoppedError(status)


def _conclude(run: Path, facts: dict[str, Any]) -> None:
    """Note the scores after the last step."""
    last = [line for line in run_folder.read_metrics(run) if "validation" in line][-1]
    scores = {"step": last["step"], **last["validation"]["network"], **{k: last[k] for k in ("iou",) if k in last}}
    temporary = run / f".tmp-{RESULT}"
    temporary.write_text(json.dumps({**facts, **scores}) + "\n")
    temporary.replace(run / RESULT)


def _newest(run: Path) -> InitialisationParameters:
    return InitialisationParameters(str(checkpoint.steps(run)[-1]))


def _result(run: Path) -> dict[str, Any]:
    return dict(json.loads((run / RESULT).read_text()))


if __name__ == "__main__":
    sys.exit(main())
