"""A drive of KITTI raw from scans to scores: depth prepared, a network tuned on its first frames, the last scored."""

import os
from pathlib import Path

import luigi
import numpy as np
import pytest

from evaluation.__main__ import main as evaluate
from evaluation.report import read_protocols
from pipeline import PrepareKittiDepth
from training.__main__ import main
from training.run_folder import read_metrics

DATE, DRIVE = "2011_09_26", "2011_09_26_drive_9001_sync"
SCORED = 10
OPTIONS = {
    "model.backbone": "vgg16",
    "model.width": "0.125",
    "input.height": "64",
    "input.width": "192",
    "dataset.folder": "raw",
    "dataset.depth": "depth/forward_x",
    "optimisation.steps": "2",
    "loader.batch_size": "2",
    "loader.workers": "0",
    "engine.device": "cpu",
}


@pytest.fixture
def kitti_drive(tmp_path: Path) -> Path:
    """``raw``, and the lists ``train.csv`` and ``val.csv``, the last ten frames."""
    if "REAL_DATA_DIR" not in os.environ:
        pytest.skip("REAL_DATA_DIR is not set")
    (tmp_path / "raw").symlink_to(Path(os.environ["REAL_DATA_DIR"]) / "kitti_raw")
    frames = sorted(path.stem for path in (tmp_path / "raw" / DATE / DRIVE / "image_02" / "data").iterdir())
    for name, part in (("train.csv", frames[:-SCORED]), ("val.csv", frames[-SCORED:])):
        rows = [f"{DATE},{DRIVE},image_02,{frame}" for frame in part]
        (tmp_path / name).write_text("\n".join(["date,drive,camera,frame", *rows]) + "\n")
    return tmp_path


def test_two_steps_on_a_real_drive_are_scored_on_ten_other_frames(kitti_drive: Path) -> None:
    lists = kitti_drive / "train.csv", kitti_drive / "val.csv"
    places = {"raw": str(kitti_drive / "raw"), "to": str(kitti_drive / "depth"), "lists": ",".join(map(str, lists))}
    assert luigi.build([PrepareKittiDepth(**places)], local_scheduler=True, log_level="CRITICAL")
    options = {**OPTIONS, "dataset.frames": str(lists[0]), "dataset.validation_frames": str(lists[1])}
    command = ["finetune", "--task", "absolute_depth", "--data", str(kitti_drive), "--run", str(kitti_drive / "run")]
    assert main([*command, *(word for name, value in options.items() for word in (f"--{name}", value))]) == 0
    untrained, final = [line for line in read_metrics(kitti_drive / "run") if "validation" in line]
    assert untrained["images"] == final["images"] == SCORED
    scored = final["validation"]["network"]
    assert scored != untrained["validation"]["untrained network"]

    images = kitti_drive / "raw" / DATE / DRIVE / "image_02" / "data"
    to = kitti_drive / "metres" / DRIVE / "image_02"
    assert (
        main(["predict", str(kitti_drive / "run"), *map(str, sorted(images.iterdir())[-SCORED:]), "--out", str(to)])
        == 0
    )
    command = ["depth", "--predictions", str(kitti_drive / "metres"), "--kitti-raw", str(kitti_drive / "raw")]
    assert evaluate([*command, "--frames", str(lists[1]), "--json", str(kitti_drive / "f.json")]) == 0
    found = read_protocols(kitti_drive / "f.json")[1]["monodepth, forward x, Garg crop"]
    # predictions are written in steps of a 256th of a metre
    assert found["abs_rel"] == pytest.approx(scored["abs_rel"], rel=0.01)
    assert np.isfinite(list(found.values())).all()
