"""Weights in other libraries give what they give here, or are not written."""

import json
from pathlib import Path

import pytest
import safetensors
import safetensors.torch
import torch
import torchvision
import yaml
from torch import nn

from training import checkpoint, export
from training.checkpoint import Checkpoint
from training.configuration import Configuration, InputParameters, to_dict
from training.export import Features
from training.models.network import ModelParameters, build_network
from training.run_folder import load_network

KINDS = {
    "alexnet": ModelParameters("alexnet", "fcn32s", fc_channels=8),
    "hundred": ModelParameters("alexnet", "fcn32s", "hundred", fc_channels=8),
    "caffenet": ModelParameters("caffenet", "fcn32s", fc_channels=8),
    "vgg16": ModelParameters("vgg16", "fcn8s", fc_channels=8),
    "resnet50": ModelParameters("resnet50", "encoder_decoder"),
    "narrow": ModelParameters("vgg16", "fcn32s", fc_channels=8, width=0.125),
}


def run_of(parameters: ModelParameters, run: Path) -> Path:
    """A run with random weights: scores that are not zero, statistics of batch norm that are not those of the start."""
    torch.manual_seed(0)
    network = build_network(parameters)
    for parameter in network.head.parameters():
        nn.init.normal_(parameter, std=0.01)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert layer.running_mean is not None and layer.running_var is not None
            layer.running_mean.normal_(std=0.1)
            layer.running_var.uniform_(0.8, 1.2)
    configuration = Configuration(model=parameters, input=InputParameters(64, 96))
    run.mkdir()
    (run / "configuration.yaml").write_text(yaml.safe_dump({"data": "none", **to_dict(configuration)}))
    record = {"step": 1, "epoch": 0, "validation": None}
    checkpoint.save(run, Checkpoint(network.state_dict(), None, {}, record), keep=1)
    return run


@pytest.mark.parametrize("kind", ["alexnet", "hundred", "vgg16", "resnet50"])
def test_torchvision_loads_the_backbone_and_computes_the_same(kind: str, tmp_path: Path) -> None:
    run = run_of(KINDS[kind], tmp_path / "run")
    said = export.export(run, "torchvision", None, tmp_path / "weights.pth")
    assert ("without fc6 and fc7, whose 8 channels" in said) == (kind != "resnet50")
    state = torch.load(tmp_path / "weights.pth", weights_only=True)
    stock = getattr(torchvision.models, KINDS[kind].backbone)(weights=None)
    missing, unexpected = stock.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(name.startswith(("classifier.", "fc.")) for name in missing)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alexnet", "vgg16"])
def test_torchvision_loads_fc6_and_fc7_of_full_width(kind: str, tmp_path: Path) -> None:
    run = run_of(ModelParameters(kind, "fcn32s"), tmp_path / "run")  # type: ignore[arg-type]
    export.export(run, "torchvision", "backbone", tmp_path / "weights.pth")
    state = torch.load(tmp_path / "weights.pth", weights_only=True)
    missing, unexpected = getattr(torchvision.models, kind)(weights=None).load_state_dict(state, strict=False)
    assert (missing, unexpected) == (["classifier.6.weight", "classifier.6.bias"], [])


@pytest.mark.parametrize("kind", ["vgg16", "resnet50"])
def test_timm_loads_the_backbone_and_computes_the_same(kind: str, tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    export.export(run_of(KINDS[kind], tmp_path / "run"), "timm", None, tmp_path / "weights.safetensors")
    state = safetensors.torch.load_file(tmp_path / "weights.safetensors")
    _, unexpected = timm.create_model(kind, pretrained=False).load_state_dict(state, strict=False)
    assert not unexpected


@pytest.mark.parametrize("part", ["network", "backbone"])
@pytest.mark.parametrize("kind", ["alexnet", "resnet50"])
def test_onnxruntime_computes_the_same(kind: str, part: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    run = run_of(KINDS[kind], tmp_path / "run")
    export.export(run, "onnx", part, tmp_path / "network.onnx")
    images = torch.rand(3, 3, 64, 96)  # as many as the exporter did not see
    session = runtime.InferenceSession(str(tmp_path / "network.onnx"), providers=["CPUExecutionProvider"])
    found = torch.from_numpy(session.run(None, {"images": images.numpy()})[-1])
    network, _, _ = load_network(run)
    with torch.inference_mode():
        expected = network(images) if part == "network" else Features(network)(images)[-1]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5 * float(expected.abs().max()))


def test_torch_export_computes_the_same(tmp_path: Path) -> None:
    run = run_of(KINDS["caffenet"], tmp_path / "run")
    export.export(run, "torch.export", None, tmp_path / "network.pt2")
    images = torch.rand(3, 3, 64, 96)
    found = torch.export.load(tmp_path / "network.pt2").module()(images)
    network, _, _ = load_network(run)
    torch.testing.assert_close(found, network(images))


def test_safetensors_say_which_network_they_are_for(tmp_path: Path) -> None:
    run = run_of(KINDS["vgg16"], tmp_path / "run")
    said = export.export(run, "safetensors", None, tmp_path / "network.safetensors")
    assert said.endswith("differ by 0.0e+00 of the largest at most")
    with safetensors.safe_open(tmp_path / "network.safetensors", "pt") as file:
        assert json.loads(file.metadata()["model"])["head"] == "fcn8s"
    export.export(run, "safetensors", "backbone", tmp_path / "backbone.safetensors")
    names = safetensors.torch.load_file(tmp_path / "backbone.safetensors")
    assert names and all(name.startswith("backbone.") for name in names)


def test_weights_that_compute_something_else_are_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = run_of(KINDS["alexnet"], tmp_path / "run")
    right = export.stock_state

    def wrong(*arguments: object) -> dict[str, torch.Tensor]:
        return {name: value * 1.01 for name, value in right(*arguments).items()}  # type: ignore[arg-type]

    monkeypatch.setattr(export, "stock_state", wrong)
    with pytest.raises(ValueError, match="loaded in torchvision the weights give other outputs"):
        export.export(run, "torchvision", None, tmp_path / "weights.pth")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    ("kind", "form", "part", "complaint"),
    [
        ("caffenet", "torchvision", None, "torchvision has no caffenet"),
        ("narrow", "torchvision", None, "torchvision has no vgg16 of width 0.125"),
        ("narrow", "timm", None, "timm has no vgg16 of width 0.125"),
        ("alexnet", "torchvision", "network", "has no networks for depth; give --part backbone"),
    ],
)
def test_what_a_library_does_not_have_is_refused(
    kind: str, form: str, part: str | None, complaint: str, tmp_path: Path
) -> None:
    with pytest.raises(ValueError, match=complaint):
        export.export(run_of(KINDS[kind], tmp_path / "run"), form, part, tmp_path / "weights")


def test_a_place_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="has no checkpoint"):
        export.export(tmp_path, "onnx", None, tmp_path / "weights")
