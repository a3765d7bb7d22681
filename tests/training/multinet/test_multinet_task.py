"""MultiNet as a task: a run learns, goes on as if undisturbed, is scored and predicts; wrong data is told."""

import dataclasses
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from evaluation.detection import score
from evaluation.kitti_labels import read_objects
from training import checkpoint
from training.__main__ import main
from training.configuration import EngineParameters, OptimisationParameters, RecordParameters
from training.distributed import World
from training.engine import train
from training.frame_loader import FrameLoaderParameters
from training.initialisation import InitialisationParameters
from training.learner import Learner
from training.models.fastbox import FastBoxParameters
from training.models.multinet import MultiNetParameters
from training.models.network import ModelParameters, build_network
from training.multinet.configuration import MultiNetConfiguration
from training.multinet.data import FrameSet, MultiNetData
from training.multinet.detections import Detections
from training.multinet.inference import Eyes
from training.multinet.overlay import CAR_COLOUR, overlay
from training.multinet.task import MultiNetTask, objects_of
from training.run_folder import read_metrics

ROOT = Path(__file__).parents[3]
OWN = MultiNetConfiguration()
SMALL = dataclasses.replace(
    OWN,
    model=dataclasses.replace(OWN.model, fc_channels=16),
    multinet=MultiNetParameters(
        fastbox=FastBoxParameters(hidden=24, early_channels=16, second_hidden=16, deep_scale=1.0, early_scale=1.0)
    ),
    dataset=MultiNetData(
        FrameSet("street", validation_folder="street"),
        FrameSet("street", validation_folder="street"),
        cars_per_row=2,
        road_height=32,
        road_width=64,
        car_height=32,
        car_width=64,
    ),
    optimisation=dataclasses.replace(OWN.optimisation, steps=6),
    engine=EngineParameters(device="cpu", deterministic=True),
    record=RecordParameters(log_steps=1, validate_epochs=100, validation_samples=2, overlays=1),
    loader=FrameLoaderParameters(1, workers=0),
)


def losses(run: Path) -> list[float]:
    return [line["loss"] for line in read_metrics(run) if "loss" in line]


def last(run: Path) -> dict[str, torch.Tensor]:
    return checkpoint.read_weights(checkpoint.steps(run)[-1])


