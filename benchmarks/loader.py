"""How fast batches come: ``python -m benchmarks.loader DATASET --json F``.

Images a second of one core, by processor time of all processes, median of several passes over the training split; ours
and WebDataset's in turn. ``read``: the bytes of every member. ``decode``: frames and labels from bytes in memory at the
network's size. ``pipeline``: shuffled batches as the trainer gets them. ``webdataset`` decodes with our decoders: what
differs is reading and batching; ``stock decoders`` are ``.decode("rgb8")`` and ``cv2.resize``. Its shuffle holds 1,000
samples and it reads shards whole; ours goes through the whole epoch's order and reads each sample by itself. Both have
``--workers`` processes, whose start counts: some thousand samples are needed to see past it.
"""

import argparse
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import webdataset
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from benchmarks import figures
from training.decode import CODES, decode_frame, decode_labels
from training.loader import Loader, LoaderParameters
from training.sample import SampleError, members
from training.shard_order import epoch_order
from training.shard_reader import Reader
from training.shards import Dataset, Split

SHUFFLED = 1000
Sample = dict[str, Any]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; returns the exit status."""
    options = _parser().parse_args(arguments)
    try:
        figures.require_folder(options.json, "--json")
        if options.batch < 1 or options.passes < 1 or options.workers < 0:
            raise ValueError("--batch and --passes must be positive, --workers not negative")
        split = Dataset.open(options.dataset).split("train")
        if not Path(split.dataset.folder).is_dir():
            raise ValueError(f"{options.dataset} is not a local folder: a network would be measured; copy it first")
        cv2.setNumThreads(0)
        torch.set_num_threads(1)
        result = measure(split, options)
    except ValueError as error:
        print(f"benchmarks.loader: {error}", file=sys.stderr)
        return 2
    print(_table(result))
    figures.write(options.json, [result])
    return 0


def measure(split: Split, options: argparse.Namespace) -> dict[str, Any]:
    """Images a second of a core, by what was done and by whom."""
    size = (options.height, options.width)
    steps = {
        "read": {"ours": lambda: _read(split), "webdataset": lambda: _stock_read(split)},
        "decode": {"ours": _decoder(split, size)},
        "pipeline": {
            "ours": lambda: _ours(split, size, options),
            "webdataset": lambda: _stock(split, size, options, _decoded),
            "stock decoders": lambda: _stock(split, size, options, _resized),
        },
    }
    result: dict[str, Any] = {"samples": len(split), "height": size[0], "width": size[1], "batch": options.batch}
    result |= {"workers": options.workers, "passes": options.passes}
    for step, ways in steps.items():
        result[step] = _rates(ways, len(split), options.passes)
    return result


def _rates(ways: dict[str, Callable[[], int]], samples: int, passes: int) -> dict[str, float]:
    """Images a second of each way; a first pass of each is not counted, nor one that lost a sample."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(passes + 1):
        for name, way in ways.items():
            began = _processor_time()
            seen = way()
            if number:
                times[name].append(_processor_time() - began)
            if seen != samples:
                raise ValueError(f"{name} read {seen} of {samples} samples; check them with `python -m pipeline lint`")
    return {name: round(samples / statistics.median(found), 1) for name, found in times.items()}


