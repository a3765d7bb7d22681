"""Runs of fine-tuning: resumed to the bit, the same on two ranks, learning, scored as the benchmarks score."""

import json
import os
import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from evaluation.__main__ import main as evaluate
from training import checkpoint
from training.__main__ import main
from training.configuration import Configuration as PretrainingConfiguration
from training.configuration import EngineParameters, InputParameters, OptimisationParameters, RecordParameters
from training.engine import pretrain, train
from training.frame_loader import FrameLoaderParameters
from training.learner import Learner
from training.loader import LoaderParameters
from training.models.network import ModelParameters
from training.run_folder import RunError, read_metrics
from training.segmentation.configuration import SegmentationConfiguration, SegmentationDataParameters
from training.segmentation.images import read, scaled
from training.segmentation.loader import CropParameters, whole_images
from training.segmentation.objective import CrossEntropyParameters
from training.segmentation.task import Segmentation
from training.subset import SubsetParameters

ROOT = Path(__file__).parents[3]
Sample = Callable[..., list[tuple[Path, Path]]]
CONFIGURATION = SegmentationConfiguration(
    model=ModelParameters(fc_channels=8),
    dataset=SegmentationDataParameters("cityscapes_256"),
    crop=CropParameters(64, 64, scale=0.5),
    loader=FrameLoaderParameters(batch_size=4, workers=0),
    optimisation=OptimisationParameters(epochs=3, learning_rate=1e-3, drops=[2]),
    engine=EngineParameters(device="cpu", deterministic=True),
    record=RecordParameters(checkpoint_steps=1, log_steps=1, validate_epochs=3, overlays=1),
)


@pytest.fixture(scope="module")
def labelled(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """10 images to train on, 3 to validate, 256x256."""
    root = tmp_path_factory.mktemp("labelled")
    sample(root, "cityscapes_256", {"train": 10, "val": 3})
    return root


def finetune(configuration: SegmentationConfiguration, data: Path, run: Path, resume: bool = False) -> int:
    return train(Segmentation(configuration, str(data)), run, resume)


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in read_metrics(run) if "loss" in line]


def weights(run: Path) -> dict[str, torch.Tensor]:
    return checkpoint.read_weights(checkpoint.steps(run)[-1])


