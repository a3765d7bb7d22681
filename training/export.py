"""Weights for other libraries, each loaded there and compared before the file appears.

``torchvision`` and ``timm`` get the backbone under their names, without a last layer of classes, which a depth network
does not have. ``safetensors`` holds our names, and the parameters of the model as metadata. ``onnx`` and
``torch.export`` are whole programs that take RGB in [0, 1].
"""

import json
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import safetensors
import safetensors.torch
import torch
import torchvision
from torch import Tensor, nn

from training.configuration import RunConfiguration, from_dict, to_dict
from training.models.alexnet import AlexNet
from training.models.backbone import Backbone
from training.models.network import ModelParameters, Network, build_network, filled
from training.models.resnet import ResNet50
from training.models.vgg import VGG16
from training.run_folder import load_network

FORMATS = ("torchvision", "timm", "safetensors", "onnx", "torch.export")
PARTS = ("network", "backbone")
TOLERANCE = 1e-4
"""Largest difference of outputs, relative to their largest value, that another order of summation may cause."""
_TIMM_VGG = {"classifier.fc6": "pre_logits.fc1", "classifier.fc7": "pre_logits.fc2"}

Comparison = tuple[Tensor, Tensor, str]
"""Outputs expected and found, and a note for the user."""


class Features(nn.Module):
    """The backbone with the colours normalised: images in [0, 1] to its feature maps, a tuple in their order."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.normalisation, self.backbone = network.normalisation, network.backbone
        self.fill = network.parameters_of_model.padding == "same"

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Maps of images (N, 3, H, W)."""
        images = self.normalisation(images)
        return tuple(self.backbone(filled(images) if self.fill else images).values())


def export(place: Path, form: str, part: str | None, out: Path) -> str:
    """Write a run's best checkpoint, or a given one; what was written and how it compared, in a sentence.

    ``part`` is by default the backbone for ``torchvision`` and ``timm``, else the network. Raises ``ValueError`` where
    the library has no such network or is not installed, or outputs differ; then nothing is written.
    """
    network, configuration, _ = load_network(place)
    part = part or ("backbone" if form in ("torchvision", "timm") else "network")
    if form in ("torchvision", "timm") and part != "backbone":
        raise ValueError(f"{form} has no networks for depth; give --part backbone")
    if part == "network" and type(network) is not Network:
        raise ValueError(f"{place} is a run of {configuration.task}; of those the backbone alone is exported")
    writers: dict[str, Callable[[Network, RunConfiguration, str, Path], Comparison]] = {
        "torchvision": _torchvision,
        "timm": _timm,
        "safetensors": _safetensors,
        "onnx": _onnx,
        "torch.export": _torch_export,
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".tmp-{out.name}")
    try:
        expected, found, note = writers[form](network, configuration, part, temporary)
        difference = compare(expected, found, form)
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    return (
        f"{out}: {part} for {form}{note}; loaded there, its outputs differ by {difference:.1e} of the largest at most"
    )


def compare(expected: Tensor, found: Tensor, form: str) -> float:
    """The largest difference relative to the largest value. Raises ``ValueError`` where it is more than rounding."""
    difference = float((expected - found).abs().max() / expected.abs().max().clamp_min(1e-12))
    if not difference <= TOLERANCE:
        raise ValueError(
            f"loaded in {form} the weights give other outputs, by {difference:.2g} of the largest; not written"
        )
    return difference


def stock_state(backbone: Backbone, linear: bool, names: Callable[[str], str]) -> dict[str, Tensor]:
    """The weights under the names of a stock library; fc6 and fc7 as matrices where they are ``linear`` there."""
    state = {}
    for name, value in backbone.state_dict().items():
        flat = linear and name.startswith("classifier.") and value.dim() == 4
        state[names(name)] = (value.flatten(1) if flat else value).contiguous()
    return state


def _torchvision(network: Network, configuration: RunConfiguration, part: str, path: Path) -> Comparison:
    kinds = {
        "alexnet": torchvision.models.alexnet,
        "vgg16": torchvision.models.vgg16,
        "resnet50": torchvision.models.resnet50,
    }
    model = configuration.model
    if model.backbone not in kinds or model.width != 1:
        raise ValueError(f"torchvision has no {_named(model)}; give --format safetensors")
    backbone = network.backbone
    state, note = _without_narrow(stock_state(backbone, True, backbone.stock_name), "classifier.", model)
    torch.save(state, path)
    stock = kinds[model.backbone](weights=None).eval()
    _load(stock, torch.load(path, weights_only=True), ("classifier.", "fc."))
    images = _images()
    return *_both(backbone, model, images, stock, note == ""), note


def _timm(network: Network, configuration: RunConfiguration, part: str, path: Path) -> Comparison:
    try:
        timm = import_module("timm")
    except ImportError:
        raise ValueError("timm is not installed: pip install timm") from None
    model, backbone = configuration.model, network.backbone
    if model.backbone not in ("vgg16", "resnet50") or model.width != 1:
        raise ValueError(f"timm has no {_named(model)}; it has vgg16 and resnet50")

    def name_there(name: str) -> str:
        for own, there in _TIMM_VGG.items():
            if name.startswith(own + "."):
                return there + name.removeprefix(own)
        return name

    state, note = _without_narrow(stock_state(backbone, False, name_there), "pre_logits.", model)
    safetensors.torch.save_file(state, path)
    stock = timm.create_model(model.backbone, pretrained=False).eval()
    _load(stock, safetensors.torch.load_file(path), ("pre_logits.", "head.", "fc."))
    images = _images()
    with torch.inference_mode():
        found = stock.forward_features(images)
        if isinstance(backbone, VGG16) and backbone.classifier is not None and not note:
            found = stock.pre_logits(found)
    expected, _ = _both(backbone, model, images, None, note == "")
    return expected, found.flatten(1), note