def _processor_time() -> float:
    """Seconds of this process and of its children that ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


# -- ours --------------------------------------------------------------------------------------------------------------


def _read(split: Split) -> int:
    reader, order = split.reader(), epoch_order(split.shard, 0, 0, LoaderParameters.shards_mixed)
    return sum("jpg" in _members(split, reader, int(number)) for number in order)


def _members(split: Split, reader: Reader, number: int) -> dict[str, bytes]:
    (blocks,) = reader.read([split.place(number)])
    try:
        if isinstance(blocks, SampleError):
            raise blocks
        return members(split.key(number), blocks)
    except SampleError as error:
        raise ValueError(f"{split.key(number)}: {error}") from None


def _decoder(split: Split, size: tuple[int, int]) -> Callable[[], int]:
    """Decodes what was read beforehand: up to 256 samples, as often as it takes."""
    reader = split.reader()
    contents = [_members(split, reader, number) for number in range(min(256, len(split)))]

    def decode() -> int:
        image, codes = np.empty((*size, 3), np.uint8), np.empty(size, np.uint8)
        for number in range(len(split)):
            content = contents[number % len(contents)]
            decode_frame(content["jpg"], image)
            decode_labels(content[CODES], codes)
        return len(split)

    return decode


def _ours(split: Split, size: tuple[int, int], options: argparse.Namespace) -> int:
    parameters = LoaderParameters(batch_size=options.batch, workers=options.workers)
    return sum(bool(key) for batch in Loader(split, parameters, size) for key in batch.keys)


# -- WebDataset --------------------------------------------------------------------------------------------------------


def _stream(split: Split) -> "webdataset.WebDataset":
    urls = [f"{split.dataset.folder}/{shard}" for shard in split.shards]
    return webdataset.WebDataset(urls, shardshuffle=len(urls), empty_check=False, seed=0)


def _stock_read(split: Split) -> int:
    return sum("jpg" in sample for sample in _stream(split))


def _stock(
    split: Split, size: tuple[int, int], options: argparse.Namespace, decode: "Callable[[Any, tuple[int, int]], Any]"
) -> int:
    stream = decode(_stream(split).shuffle(SHUFFLED), size).batched(options.batch, collation_fn=_collate)
    batches = DataLoader(stream, batch_size=None, num_workers=options.workers)
    return sum(len(images) for images, _ in batches)


def _decoded(stream: Any, size: tuple[int, int]) -> Any:
    """With our decoders."""

    def decode(sample: Sample) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        image, codes = np.empty((*size, 3), np.uint8), np.empty(size, np.uint8)
        decode_frame(sample["jpg"], image)
        decode_labels(sample[CODES], codes)
        return image, codes

    return stream.map(decode)


def _resized(stream: Any, size: tuple[int, int]) -> Any:
    """With its own; labels are taken by the nearest pixel."""

    def resize(sample: Sample) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        image = cv2.resize(sample["jpg"], size[::-1], interpolation=cv2.INTER_AREA)
        codes = np.ascontiguousarray(sample[CODES][..., 0])
        return image, cv2.resize(codes, size[::-1], interpolation=cv2.INTER_NEAREST)

    return stream.decode("rgb8").map(resize)


def _collate(samples: Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]) -> tuple[torch.Tensor, torch.Tensor]:
    images, codes = zip(*samples)
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2), torch.from_numpy(np.stack(codes))


# -- what is printed ---------------------------------------------------------------------------------------------------


def _table(result: dict[str, Any]) -> str:
    lines = [
        f"{result['samples']} samples to {result['height']}x{result['width']}, batch {result['batch']}, "
        f"{result['workers']} workers; images a second of one core, median of {result['passes']} passes",
        "step          ours  webdataset  stock decoders  ours/webdataset",
    ]
    for step in ("read", "decode", "pipeline"):
        rates = result[step]
        names = ("ours", "webdataset", "stock decoders")
        ours, webdataset, stock = (f"{rates[name]:.0f}" if name in rates else "-" for name in names)
        ratio = f"{rates['ours'] / rates['webdataset']:.2f}" if "webdataset" in rates else "-"
        lines.append(f"{step:10s} {ours:>7s} {webdataset:>11s} {stock:>15s} {ratio:>16s}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = figures.parser("loader", __doc__)
    parser.add_argument("dataset", metavar="DATASET", help="a local folder that BuildShards finished")
    parser.add_argument("--height", type=int, default=224, help="of the input (%(default)s)")
    parser.add_argument("--width", type=int, default=416, help="of the input (%(default)s)")
    parser.add_argument("--batch", type=int, default=32, help="samples in a batch (%(default)s)")
    workers = LoaderParameters().workers
    parser.add_argument("--workers", type=int, default=workers, help="processes that decode; 0: this one (%(default)s)")
    parser.add_argument("--passes", type=int, default=5, help="passes that are timed (%(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
