"""First weights: which tensors are taken, resized, left, from whatever a source calls them."""

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
import torchvision
from torch import Tensor

from training.initialisation import InitialisationParameters, Report, first_weights, fit, initialise
from training.models.network import ModelParameters, Network, build_network

SMALL = ModelParameters(fc_channels=8)


def network(seed: int = 0, parameters: ModelParameters = SMALL) -> Network:
    torch.manual_seed(seed)
    return build_network(parameters)


def from_file(path: Path, state: Any, parameters: ModelParameters = SMALL, **more: Any) -> tuple[Network, Report]:
    torch.save(state, path)
    made = network(1, parameters)
    report = initialise(made, InitialisationParameters(str(path), **more))
    assert report is not None
    return made, report


def test_torchvisions_weights_are_taken_and_its_matrices_become_convolutions(tmp_path: Path) -> None:
    torch.manual_seed(0)
    stock = torchvision.models.alexnet(weights=None).state_dict()
    stock["classifier.1.weight"], stock["classifier.1.bias"] = torch.rand(8, 9216), torch.rand(8)
    stock["classifier.4.weight"], stock["classifier.4.bias"] = torch.rand(8, 8), torch.rand(8)
    made, report = from_file(tmp_path / "alexnet.pth", stock)
    state = made.state_dict()
    assert len(report.taken) == 12  # five convolutions with their biases, and the biases of fc6 and fc7
    assert report.resized == [
        "backbone.classifier.fc6.weight (8, 9216) -> (8, 256, 6, 6)",
        "backbone.classifier.fc7.weight (8, 8) -> (8, 8, 1, 1)",
    ]
    assert report.left == ["head.score_fr.weight", "head.score_fr.bias"]
    assert report.unused == ["classifier.6.bias", "classifier.6.weight"]
    assert torch.equal(state["backbone.features.3.weight"], stock["features.3.weight"])
    assert torch.equal(state["backbone.classifier.fc6.weight"].flatten(1), stock["classifier.1.weight"])


def test_shapes_that_do_not_fit_are_left_and_named(tmp_path: Path) -> None:
    torch.manual_seed(0)
    made, report = from_file(tmp_path / "alexnet.pth", torchvision.models.alexnet(weights=None).state_dict())
    assert "backbone.classifier.fc6.weight (4096, 9216) -> (8, 256, 6, 6)" in report.left
    assert torch.equal(made.backbone.classifier.fc6.weight, network(1).backbone.classifier.fc6.weight)  # type: ignore[union-attr]
    assert "10 tensors taken" in str(report)


def test_an_external_state_dict_is_taken_by_its_key_map(tmp_path: Path) -> None:
    external = {
        f"module.enc.{n}.0.weight": torch.rand(shape) for n, shape in ((1, (96, 1, 11, 11)), (2, (256, 48, 5, 5)))
    }
    made, report = from_file(
        tmp_path / "grey.pth",
        {"epoch": 7, "state_dict": {**external, "module.last.weight": torch.rand(3)}},
        ModelParameters("caffenet", fc_channels=8),
        key_map={r"module\.enc\.(\d)\.0\.": r"backbone.conv\1."},
    )
    assert report.taken == ["backbone.conv2.weight"]
    assert report.resized == ["backbone.conv1.weight (96, 1, 11, 11) -> (96, 3, 11, 11)"]
    assert report.unused == ["module.last.weight"]
    weight, grey = made.backbone.conv1.weight, torch.rand(1, 1, 11, 11)  # type: ignore[union-attr]
    expected = torch.nn.functional.conv2d(grey, external["module.enc.1.0.weight"])
    torch.testing.assert_close(torch.nn.functional.conv2d(grey.expand(1, 3, 11, 11), weight), expected)