def _named(model: ModelParameters) -> str:
    return model.backbone if model.width == 1 else f"{model.backbone} of width {model.width:g}"


def _both(
    backbone: Backbone, model: ModelParameters, images: Tensor, stock: nn.Module | None, whole: bool
) -> tuple[Tensor, Tensor]:
    """Last features of ours, padded as the stock library pads, and of torchvision's network."""
    own: Backbone
    if isinstance(backbone, ResNet50):
        own, last = ResNet50(), "layer4"
    else:
        classifier = getattr(backbone, "classifier", None)
        kind = AlexNet if isinstance(backbone, AlexNet) else VGG16
        own = kind("stock", model.fc_channels if classifier is not None else 0)
        last = "fc7" if classifier is not None and whole else "pool5"
    own.load_state_dict(backbone.state_dict())
    with torch.inference_mode():
        expected = own.eval()(images)[last].flatten(1)
        if stock is None:
            return expected, expected
        if isinstance(backbone, ResNet50):
            trunk = nn.Sequential(*list(stock.children())[:-2])
            return expected, trunk(images).flatten(1)
        found = stock.features(images)  # type: ignore[operator]
        if last == "fc7":
            found = stock.classifier[:-1](stock.avgpool(found).flatten(1))  # type: ignore[operator,index]
        return expected, found.flatten(1)


def _without_narrow(state: dict[str, Tensor], prefix: str, model: ModelParameters) -> tuple[dict[str, Tensor], str]:
    """Without fc6 and fc7 where they are not of the stock width; and a note that says so."""
    if model.fc_channels == 4096 or not any(name.startswith(prefix) for name in state):
        return state, ""
    kept = {name: value for name, value in state.items() if not name.startswith(prefix)}
    return kept, f", without fc6 and fc7, whose {model.fc_channels} channels it does not have"


def _load(stock: nn.Module, state: dict[str, Tensor], may_lack: tuple[str, ...]) -> None:
    missing, unexpected = stock.load_state_dict(state, strict=False)
    wrong = [name for name in missing if not name.startswith(may_lack)] + list(unexpected)
    if wrong:
        raise ValueError(f"the library's own network does not fit: {', '.join(wrong[:5])}")


def _safetensors(network: Network, configuration: RunConfiguration, part: str, path: Path) -> Comparison:
    prefix = "backbone." if part == "backbone" else ""
    state = {name: value.contiguous() for name, value in network.state_dict().items() if name.startswith(prefix)}
    metadata = {"model": json.dumps(to_dict(network.parameters_of_model)), "part": part}
    safetensors.torch.save_file(state, path, metadata=metadata)
    with safetensors.safe_open(path, "pt") as file:
        parameters = from_dict(ModelParameters, json.loads(file.metadata()["model"]))
        loaded = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118, it is no mapping
    again = build_network(parameters).eval()
    again.load_state_dict(loaded, strict=part == "network")
    images = _images(configuration)
    with torch.inference_mode():
        if part == "backbone":
            return Features(network)(images)[-1], Features(again)(images)[-1], ""
        return network(images), again(images), ""


def _onnx(network: Network, configuration: RunConfiguration, part: str, path: Path) -> Comparison:
    try:
        import_module("onnxscript")  # torch needs it
        onnxruntime = import_module("onnxruntime")
    except ImportError as error:
        raise ValueError(f"{error.name} is not installed: pip install onnx onnxscript onnxruntime") from None
    program, images = _program(network, configuration, part)
    torch.onnx.export(
        program,
        (images,),
        str(path),
        input_names=["images"],
        output_names=["percentiles"] if part == "network" else None,
        dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1)}},
        external_data=False,
        dynamo=True,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (found, *_), images = session.run(None, {session.get_inputs()[0].name: images.numpy()})[-1:], images
    return _last(program, images), torch.from_numpy(found), _size_note(configuration)


def _torch_export(network: Network, configuration: RunConfiguration, part: str, path: Path) -> Comparison:
    program, images = _program(network, configuration, part)
    shapes = {"images": {0: torch.export.Dim("batch", min=1)}}
    exported = torch.export.export(program, (images,), dynamic_shapes=shapes)
    torch.export.save(exported, path)
    loaded = torch.export.load(path).module()
    return _last(program, images), _last(loaded, images), _size_note(configuration)


class _Program(nn.Module):
    """A network with images as its only input."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        percentiles: Tensor = self.network(images)
        return percentiles


def _program(network: Network, configuration: RunConfiguration, part: str) -> tuple[nn.Module, Tensor]:
    module = Features(network) if part == "backbone" else _Program(network)
    return module.eval(), _images(configuration)


def _last(program: Callable[[Tensor], Tensor | tuple[Tensor, ...]], images: Tensor) -> Tensor:
    with torch.inference_mode():
        found = program(images)
    return found[-1] if isinstance(found, tuple) else found


def _size_note(configuration: RunConfiguration) -> str:
    height, width = configuration.input_size
    return f", images of {height}x{width}, any number at a time"


def _images(configuration: RunConfiguration | None = None) -> Tensor:
    """Two seeded images: of the stock libraries' 224x224, or of the network's size."""
    height, width = configuration.input_size if configuration else (224, 224)
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))
