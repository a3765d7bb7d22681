"""Controls: labels of other frames, colour from grey, the frame itself; data and steps are those of depth."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from training.__main__ import main
from training.configuration import (
    Configuration,
    EngineParameters,
    InputParameters,
    OptimisationParameters,
    RecordParameters,
)
from training.distributed import World
from training.engine import pretrain
from training.input import AugmentationParameters
from training.learner import Learner
from training.loader import Batch, LoaderParameters
from training.models.network import ModelParameters
from training.pretexts import PictureExample, PretextParameters, distance, partners, prepare, split_colour
from training.pretraining import pretraining_task
from training.run_folder import read_metrics

SMALL = Configuration(
    model=ModelParameters(fc_channels=16, dropout=0.0),
    input=InputParameters(64, 96),
    loader=LoaderParameters(batch_size=4, workers=0),
    optimisation=OptimisationParameters(epochs=8, learning_rate=1e-3),
    engine=EngineParameters(device="cpu"),
    record=RecordParameters(log_steps=1, validate_epochs=100, checkpoint_epochs=100, overlays=1),
)


def test_labels_go_round_in_one_cycle() -> None:
    found = partners(1000, 0)
    place, seen = 0, set()
    for _ in range(1000):
        place = int(found[place])
        seen.add(place)
    assert len(seen) == 1000
    assert not (partners(1000, 1) == found).all()
    assert partners(2, 0).tolist() == [1, 0]


def test_shuffled_frames_have_the_label_of_their_partner_in_every_epoch(small_dataset: Path) -> None:
    plain, shuffled = (
        pretraining_task(replace(SMALL, pretext=PretextParameters(name)), str(small_dataset)).loader(0, 1)  # type: ignore[arg-type]
        for name in ("depth", "shuffled_depth")
    )
    batches = list(plain)
    frames = {key: image for batch in batches for key, image in zip(batch.keys, batch.images)}
    codes = {key: label for batch in batches for key, label in zip(batch.keys, batch.codes)}
    keys = [plain.split.key(number) for number in range(22)]
    partner = {key: keys[number] for key, number in zip(keys, partners(22, 0))}
    for _ in range(2):
        seen = 0
        for batch in shuffled:
            for key, image, label in zip(batch.keys, batch.images, batch.codes):
                if key:
                    assert torch.equal(image, frames[key])
                    assert torch.equal(label, codes[partner[key]])
                    seen += 1
        assert seen == 22
    assert not torch.equal(codes[keys[0]], codes[partner[keys[0]]])


def test_colours_are_split_as_broadcast_splits_them() -> None:
    shown = torch.tensor([[1.0, 1, 1], [0, 0, 0], [1, 0, 0], [0, 0, 1]]).reshape(4, 3, 1, 1)
    luma, chroma = split_colour(shown)
    assert luma.flatten().tolist() == pytest.approx([1, 0, 0.299, 0.114])
    # blue and red differences of white, black, red, blue
    expected = [[0.5, 0.5], [0.5, 0.5], [0.5 - 0.299 / 1.772, 1.0], [1.0, 0.5 - 0.114 / 1.402]]
    torch.testing.assert_close(chroma.flatten(1), torch.tensor(expected))


def test_the_truth_is_what_the_network_does_not_see() -> None:
    images = torch.randint(0, 256, (2, 3, 4, 6), dtype=torch.uint8)
    draws = torch.rand(2, 5)
    batch = Batch(images, torch.zeros(2, 4, 6, dtype=torch.uint8), None, draws, ["a", ""])
    cpu = torch.device("cpu")
    same = prepare(batch, cpu, AugmentationParameters(), "image")
    assert torch.equal(same.images, same.truth)
    assert not torch.allclose(same.images, images / 255)
    grey = prepare(batch, cpu, None, "colour")
    assert torch.equal(grey.images[:, 0], grey.images[:, 2])
    assert grey.truth.shape == (2, 2, 4, 6)
    assert grey.present.tolist() == [1, 0]
    # a row without a sample adds nothing; .25 off everywhere is .25
    assert distance(grey.truth + 0.25, grey).tolist() == pytest.approx([0.25, 0])
    assert PictureExample(*vars(grey).values()).part(slice(1, 2)).keys == [""]


@pytest.mark.parametrize(("name", "outputs"), [("image", 3), ("colour", 2)])
def test_controls_are_runs_that_predict_no_depth(
    name: str, outputs: int, small_dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = replace(SMALL, pretext=PretextParameters(name))  # type: ignore[arg-type]
    assert pretrain(own, str(small_dataset), tmp_path / "run", resume=False) == 0
    before, after = (line["validation"] for line in read_metrics(tmp_path / "run") if "validation" in line)
    if name == "image":  # the frames are grey: they have no colour to learn
        assert after["network"]["l1"] < 0.7 * before["untrained network"]["l1"]
    assert f"outputs: {outputs}" in (tmp_path / "run/configuration.yaml").read_text()
    assert f"# Control, {name}: alexnet, fcn32s" in (tmp_path / "run/README.md").read_text()
    assert main(["predict", str(tmp_path / "run"), str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert "this run is a control" in capsys.readouterr().err


def test_colour_is_learned_from_grey() -> None:
    torch.manual_seed(0)
    own = replace(SMALL, pretext=PretextParameters("colour")).with_outputs()
    learner = Learner(own.network(), own, World(0, 1, torch.device("cpu")))
    # bright is red, dark is blue, in halves that change places
    bright = torch.zeros(2, 1, 64, 64)
    bright[0, ..., :32], bright[1, ..., 32:] = 1, 1
    images = torch.cat([0.9 * bright, 0.5 * bright, 0.4 * (1 - bright)], dim=1)
    batch = Batch((255 * images).byte(), torch.zeros(2, 64, 64, dtype=torch.uint8), None, torch.rand(2, 5), ["a", "b"])
    example = prepare(batch, torch.device("cpu"), None, "colour")
    losses = [float(learner.step(example, torch.arange(2), 2).mean()) for _ in range(40)]
    assert losses[-1] < 0.5 * losses[0]


def test_a_shuffled_run_says_that_it_is_a_control(small_dataset: Path, tmp_path: Path) -> None:
    own = replace(SMALL, pretext=PretextParameters("shuffled_depth"))
    short = replace(own, optimisation=replace(own.optimisation, steps=2))
    assert pretrain(short, str(small_dataset), tmp_path, resume=False) == 0
    assert "each frame had the label of another" in (tmp_path / "README.md").read_text()
