"""Trains the small edge network in a program of the training half: this half has no torch."""

import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labels.edge_network import Network
from labels.edge_rounds import EdgeTrainingParameters
from pipeline.errors import UserError
from pipeline.outcome import printable


def require_torch(parameters: EdgeTrainingParameters) -> None:
    """Make sure that the detector can be trained here. Raises ``UserError``."""
    if parameters.detector == "network" and importlib.util.find_spec("torch") is None:
        raise UserError(
            "--EdgeTraining-detector network needs torch, which is not installed; install relative-depth[training], or "
            "take --EdgeTraining-detector forest"
        )


def trained(samples: dict[str, NDArray], parameters: EdgeTrainingParameters) -> Network:
    """The network that ``python -m training.edge_network`` makes of samples; files lie between the two halves."""
    require_torch(parameters)
    with tempfile.TemporaryDirectory(prefix="edges-") as folder:
        given, made = Path(folder) / "samples.npz", Path(folder) / "weights.npz"
        np.savez(given, **samples)  # type: ignore[arg-type]
        words = ["--steps", str(parameters.steps), "--seed", str(parameters.seed)]
        command = [sys.executable, "-m", "training.edge_network", str(given), str(made), *words]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        if ended.returncode:
            told = printable(ended.stderr.strip().splitlines()[-1] if ended.stderr.strip() else "it said nothing")
            raise UserError(f"the training of the edge network ended with {ended.returncode}: {told}")
        with np.load(made, allow_pickle=False) as stored:
            return Network(**dict(stored))
