"""Trained edge detectors as files: ``edges/<name>/model.npz`` under a root, plain arrays."""

import io
import re
import zipfile
from typing import Any

import numpy as np

from labels import edge_rounds
from labels.edge_channels import Detector
from pipeline.build import Build
from pipeline.errors import UserError
from pipeline.storage import FsspecTarget, join


def model_target(root: str, name: str) -> FsspecTarget:
    """Where a model is. Raises ``UserError`` for what is no model's name."""
    if not re.fullmatch(r"[0-9a-f]{12}", name):
        raise UserError(f"--Flow-edge-model {name!r} is no model's name; give the 12 digits that TrainEdges printed")
    return FsspecTarget(join(root, "edges"), f"{name}/model.npz")


def detector_of(build: Build) -> Detector | None:
    """The edge detector that the labels of a build use, if any. Raises ``UserError`` where it is not there."""
    flows = build.parameters.label.flow
    if flows.edges != "learned":
        return None
    target = model_target(build.root, flows.edge_model)
    if not target.exists():
        raise UserError(
            f"{build.root} has no edge model {flows.edge_model}; train it with TrainEdges under this --root, or give "
            "the name of one that is there"
        )
    return read_model(target)


def read_model(target: FsspecTarget) -> Detector:
    """A stored detector. Raises ``UserError`` for a file that is none."""
    try:
        with np.load(io.BytesIO(target.read()), allow_pickle=False) as stored:
            return edge_rounds.from_arrays(dict(stored))
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        raise UserError(f"{target} holds no edge model ({error}); remove it and run TrainEdges again") from None


def npz(**arrays: Any) -> bytes:
    """The arrays as the bytes of an ``.npz`` file; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()