@pytest.fixture(scope="module")
def whole(drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    assert train(MultiNetTask(SMALL, str(drive.parent)), run, resume=False) == 0
    return run


def test_a_run_learns_and_is_scored(whole: Path) -> None:
    assert len(losses(whole)) == 6
    assert losses(whole)[-1] < losses(whole)[0]
    (first, final) = [line for line in read_metrics(whole) if "validation" in line]
    names = {"max_f", "road_ap", "easy", "moderate", "hard"}
    assert set(first["validation"]["untrained network"]) == set(final["validation"]["network"]) == names
    assert 0 < final["validation"]["network"]["max_f"] <= 100
    assert final["error"] == pytest.approx(
        1 - (final["validation"]["network"]["max_f"] + final["validation"]["network"]["moderate"]) / 200
    )
    assert "# Road and cars: vgg16, fcn8s" in (whole / "README.md").read_text()


def test_a_resumed_run_ends_at_the_same_weights(whole: Path, drive: Path, tmp_path: Path) -> None:
    for steps in (2, 6):
        own = dataclasses.replace(SMALL, optimisation=dataclasses.replace(SMALL.optimisation, steps=steps))
        assert train(MultiNetTask(own, str(drive.parent)), tmp_path / "run", resume=True) == 0
    assert losses(tmp_path / "run") == losses(whole)
    expected, found = last(whole), last(tmp_path / "run")
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_two_rows_a_step_are_learned_one_at_a_time(drive: Path, tmp_path: Path) -> None:
    own = dataclasses.replace(
        SMALL,
        loader=FrameLoaderParameters(2, workers=0),
        optimisation=dataclasses.replace(SMALL.optimisation, steps=1),
    )
    assert train(MultiNetTask(own, str(drive.parent)), tmp_path / "run", resume=False) == 0
    assert len(losses(tmp_path / "run")) == 1


@pytest.mark.parametrize(("heads", "scores"), [("road", {"max_f", "road_ap"}), ("cars", {"easy", "moderate", "hard"})])
def test_a_single_decoder_is_a_run_of_its_own(heads: str, scores: set[str], drive: Path, tmp_path: Path) -> None:
    multinet = dataclasses.replace(SMALL.multinet, heads=heads)
    optimisation = dataclasses.replace(SMALL.optimisation, steps=1)
    own = dataclasses.replace(SMALL, multinet=multinet, optimisation=optimisation)
    assert train(MultiNetTask(own, str(drive.parent)), tmp_path / "run", resume=False) == 0
    assert set(read_metrics(tmp_path / "run")[-1]["validation"]["network"]) == scores


def test_the_encoder_starts_from_a_pre_training_run(drive: Path, tmp_path: Path) -> None:
    torch.manual_seed(5)
    depth = build_network(ModelParameters("vgg16", "fcn8s", fc_channels=16))
    torch.save(depth.state_dict(), tmp_path / "depth.pth")
    own = dataclasses.replace(
        SMALL,
        initialisation=InitialisationParameters(str(tmp_path / "depth.pth")),
        optimisation=dataclasses.replace(SMALL.optimisation, steps=1, learning_rate=1e-9),
    )
    assert train(MultiNetTask(own, str(drive.parent)), tmp_path / "run", resume=False) == 0
    report = (tmp_path / "run" / "initialisation.txt").read_text()
    assert "30 tensors taken" in report
    for name in ("backbone.features.0.weight", "backbone.classifier.fc7.weight"):
        torch.testing.assert_close(last(tmp_path / "run")[name], depth.state_dict()[name], atol=1e-7, rtol=0)


def test_decay_is_for_the_weights_that_the_network_names_and_gradients_are_cut() -> None:
    torch.manual_seed(0)
    own = dataclasses.replace(SMALL, optimisation=dataclasses.replace(SMALL.optimisation, clip=None))
    learner = Learner(own.network(), own, World(0, 1, torch.device("cpu")))
    decayed, rest = learner.optimizer.param_groups
    assert (len(decayed["params"]), decayed["weight_decay"]) == (16, 5e-4)
    assert rest["weight_decay"] == 0
    assert decayed["eps"] == 1e-5
    assert len(decayed["params"]) + len(rest["params"]) == len(list(learner.network.parameters()))


def first_step(optimisation: OptimisationParameters, drive: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Weights before a step, and what it changed, a thousandth of the gradient: Adam's epsilon is so large."""
    own = dataclasses.replace(SMALL, optimisation=dataclasses.replace(optimisation, epsilon=1e3, learning_rate=1.0))
    torch.manual_seed(0)
    task = MultiNetTask(own, str(drive.parent))
    learner = Learner(own.network(), task.configuration, World(0, 1, torch.device("cpu")))
    before = {name: value.clone().double() for name, value in learner.weights().items()}
    learner.step(task.prepare(next(iter(task.loader(0, 1))), torch.device("cpu")), torch.tensor([1]), 1)
    return before, {name: value.double() - before[name] for name, value in learner.weights().items()}


def length(changes: dict[str, Tensor]) -> float:
    return float(torch.cat([value.flatten() for value in changes.values()]).norm())


def alignment(one: list[Tensor], other: list[Tensor]) -> float:
    """The cosine of the angle between two vectors in parts."""
    flat = [torch.cat([part.flatten() for part in parts]) for parts in (one, other)]
    return float(torch.nn.functional.cosine_similarity(*flat, dim=0))


@pytest.mark.parametrize("decay", [0.0, 50.0])
def test_a_gradient_longer_than_the_clip_is_cut_to_it(drive: Path, decay: float) -> None:
    """The gradient is that of the whole loss, L2 included."""
    for clip in (1.0, 2.0):
        _, changes = first_step(OptimisationParameters(clip=clip, weight_decay=decay), drive)
        assert length(changes) == pytest.approx(clip * 1e-3, rel=0.01)
    assert length(first_step(OptimisationParameters(weight_decay=decay), drive)[1]) > 3e-3


def test_decay_is_the_same_with_a_clip_and_without(drive: Path) -> None:
    before, free = first_step(OptimisationParameters(weight_decay=50.0), drive)
    _, clipped = first_step(OptimisationParameters(weight_decay=50.0, clip=1.0), drive)
    assert alignment([*clipped.values()], [*free.values()]) > 0.999
    weight = "backbone.features.28.weight"  # decay is most of its gradient
    assert alignment([clipped[weight]], [-before[weight]]) > 0.9


def test_detections_are_scored_as_their_files_are(tmp_path: Path, drive: Path) -> None:
    found = [
        Detections(np.array([[10, 20, 40, 80], [50, 20, 70, 60]], np.float32), np.array([0.9, 0.4], np.float32)),
        Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32)),
    ]
    for number, each in enumerate(found):
        (tmp_path / f"{number}.txt").write_text("".join(line + "\n" for line in each.lines()))
    read, own = read_objects(sorted(tmp_path.glob("*.txt")), scored=True), objects_of(found)
    assert read.types.tolist() == own.types.tolist() == ["car", "car"]
    assert read.starts.tolist() == own.starts.tolist() == [0, 2, 2]
    np.testing.assert_allclose(read.boxes, own.boxes, atol=0.005)
    np.testing.assert_allclose(read.scores, own.scores, atol=1e-6)


