"""A small dataset as ``BuildShards`` leaves it, and runs in processes of their own."""

import hashlib
import json
import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from numpy.typing import NDArray

from labels.codec import encode
from pipeline import sample

SIZE = (64, 96)
FINGERPRINT = "0123456789ab"


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """22 training samples in three uneven shards, 7 for validation in one; 64x96 pixels, with confidence."""
    folder = tmp_path_factory.mktemp("dataset")
    rng = np.random.default_rng(5)
    shards, rows, number = [], [], 0
    for split, counts in (("train", (11, 8, 3)), ("val", (7,))):
        for place, count in enumerate(counts):
            name = f"small-{split}-{place:06d}.tar"
            content = b""
            for _ in range(count):
                key = sample.key("drive", number)
                image, z = _scene(rng)
                codes = encode(z, rng.random(z.shape) > 0.2)
                blocks = sample.encode(key, image, codes, np.maximum(codes, 1), {"frame": number}, 95)
                rows.append({"key": key, "split": split, "shard": name, "offset": len(content), "size": len(blocks)})
                content, number = content + blocks, number + 1
            content += sample.END
            (folder / name).write_bytes(content)
            digest = hashlib.sha256(content).hexdigest()
            shards.append({"shard": name, "bytes": len(content), "count": count, "sha256": digest, "split": split})
    pq.write_table(pa.Table.from_pylist(rows), folder / "samples.parquet")
    record = {"format": 1, "dataset": "small", "fingerprint": FINGERPRINT, "shards": shards}
    (folder / "dataset.json").write_text(json.dumps(record))
    return folder


def _scene(rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.floating]]:
    """A frame whose brightness tells its depth: a slope, and a box that stands nearer."""
    z = np.broadcast_to(np.linspace(0.95, 0.05, SIZE[0])[:, None], SIZE).copy()
    top, left = rng.integers(5, 30), rng.integers(5, 60)
    z[top : top + 25, left : left + 25] = z[top + 25, 0]
    noise = rng.normal(0, 8, (*SIZE, 3))
    return np.clip(255 * z[..., None] + noise, 0, 255).astype(np.uint8), z


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    # sums in another order would be other sums
    torch.set_num_threads(1)


Start = Callable[..., "multiprocessing.process.BaseProcess"]


@pytest.fixture(scope="session")
def start() -> Start:
    """Starts a function in a process of its own that has imported the trainer already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["training.engine", "training.export"])

    def run(
        target: Callable[..., Any], *arguments: Any, environment: dict[str, str] | None = None
    ) -> "multiprocessing.process.BaseProcess":
        process = context.Process(target=_within, args=(environment or {}, target, arguments))
        process.start()
        return process

    return run


def _within(environment: dict[str, str], target: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    os.environ.update(environment)
    os.setsid()
    torch.set_num_threads(1)
    raise SystemExit(target(*arguments))
