"""How fast networks train: ``python -m benchmarks.trainer --data DATASET --json F``.

Images a second of whole steps (forward, backward, update). ``synthetic``: one batch that lies on the device, again and
again: what the network allows. ``streamed``: batches of a dataset, read, decoded and augmented as in training, which
needs ``--data``; ``share`` is streamed over synthetic, ``wait`` the share of the time that the trainer waited for data.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from benchmarks import figures
from training import distributed
from training.configuration import Configuration, EngineParameters, InputParameters
from training.distributed import World
from training.input import Example, prepare
from training.learner import Learner, noise_numbers
from training.loader import Loader, LoaderParameters
from training.models.network import ModelParameters, build_network
from training.shards import Dataset

NETWORKS = {
    "alexnet": ModelParameters("alexnet", "fcn32s"),
    "vgg16": ModelParameters("vgg16", "fcn32s"),
    "resnet50": ModelParameters("resnet50", "encoder_decoder"),
}
WARM = 2
"""Steps before the clock starts: kernels are chosen, memory is taken."""


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    options = _parser().parse_args(arguments)
    results = []
    try:
        figures.require_folder(options.json, "--json")
        if options.steps < 1 or options.batch < 1:
            raise ValueError("--steps and --batch must be positive")
        world = distributed.join(options.device)
        size = f"{options.height}x{options.width}"
        print(f"{_machine(world)}; batch {options.batch}, {size}, {options.steps} steps\n{_HEAD}")
        for name in options.networks:
            results.append(measure(name, options, world))
            print(_line(results[-1]), flush=True)
            if options.profile:
                print(profile(name, options, world))
    except ValueError as error:
        print(f"benchmarks.trainer: {error}", file=sys.stderr)
        return 2
    figures.write(options.json, results)
    return 0


def measure(name: str, options: argparse.Namespace, world: World) -> dict[str, Any]:
    """The rates of one network."""
    learner = _learner(name, options, world)
    result: dict[str, Any] = {
        "network": name,
        "device": _machine(world),
        "precision": str(learner.precision).removeprefix("torch."),
        "batch": options.batch,
        "height": options.height,
        "width": options.width,
        "parameters_million": round(sum(p.numel() for p in learner.network.parameters()) / 1e6, 1),
    }
    seconds, _ = _timed(learner, _synthetic(options, world), options.steps)
    result["synthetic"] = round(options.batch * options.steps / seconds, 2)
    if options.data:
        seconds, waited = _timed(learner, _streamed(options, world), options.steps)
        result["streamed"] = round(options.batch * options.steps / seconds, 2)
        result["share"] = round(result["streamed"] / result["synthetic"], 3)
        result["wait_percent"] = round(100 * waited / seconds, 1)
    return result


def profile(name: str, options: argparse.Namespace, world: World) -> str:
    """Where the time of synthetic steps goes, by operation."""
    learner, examples = _learner(name, options, world), _synthetic(options, world)
    _timed(learner, examples, 1)
    activities = [torch.profiler.ProfilerActivity.CPU]
    on_gpu = world.device.type == "cuda"
    if on_gpu:
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as recorded:
        _timed(learner, examples, 3, warm=0)
    order = "self_device_time_total" if on_gpu else "self_cpu_time_total"
    return str(recorded.key_averages().table(sort_by=order, row_limit=12, max_name_column_width=60))


def _timed(learner: Learner, examples: Iterator[Example], steps: int, warm: int = WARM) -> tuple[float, float]:
    """Seconds of so many steps, and those of them that went into waiting for examples."""
    waited = began = 0.0
    for step in range(-warm, steps):
        if step == 0:
            _finish(learner)
            waited, began = 0.0, time.perf_counter()
        asked = time.perf_counter()
        example = next(examples)
        waited += time.perf_counter() - asked
        noise = noise_numbers(example.keys, 0, 0).to(learner.world.device)
        learner.step(example, noise, len(example.keys))
    _finish(learner)
    return time.perf_counter() - began, waited


def _finish(learner: Learner) -> None:
    if learner.world.device.type == "cuda":
        torch.cuda.synchronize()


def _learner(name: str, options: argparse.Namespace, world: World) -> Learner:
    torch.manual_seed(0)
    configuration = Configuration(
        model=replace(NETWORKS[name], fc_channels=options.fc_channels),
        input=InputParameters(options.height, options.width),
        engine=EngineParameters(device=options.device, precision=options.precision, compile=options.compile),
    )
    torch.backends.cudnn.benchmark = True
    return Learner(build_network(configuration.model), configuration, world)


def _synthetic(options: argparse.Namespace, world: World) -> Iterator[Example]:
    shape = (options.batch, options.height, options.width)
    images = torch.rand(options.batch, 3, *shape[1:], device=world.device)
    keys = [str(number) for number in range(options.batch)]
    z, valid = torch.rand(shape, device=world.device), torch.ones(shape, dtype=torch.bool, device=world.device)
    while True:
        yield Example(images, z, valid, None, keys)


def _streamed(options: argparse.Namespace, world: World) -> Iterator[Example]:
    parameters = LoaderParameters(batch_size=options.batch, workers=options.workers)
    loader = Loader(Dataset.open(options.data).split("train"), parameters, (options.height, options.width))
    if len(loader.split) < options.batch:
        raise ValueError(f"{options.data} has {len(loader.split)} samples: less than a batch of {options.batch}")
    while True:
        for batch in loader:
            if all(batch.keys):  # the last batch of an epoch may be short
                yield prepare(batch, world.device, Configuration().augmentation)


def _machine(world: World) -> str:
    if world.device.type == "cuda":
        return torch.cuda.get_device_name()
    return f"CPU, {torch.get_num_threads()} threads, no GPU"


def _parser() -> argparse.ArgumentParser:
    parser = figures.parser("trainer", __doc__)
    parser.add_argument("--networks", nargs="+", choices=tuple(NETWORKS), default=list(NETWORKS), help="(all)")
    parser.add_argument("--data", metavar="DATASET", help="dataset to stream, a folder or URL")
    parser.add_argument("--batch", type=int, default=16, help="images in a step (%(default)s)")
    parser.add_argument("--height", type=int, default=224, help="of the input (%(default)s)")
    parser.add_argument("--width", type=int, default=416, help="of the input (%(default)s)")
    parser.add_argument("--fc-channels", type=int, default=4096, help="of fc6 and fc7 (%(default)s)")
    parser.add_argument("--steps", type=int, default=10, help="steps that are timed (%(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="processes that decode (%(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="(%(default)s)")
    parser.add_argument("--precision", choices=("auto", "float32", "bfloat16"), default="auto", help="(%(default)s)")
    parser.add_argument("--compile", action="store_true", help="with torch.compile")
    parser.add_argument("--profile", action="store_true", help="also print where the time of synthetic steps goes")
    return parser


_HEAD = "network     Mparam  precision  synthetic  streamed  share  wait %"


def _line(result: dict[str, Any]) -> str:
    streamed = [f"{result[name]}" if name in result else "-" for name in ("streamed", "share", "wait_percent")]
    return (
        f"{result['network']:10s} {result['parameters_million']:7.1f} {result['precision']:>10s} "
        f"{result['synthetic']:10.2f} {streamed[0]:>9s} {streamed[1]:>6s} {streamed[2]:>7s}"
    )


if __name__ == "__main__":
    sys.exit(main())
