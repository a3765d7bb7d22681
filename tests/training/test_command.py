"""The commands that users type: what they write, what they say, how they exit."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import yaml

from labels.codec import decode
from training.__main__ import main
from training.checkpoint import read_record, steps

SMALL = ["--model.fc_channels", "8", "--input.height", "64", "--input.width", "96", "--loader.workers", "0"]
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def trained(small_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("trained") / "run"
    words = ["--data", str(small_dataset), "--run", str(run), "--loader.batch_size", "8"]
    assert main(["pretrain", *words, *SMALL, "--optimisation.epochs", "1"]) == 0
    return run


def test_the_base_install_is_told_what_training_needs() -> None:
    bare = "import sys, runpy; sys.modules['jsonargparse'] = None; runpy.run_module('training', run_name='__main__')"
    found = subprocess.run([sys.executable, "-c", bare], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    (sentence,) = found.stderr.splitlines()
    assert sentence.endswith("which the base install lacks: pip install -e '.[training]'")


def test_options_override_a_file_and_a_file_the_defaults(small_dataset: Path, tmp_path: Path) -> None:
    config = ROOT / "training/configs/simulated_alexnet.yaml"
    words = ["--config", str(config), "--data", str(small_dataset), "--run", str(tmp_path / "run")]
    assert main(["pretrain", *words, *SMALL, "--optimisation.steps", "2"]) == 0
    saved = yaml.safe_load((tmp_path / "run/configuration.yaml").read_text())
    assert saved["model"]["fc_channels"] == 8
    assert saved["loader"]["batch_size"] == 4
    assert saved["optimisation"]["learning_rate"] == 1e-4
    again = ["--config", str(tmp_path / "run/configuration.yaml"), "--run", str(tmp_path / "run"), "--resume"]
    assert main(["pretrain", *again, "--optimisation.steps", "3"]) == 0
    assert read_record(steps(tmp_path / "run")[-1])["step"] == 3


@pytest.mark.slow
def test_torchrun_starts_the_ranks(small_dataset: Path, tmp_path: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "--"]
    words = ["training", "pretrain", "--data", small_dataset, "--run", tmp_path / "run", *SMALL]
    limits = ["--optimisation.steps", "2", "--loader.batch_size", "4", "--engine.device", "cpu"]
    finished = subprocess.run(
        [*torchrun, *map(str, words), *limits], cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.count("untrained network") == 2  # two tables, by the leading rank alone
    assert json.loads((tmp_path / "run/provenance.json").read_text())["ranks"] == 2


def test_the_papers_recipe_is_the_default(trained: Path) -> None:
    saved = yaml.safe_load((trained / "configuration.yaml").read_text())
    assert saved["model"]["backbone"] == "alexnet"
    assert saved["objective"]["name"] == "l1"
    optimisation = saved["optimisation"]
    assert (optimisation["beta1"], optimisation["beta2"]) == (0.9, 0.999)
    assert (optimisation["learning_rate"], optimisation["weight_decay"]) == (1e-4, 5e-4)


@pytest.mark.parametrize("config", sorted((ROOT / "training/configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_configuration_is_one(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--config", str(config), "--data", str(tmp_path), "--run", str(tmp_path / "run")]
    assert main(["pretrain", *words]) == 2
    assert "holds no finished dataset" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--engine.micro_batch", "0"], "engine.micro_batch must be positive, not 0"),
        (["--objective.confidence", "true"], "objective.confidence needs loader.confidence"),
        (["--model.backbone", "resnet50"], "resnet50 has no head 'fcn32s'; it has: encoder_decoder"),
        (["--initialisation.source", "gone.pth"], "gone.pth does not exist"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    words: list[str], complaint: str, small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pretrain", "--data", str(small_dataset), "--run", str(tmp_path / "run"), *SMALL, *words]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert "Traceback" not in said


def test_images_and_folders_are_predicted(trained: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    (tmp_path / "frames").mkdir()
    for name in ("b.png", "a.jpg"):
        cv2.imwrite(str(tmp_path / "frames" / name), rng.integers(0, 255, (50, 81, 3), dtype=np.uint8))
    assert main(["predict", str(trained), str(tmp_path / "frames"), "--out", str(tmp_path / "out")]) == 0
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["a.depth.png", "a.overlay.png", "b.depth.png", "b.overlay.png"]
    codes = cv2.imread(str(tmp_path / "out/a.depth.png"), cv2.IMREAD_UNCHANGED)
    assert codes.shape == (50, 81)
    z, valid = decode(codes)
    assert valid.all()
    assert 0 <= z.min() <= z.max() <= 1


def test_a_video_becomes_a_video(trained: Path, tmp_path: Path) -> None:
    with av.open(str(tmp_path / "drive.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for shade in range(11):
            frame = av.VideoFrame.from_ndarray(np.full((64, 96, 3), 20 * shade, np.uint8), format="rgb24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    assert main(["predict", str(trained), str(tmp_path / "drive.mp4"), "--out", str(tmp_path / "out")]) == 0
    with av.open(str(tmp_path / "out/drive.overlay.mp4")) as file:
        stream = file.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (96, 64, 10)
        assert sum(1 for _ in file.decode(stream)) == 11
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["drive.overlay.mp4"]


def test_inputs_of_no_use_are_named(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("no video")
    (tmp_path / "broken.png").write_bytes(b"no image")
    (tmp_path / "empty").mkdir()
    for name, complaint in {
        "gone.mp4": "gone.mp4 does not exist",
        "notes.txt": "notes.txt cannot be read as a video",
        "broken.png": "broken.png cannot be read as an image",
        "empty": "empty has no images",
    }.items():
        assert main(["predict", str(trained), str(tmp_path / name), "--out", str(tmp_path / "out")]) == 2
        assert complaint in capsys.readouterr().err


def test_export_says_how_it_compared(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--format", "torchvision", "--part", "backbone", "--out", str(tmp_path / "weights.pth")]
    assert main(["export", str(trained), *words]) == 0
    assert "loaded there, its outputs differ by" in capsys.readouterr().out


@pytest.mark.slow
def test_a_job_whose_time_is_up_saves_and_asks_for_another_turn(small_dataset: Path, tmp_path: Path) -> None:
    """The recipe for Slurm, whose command is one here that notes what it is asked."""
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "scontrol").write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/asked\n')
    (commands / "torchrun").write_text(f'#!/bin/sh\nexec {sys.executable} -m torch.distributed.run "$@"\n')
    for path in commands.iterdir():
        path.chmod(0o755)
    environment = {**os.environ, "PATH": f"{commands}:{os.environ['PATH']}", "RANKS": "2", "SLURM_JOB_ID": "41"}
    words = ["--data", str(small_dataset), "--run", str(tmp_path / "run"), *SMALL, "--engine.device", "cpu"]
    limits = ["--loader.batch_size", "4", "--optimisation.epochs", "1000", "--record.checkpoint_steps", "100000"]
    job = subprocess.Popen(["bash", "cluster/slurm/pretrain.sbatch", *words, *limits], cwd=ROOT, env=environment)
    metrics, deadline = tmp_path / "run/metrics.jsonl", time.monotonic() + 240
    while not metrics.exists() or '"loss"' not in metrics.read_text():
        assert job.poll() is None and time.monotonic() < deadline
        time.sleep(0.1)
    job.send_signal(signal.SIGUSR1)
    assert job.wait(120) == 0
    assert (tmp_path / "asked").read_text() == "requeue 41\n"
    assert read_record(steps(tmp_path / "run")[-1])["step"] > 0