def test_what_is_seen_has_the_size_of_the_image() -> None:
    torch.manual_seed(0)
    network = SMALL.network().eval()
    image = np.zeros((50, 90, 3), np.uint8)
    for joining in ("nms", "stitch"):
        with torch.inference_mode():
            eyes = Eyes(network, SMALL.dataset, torch.device("cpu"), joining)  # type: ignore[arg-type]
            probability, cars = eyes.road(image), eyes.cars(image)
        assert probability.shape == (50, 90)
        assert probability.dtype == np.float64
        assert bool(((probability >= 0) & (probability <= 1)).all())
        assert (cars.boxes >= 0).all()
        assert (cars.boxes[:, [0, 2]] <= 89).all()
        assert (cars.boxes[:, [1, 3]] <= 49).all()


def test_road_is_green_and_likely_cars_are_boxed() -> None:
    image = np.full((60, 80, 3), 100, np.uint8)
    probability = np.zeros((60, 80))
    probability[30:] = 1.0
    boxes = np.array([[20, 20, 50, 50], [60, 5, 70, 15]], np.float32)
    picture = overlay(image, probability, Detections(boxes, np.array([0.9, 0.1], np.float32)))
    assert picture[10, 5].tolist() == [100, 100, 100]
    assert picture[55, 5].tolist() == [80, 160, 80]
    assert picture[50, 35].tolist() == list(CAR_COLOUR)
    assert picture[10, 60].tolist() == [100, 100, 100]  # not likely enough