def test_a_finer_head_starts_as_the_coarser_network(tmp_path: Path) -> None:
    coarse = network(0, ModelParameters("vgg16", "fcn32s", fc_channels=8))
    torch.nn.init.normal_(coarse.head.score_fr.weight)  # type: ignore[union-attr,arg-type]
    path = tmp_path / "coarse.safetensors"
    safetensors.torch.save_file(coarse.state_dict(), path)
    fine = network(1, ModelParameters("vgg16", "fcn16s", fc_channels=8))
    report = initialise(fine, InitialisationParameters(str(path)))
    assert report is not None
    assert report.left == ["head.score_pool4.weight", "head.score_pool4.bias"]
    image = torch.rand(1, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    coarse.eval(), fine.eval()
    inside = (slice(None), slice(48, -48), slice(48, -48))
    # Two bilinear upsamplings, by 2 and by 16, are smoother than one by 32, but nowhere far from it.
    difference = (fine(image)[inside] - coarse(image)[inside]).abs().mean()
    other = network(1, ModelParameters("vgg16", "fcn16s", fc_channels=8)).eval()
    assert difference < 0.05 < (other(image)[inside] - coarse(image)[inside]).abs().mean()


def test_only_the_wanted_part_is_taken(tmp_path: Path) -> None:
    source = network(0).state_dict()
    source["head.score_fr.weight"] = torch.ones_like(source["head.score_fr.weight"])
    made, report = from_file(tmp_path / "all.pth", source, part="backbone.")
    assert report.left == ["head.score_fr.weight", "head.score_fr.bias"]
    assert not bool(made.head.score_fr.weight.any())  # type: ignore[union-attr,operator]


@pytest.mark.parametrize(
    ("state", "complaint"),
    [
        ({"other.weight": torch.rand(2)}, "nothing in .* fits the network; it has other.weight .*key_map"),
        ({"epoch": 3}, "has no named tensors"),
        ({"state_dict": {"a": Path}}, "holds more than tensors and is not loaded"),
    ],
)
def test_sources_of_no_use_are_refused(tmp_path: Path, state: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        from_file(tmp_path / "bad.pth", state)


def test_a_network_of_another_width_is_told_from_one_with_other_names(tmp_path: Path) -> None:
    narrow = network(0, ModelParameters(fc_channels=4, width=0.25)).state_dict()
    said = r"fits the network, backbone\.features\.0\.weight \(16, 3, 11, 11\) -> .* give the --model options"
    with pytest.raises(ValueError, match=said):
        from_file(tmp_path / "narrow.pth", {name: value for name, value in narrow.items() if "score" not in name})


def test_a_missing_or_broken_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"gone\.pth does not exist"):
        initialise(network(), InitialisationParameters(str(tmp_path / "gone.pth")))
    (tmp_path / "broken.safetensors").write_bytes(b"\xff" * 40)
    with pytest.raises(ValueError, match=r"broken\.safetensors is no state dict"):
        initialise(network(), InitialisationParameters(str(tmp_path / "broken.safetensors")))


def test_tensors_that_fit_in_no_way_are_not_bent() -> None:
    value: Tensor = torch.rand(4, 3, 2, 2)
    assert fit(value, torch.Size((4, 12))) is None
    assert fit(value, torch.Size((4, 3, 4, 4))) is None
    assert fit(value, value.shape) is value


def test_the_short_option_names_every_source(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("'module\\.enc': backbone\n")
    assert first_weights("scratch") == InitialisationParameters()
    assert first_weights("runs/depth") == InitialisationParameters("runs/depth")
    assert first_weights("imagenet:vgg16.pth") == InitialisationParameters("vgg16.pth", part="backbone.")
    mapped = first_weights(f"external:a:b.pth:{tmp_path}/map.yaml")
    assert mapped == InitialisationParameters("a:b.pth", {"module\\.enc": "backbone"})


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("external:weights.pth", "give external:FILE:MAP"),
        ("external:weights.pth:gone.yaml", "gone.yaml cannot be read"),
        ("external:weights.pth:list.yaml", "list.yaml does not map names to names"),
    ],
)
def test_short_options_of_no_use_are_named(
    text: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("list.yaml").write_text("- backbone\n")
    with pytest.raises(ValueError, match=complaint):
        first_weights(text)