@pytest.fixture(scope="module")
def whole(labelled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An undisturbed run of nine steps."""
    torch.set_num_threads(1)
    run = tmp_path_factory.mktemp("whole") / "run"
    assert finetune(CONFIGURATION, labelled, run) == 0
    return run


def killed_at(step: int, data: Path, run: Path) -> int:
    """Train, and die like of ``kill -9`` amid the given update of this process."""
    update, done = Learner.step, [0]

    def dying(self: Learner, *arguments: Any) -> torch.Tensor:
        done[0] += 1
        if done[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return update(self, *arguments)

    Learner.step = dying  # type: ignore[method-assign]
    return finetune(CONFIGURATION, data, run, resume=True)


def test_a_killed_run_ends_with_the_weights_of_the_undisturbed_one(
    labelled: Path, whole: Path, tmp_path: Path, start: Callable[..., Any]
) -> None:
    for step in (2, 3, 1, 4):  # amid the first epoch, across its end, at once, before the rate falls
        process = start(killed_at, step, labelled, tmp_path / "killed")
        process.join(120)
        assert process.exitcode == -signal.SIGKILL
    assert finetune(CONFIGURATION, labelled, tmp_path / "killed", resume=True) == 0
    assert len(losses(whole)) == 9
    assert losses(tmp_path / "killed") == losses(whole)
    found, expected = weights(tmp_path / "killed"), weights(whole)
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    state = checkpoint.load(checkpoint.steps(whole)[-1]).state
    assert state["optimizer"]["param_groups"][0]["lr"] == pytest.approx(1e-4)  # a tenth from epoch 2 on


def test_two_ranks_have_the_losses_and_the_scores_of_one(
    labelled: Path, tmp_path: Path, start: Callable[..., Any]
) -> None:
    # 10 images in batches of 4: the last step has 2, all of them with the first rank; 3 images to validate
    gentle = replace(CONFIGURATION, optimisation=OptimisationParameters(epochs=1))
    gentle = replace(gentle, record=replace(CONFIGURATION.record, validate_epochs=1))
    finetune(gentle, labelled, tmp_path / "one")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    processes = [
        start(finetune, gentle, labelled, tmp_path / "two", environment={**shared, "RANK": str(rank)})
        for rank in range(2)
    ]
    for process in processes:
        process.join(180)
    assert [process.exitcode for process in processes] == [0, 0]
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=1e-5, rel=0)
    untrained = [next(line for line in read_metrics(tmp_path / name) if "iou" in line) for name in ("one", "two")]
    assert untrained[0]["iou"] == untrained[1]["iou"]
    assert untrained[1]["images"] == 3


def test_fine_tuning_learns(sample: Sample, tmp_path: Path) -> None:
    sample(tmp_path / "data", "cityscapes_256", {"train": 4, "val": 4})
    own = replace(
        CONFIGURATION,
        model=ModelParameters(fc_channels=64, dropout=0.0),
        dataset=replace(CONFIGURATION.dataset, validation="train"),
        crop=CropParameters(128, 128, scale=0.5),
        optimisation=OptimisationParameters(epochs=60, learning_rate=1e-3),
        record=RecordParameters(validate_epochs=100, checkpoint_epochs=100, overlays=0),
    )
    finetune(own, tmp_path / "data", tmp_path / "run")
    before, after = (line["validation"] for line in read_metrics(tmp_path / "run") if "validation" in line)
    assert before["untrained network"]["mean_iou"] < 0.1
    assert after["network"]["mean_iou"] > 0.3
    assert after["network"]["mean_iou_at_scale"] == pytest.approx(after["network"]["mean_iou"], abs=0.1)


def test_predictions_are_scored_by_the_command_as_by_the_trainer(labelled: Path, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "ids"
    assert main(["predict", str(whole), str(labelled / "val"), "--out", str(out), "--device", "cpu"]) == 0
    assert sorted(path.name for path in out.iterdir()) == [f"val{number:04d}.png" for number in range(3)]
    assert cv2.imread(str(out / "val0000.png"), cv2.IMREAD_UNCHANGED).shape == (256, 256)
    words = ["--ground-truth", str(labelled / "valannot"), "--predictions", str(out), "--training-ids"]
    assert evaluate(["segmentation", *words, "--json", str(tmp_path / "scores.json")]) == 0
    noted = [line for line in read_metrics(whole) if "iou" in line][-1]
    text = (tmp_path / "scores.json").read_text()
    assert f'"mean_iou": {noted["validation"]["network"]["mean_iou"]}' in text


def test_the_newest_checkpoint_is_scored_on_any_split(
    labelled: Path, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split, images in (("val", 3), ("train", 10)):
        words = ["--split", split, "--json", str(tmp_path / f"{split}.json"), "--device", "cpu"]
        assert main(["score", str(whole), *words]) == 0
        found = json.loads((tmp_path / f"{split}.json").read_text())
        assert found["images"] == images
        assert found["checkpoint"] == str(checkpoint.steps(whole)[-1])
    noted = [line for line in read_metrics(whole) if "iou" in line][-1]
    found = json.loads((tmp_path / "val.json").read_text())
    assert found["mean_iou"] == noted["validation"]["network"]["mean_iou"]
    assert found["iou"] == noted["iou"]
    assert main(["score", str(whole), "--data", str(tmp_path)]) == 2
    assert f"{tmp_path} has no images of cityscapes_256" in capsys.readouterr().err


def test_cityscapes_gets_its_official_ids(sample: Sample, tmp_path: Path) -> None:
    sample(tmp_path / "data", "cityscapes", {"train": 1, "val": 1})
    own = replace(
        CONFIGURATION,
        dataset=SegmentationDataParameters("cityscapes"),
        crop=CropParameters(64, 64, scale=0.1),
        optimisation=OptimisationParameters(epochs=1),
    )
    finetune(own, tmp_path / "data", tmp_path / "run")
    inputs = tmp_path / "data/leftImg8bit/val/aachen"
    assert main(["predict", str(tmp_path / "run"), str(inputs), "--out", str(tmp_path / "out")]) == 0
    (written,) = (tmp_path / "out").iterdir()
    ids = cv2.imread(str(written), cv2.IMREAD_UNCHANGED)
    assert ids.shape == (1024, 2048)
    official = [label.id for label in own.layout.benchmark.classes]
    assert set(np.unique(ids)) <= set(official)
    words = ["--ground-truth", str(tmp_path / "data/gtFine/val"), "--predictions", str(tmp_path / "out")]
    assert evaluate(["segmentation", *words]) == 0


def test_a_run_starts_from_one_on_depth_and_says_so(small_dataset: Path, labelled: Path, tmp_path: Path) -> None:
    depth = PretrainingConfiguration(
        model=ModelParameters(fc_channels=8),
        input=InputParameters(64, 64),
        loader=LoaderParameters(batch_size=4, workers=0),
        optimisation=OptimisationParameters(steps=1),
        engine=EngineParameters(device="cpu"),
        record=RecordParameters(validation_samples=1, overlays=0),
    )
    pretrain(depth, str(small_dataset), tmp_path / "cd", resume=False)
    words = ["--run", str(tmp_path / "cdk"), "--data", str(small_dataset), "--init", str(tmp_path / "cd")]
    small = ["--model.fc_channels", "8", "--loader.workers", "0", "--optimisation.steps", "1"]
    few = ["--record.validation_samples", "1", "--engine.device", "cpu", "--loader.batch_size", "2"]
    assert main(["pretrain", *words, *small, *few, "--input.height", "64", "--input.width", "64"]) == 0
    words = ["--run", str(tmp_path / "camvid"), "--data", str(labelled), "--init", str(tmp_path / "cdk")]
    own = ["--dataset.layout", "cityscapes_256", "--crop.height", "64", "--crop.width", "64"]
    assert main(["finetune", *words, *small, *few, *own, "--fraction", "0.5", "--max-images", "3"]) == 0
    report = (tmp_path / "camvid/initialisation.txt").read_text()
    assert "14 tensors taken, 0 resized, 2 left" in report
    assert "head.score_fr.weight (1, 8, 1, 1) -> (19, 8, 1, 1)" in report
    facts = json.loads((tmp_path / "camvid/provenance.json").read_text())["initialised_from"]
    assert (facts["source"], facts["data"]) == (str(tmp_path / "cdk"), str(small_dataset))
    assert facts["initialised_from"]["source"] == str(tmp_path / "cd")


def test_subsets_are_nested_and_validation_is_whole(labelled: Path) -> None:
    keys = []
    for size in (2, 5, None):
        task = Segmentation(replace(CONFIGURATION, subset=SubsetParameters(max_samples=size)), str(labelled))
        keys.append({key for batch in task.loader(0, 1) for key in batch.keys if key})
        assert len(task.validation.images) == 3
    assert [len(each) for each in keys] == [2, 5, 10]
    assert keys[0] < keys[1] < keys[2]


def test_parameters_can_be_chosen_on_images_held_out_of_the_training_split(labelled: Path) -> None:
    found = []
    for size, seed in ((None, 0), (4, 3)):
        own = replace(CONFIGURATION, dataset=replace(CONFIGURATION.dataset, held_out=0.3))
        task = Segmentation(replace(own, subset=SubsetParameters(max_samples=size, seed=seed)), str(labelled))
        found.append([{image.key for image in part.images} for part in (task.train, task.validation)])
    (train, held), (few, same) = found
    assert (len(train), len(held), len(few)) == (7, 3, 4)
    assert train | held == {f"train{number:04d}" for number in range(10)}
    assert same == held
    assert few < train


def test_every_image_comes_once_an_epoch_whatever_the_ranks_and_workers(labelled: Path) -> None:
    one = Segmentation(replace(CONFIGURATION, loader=FrameLoaderParameters(4, workers=2)), str(labelled)).loader(0, 1)
    two = [Segmentation(CONFIGURATION, str(labelled)).loader(rank, 2) for rank in range(2)]
    for _ in range(2):
        alone, together = list(one), list(zip(*(list(rank) for rank in two), strict=True))
        assert sorted(key for batch in alone for key in batch.keys if key) == [f"train{n:04d}" for n in range(10)]
        for batch, parts in zip(alone, together, strict=True):
            assert [key for part in parts for key in part.keys] == batch.keys
            assert torch.equal(torch.cat([part.images for part in parts]), batch.images)
            assert torch.equal(torch.cat([part.labels for part in parts]), batch.labels)
            assert torch.equal(torch.cat([part.draws for part in parts]), batch.draws)
    assert one.epoch == two[0].epoch == 2


def test_ranks_share_the_images_to_validate(labelled: Path) -> None:
    images = Segmentation(CONFIGURATION, str(labelled)).validation
    expected = [read(image, images.layout)[1].tolist() for image in images.images]
    parts = [list(whole_images(images, 3, FrameLoaderParameters(4, workers=0), rank, 2)) for rank in range(2)]
    found = [[label.tolist() for step in part for _, label in step] for part in parts]
    assert found == [[expected[0], expected[2]], [expected[1]]]
    assert len(list(whole_images(images, 1, FrameLoaderParameters(4, workers=0), 0, 1))) == 1


def test_crops_lie_where_their_own_random_numbers_say_and_elsewhere_in_the_next_epoch(labelled: Path) -> None:
    task = Segmentation(CONFIGURATION, str(labelled))
    loader, images = task.loader(0, 1), {image.key: image for image in task.train.images}
    orders, places = [], []
    for _ in range(2):
        batches = list(loader)
        orders.append([key for batch in batches for key in batch.keys if key])
        rows = [row for batch in batches for row in zip(batch.keys, batch.labels, batch.draws) if row[0]]
        for key, found, draws in rows:
            label = scaled(read(images[key], task.train.layout), 0.5)[1]
            top, left = (int(65 * share) for share in draws[-2:].tolist())  # 128 pixels, less 64, and one
            assert found.tolist() == label[top : top + 64, left : left + 64].tolist()
        places.append({key: (float(draws[-2]), float(draws[-1])) for key, _, draws in rows})
    assert orders[0] != orders[1]
    assert all(places[0][key] != places[1][key] for key in places[0])


def test_a_file_at_fault_stops_the_run_in_one_sentence(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = sample(tmp_path / "data", "cityscapes_256", {"train": 2, "val": 1})
    places[1][0].write_bytes(b"no image")
    words = ["--data", str(tmp_path / "data"), "--run", str(tmp_path / "run"), "--dataset.layout", "cityscapes_256"]
    small = ["--model.fc_channels", "8", "--loader.workers", "1", "--crop.height", "64", "--crop.width", "64"]
    assert main(["finetune", *words, *small]) == 2
    assert f"FrameError: {places[1][0]} cannot be read as an image" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--dataset.train", "trian"], "cityscapes_256 has no split 'trian'; it has: train, val"),
        (["--dataset.layout", "kitti"], "has no images of kitti, split train: give the folder with Training_00/RGB"),
        (["--fraction", "0"], "subset.fraction must be in (0, 1], not 0.0"),
        (["--dataset.held_out", "1"], "dataset.held_out must be in [0, 1), not 1.0"),
        (["--crop.scale", "0"], "crop.scale must be positive, not 0.0"),
        (["--crop.height", "300"], "has 256x256 pixels at the scale of training, less than a crop of 64x300"),
        (["--objective.class_weights", "[1, 2]"], "objective.class_weights has 2 weights; cityscapes_256 has 19"),
        (["--init", "nowhere"], "initialisation.source nowhere does not exist"),
        (["--optimisation.stages", "[{head: fcn16s, epochs: 1, learning_rate: 1}]"], "alexnet has no head 'fcn16s'"),
    ],
)
def test_mistakes_are_named(
    words: list[str], complaint: str, labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = ["--data", str(labelled), "--run", str(tmp_path / "run"), "--dataset.layout", "cityscapes_256"]
    small = ["--model.fc_channels", "8", "--loader.workers", "0", "--crop.height", "64", "--crop.width", "64"]
    assert main(["finetune", *own, *small, *words]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert "Traceback" not in said


def test_the_configuration_of_another_task_is_not_taken(
    whole: Path, labelled: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["pretrain", "--config", str(whole / "configuration.yaml"), "--run", str(tmp_path / "run")])
    assert "segmentation" in capsys.readouterr().err
    with pytest.raises(RunError, match=r"started with crop\.height 64, not 32"):
        finetune(replace(CONFIGURATION, crop=CropParameters(32, 64, 0.5)), labelled, whole, resume=True)


def test_class_weights_change_what_is_learned(labelled: Path, whole: Path, tmp_path: Path) -> None:
    weighted = CrossEntropyParameters([float(2 + number % 3) for number in range(19)])
    short = replace(CONFIGURATION, objective=weighted, optimisation=replace(CONFIGURATION.optimisation, steps=3))
    finetune(short, labelled, tmp_path / "run")
    assert losses(tmp_path / "run")[0] == pytest.approx(losses(whole)[0], rel=1e-5)  # zero scores: log 19 either way
    assert losses(tmp_path / "run")[2] != pytest.approx(losses(whole)[2], rel=1e-5)


CONFIGURATIONS = sorted((ROOT / "training/configs/finetune").glob("*.yaml"))


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=lambda path: path.stem)
def test_every_shipped_configuration_takes_two_steps(config: Path, sample: Sample, tmp_path: Path) -> None:
    """On images of the true layout and size, with narrow fc layers and one crop a step.

    AlexNet on crops of the true size. VGG16, whose three stages would take minutes here, at a tenth of the scale.
    """
    layout = config.stem.removesuffix("_alexnet").removesuffix("_vgg16")
    sample(tmp_path / "data", layout, {"train": 2, "val": 1})
    words = ["--config", str(config), "--data", str(tmp_path / "data"), "--run", str(tmp_path / "run")]
    small = ["--model.fc_channels", "8", "--loader.batch_size", "1", "--loader.workers", "0"]
    limits = ["--optimisation.steps", "2", "--engine.device", "cpu", "--record.overlays", "0"]
    tenth = ["--crop.scale", "0.1", "--crop.height", "32", "--crop.width", "32"]
    assert main(["finetune", *words, *small, *limits, *(tenth if "vgg16" in config.stem else [])]) == 0
    runs = [*sorted((tmp_path / "run/stages").glob("*")), tmp_path / "run"]
    assert len(runs) == (3 if "vgg16" in config.stem else 1)
    for run in runs:
        noted = [line["loss"] for line in read_metrics(run) if "loss" in line]
        assert len(noted) == 1
        assert np.isfinite(noted).all()
        assert checkpoint.read_record(checkpoint.steps(run)[-1])["step"] == 2