@pytest.fixture(scope="module")
def predicted(whole: Path, drive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("predicted")
    assert main(["predict", str(whole), str(drive / "image_2"), "--out", str(out), "--device", "cpu"]) == 0
    return out


def test_predictions_are_files_that_the_evaluators_read(predicted: Path, drive: Path, tmp_path: Path) -> None:
    from evaluation.__main__ import main as evaluate

    names = {f"{number:06d}{ending}" for number in range(4) for ending in (".npy", ".txt", ".overlay.png")}
    assert {path.name for path in predicted.iterdir()} == names
    assert np.load(predicted / "000000.npy").shape == (70, 130)
    assert cv2.imread(str(predicted / "000000.overlay.png")).shape == (70, 130, 3)
    assert set(score(drive / "label_2", predicted)) == {"easy", "moderate", "hard"}
    words = ["road", "--ground-truth", str(drive / "classes"), "--predictions", str(predicted)]
    assert evaluate([*words, "--json", str(tmp_path / "road.json")]) == 0


def test_boxes_are_stitched_where_that_is_asked_for(whole: Path, drive: Path, tmp_path: Path) -> None:
    words = ["predict", str(whole), str(drive / "image_2" / "000000.png"), "--out", str(tmp_path), "--device", "cpu"]
    assert main([*words, "--joining", "stitch"]) == 0
    assert (tmp_path / "000000.txt").exists()


def test_a_way_that_the_task_has_not_is_refused(
    whole: Path, drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["predict", str(whole), str(drive / "image_2"), "--out", str(tmp_path), "--device", "cpu"]
    assert main([*words, "--flip-average", "true"]) == 2
    assert "flip_average: a run of multinet is not predicted in that way" in capsys.readouterr().err


def test_the_encoder_alone_is_exported(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", str(whole), "--format", "safetensors", "--out", str(tmp_path / "weights.safetensors")]
    assert main(words) == 2
    assert "is a run of multinet; of those the backbone alone is exported" in capsys.readouterr().err
    assert main([*words, "--part", "backbone"]) == 0
    assert (tmp_path / "weights.safetensors").exists()


CONFIGURATIONS = sorted((ROOT / "training/configs/multinet").glob("*.yaml"))


def benchmark(folder: Path, kitti_road: Path, kitti_object: Path, drive: Path) -> Path:
    """``road/``, ``object/``, ``train/`` and ``val/`` as the shipped configurations name them."""
    shutil.copytree(kitti_road, folder / "road")
    shutil.copytree(kitti_object, folder / "object")
    (folder / "object" / "mapping").mkdir()
    (folder / "object/mapping/train_mapping.txt").write_text("".join(f"d drive_{n % 2} {n}\n" for n in range(962)))
    (folder / "object/mapping/train_rand.txt").write_text(",".join(str(n + 1) for n in range(962)))
    for name in ("train", "val"):
        shutil.copytree(drive, folder / name)
    return folder


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=lambda path: path.stem)
def test_every_shipped_configuration_takes_a_step(
    config: Path, kitti_road: Path, kitti_object: Path, drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On few small frames, narrow, with lists of their names."""
    data = benchmark(tmp_path / "data", kitti_road, kitti_object, drive)
    (tmp_path / "data_manifests").mkdir()
    for split, number in (("train", 1), ("val", 2)):
        pair = f"training/image_2/um_{number:06d}.png,training/gt_image_2/um_road_{number:06d}.png"
        (tmp_path / f"data_manifests/kitti_road_{split}.csv").write_text(f"image,ground_truth\n{pair}\n")
        (tmp_path / f"data_manifests/kitti_object_{split}.csv").write_text(f"image\n{number:06d}\n")
    monkeypatch.chdir(data if "drives" in config.stem else tmp_path)
    if "drives" in config.stem:
        (data / "data_manifests").symlink_to(tmp_path / "data_manifests")
    words = ["finetune", "--config", str(config), "--data", str(data), "--run", str(tmp_path / "run")]
    small = ["--model.fc_channels", "8", "--loader.workers", "0", "--engine.device", "cpu", "--record.overlays", "0"]
    sizes = ["--dataset.car_height", "32", "--dataset.car_width", "64", "--dataset.cars_per_row", "1"]
    sizes += ["--dataset.road_height", "32", "--dataset.road_width", "64", "--record.validation_samples", "1"]
    assert main([*words, *small, *sizes, "--optimisation.steps", "1"]) == 0
    assert len(losses(tmp_path / "run")) == 1


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--model.backbone", "alexnet"], "multinet is built on vgg16 with fcn8s"),
        (["--dataset.car_width", "100"], "must be multiples of 32"),
        (["--augmentation.flip", "0"], "multinet has its own, dataset.augmentation"),
        (["--dataset.cars.folder", "gone"], "gone is no data that is known"),
        (["--optimisation.clip", "0"], "optimisation.clip must be positive"),
    ],
)
def test_mistakes_are_told_in_a_sentence(
    words: list[str], complaint: str, drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["finetune", "--task", "multinet", "--data", str(drive.parent), "--run", str(tmp_path / "run")]
    folders = [f"--dataset.{name}.{key}=street" for name in ("road", "cars") for key in ("folder", "validation_folder")]
    assert main([*given, *folders, "--loader.workers=0", "--engine.device=cpu", *words]) == 2
    said = capsys.readouterr().err
    assert complaint in said
    assert "Traceback" not in said
