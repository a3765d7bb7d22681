"""Checks a finished dataset against what it says of itself."""

import hashlib
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

import cv2
import numpy as np

from pipeline import storage, tables
from pipeline.dataset import Dataset
from pipeline.image_header import check_claim
from pipeline.sample import files, record

KEY = re.compile(r"^[A-Za-z0-9_-]+-\d{8}$")
EXTENSIONS = {"jpg", "depth.png", "confidence.png", "json"}
REQUIRED = {"jpg", "depth.png", "json"}


def lint(dataset: Dataset) -> Iterator[str]:
    """Problems, one sentence each; none for a sound dataset.

    Checks the sha256, size and count of every shard, that it is a plain tar of adjacent, complete, decodable samples
    with unique keys, and that ``samples.parquet`` says the same.
    """
    told = {row["key"]: row for row in tables.rows(dataset.samples())}
    seen: set[str] = set()
    for shard in dataset.record["shards"]:
        yield from _shard(dataset, shard, told, seen)
    for key in sorted(set(told) - seen):
        yield f"{key}: in samples.parquet but in no shard"
    listed = sum(shard["count"] for shard in dataset.record["shards"])
    if listed != len(told):
        yield f"dataset.json counts {listed} samples, samples.parquet {len(told)}"


def _shard(dataset: Dataset, shard: dict[str, Any], told: dict[str, Any], seen: set[str]) -> Iterator[str]:
    name = shard["shard"]
    url = dataset.url(name)
    if not storage.exists(url):
        yield f"{name}: missing"
        return
    with storage.local_copy(url) as path:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != shard["sha256"]:
            yield f"{name}: sha256 {digest}, dataset.json says {shard['sha256']}"
        if path.stat().st_size != shard["bytes"]:
            yield f"{name}: {path.stat().st_size} bytes, dataset.json says {shard['bytes']}"
        count = 0
        try:
            with path.open("rb") as tar:
                for key, start, contents in _samples(tar):
                    count += 1
                    yield from (f"{name}: {key}: {problem}" for problem in _sample(contents))
                    yield from (f"{name}: {key}: {problem}" for problem in _told(key, start, name, told, seen))
                    seen.add(key)
        except ValueError as error:
            yield f"{name}: {error}"
    if count != shard["count"]:
        yield f"{name}: {count} samples, dataset.json says {shard['count']}"


def _samples(tar: BinaryIO) -> Iterator[tuple[str, int, dict[str, bytes]]]:
    """Key, offset and members of each run of members with one key. Raises ``ValueError``."""
    key, start, contents = "", 0, dict[str, bytes]()
    for member, offset, content in files(tar):
        name, _, extension = member.partition(".")
        if name != key:
            if contents:
                yield key, start, contents
            key, start, contents = name, offset, {}
        if extension in contents:
            raise ValueError(f"{member} twice in one sample")
        contents[extension] = content if extension in EXTENSIONS else b""  # of others only the names are looked at
    if contents:
        yield key, start, contents


def _told(key: str, start: int, shard: str, told: dict[str, Any], seen: set[str]) -> Iterator[str]:
    if not KEY.match(key):
        yield "not a key of the form <video>-<frame:08d>"
    if key in seen:
        yield "twice: its members are not adjacent, or two samples share the key"
    if key not in told:
        yield "not in samples.parquet"
    elif (told[key]["shard"], told[key]["offset"]) != (shard, start):
        yield f"at {start}, samples.parquet says {told[key]['shard']} at {told[key]['offset']}"


def _sample(contents: dict[str, bytes]) -> Iterator[str]:
    if missing := REQUIRED - set(contents):
        yield f"has no {', '.join(sorted(missing))}"
        return
    if unknown := set(contents) - EXTENSIONS:
        yield f"unknown members {', '.join(sorted(unknown))}"
    shapes = set()
    for extension in sorted(EXTENSIONS - {"json"} & set(contents)):
        flag = cv2.IMREAD_COLOR if extension == "jpg" else cv2.IMREAD_UNCHANGED
        try:
            check_claim(contents[extension], extension)
            image = cv2.imdecode(np.frombuffer(contents[extension], np.uint8), flag)
        except ValueError as error:
            yield f"{extension} cannot be decoded: {error}"
            continue
        if image is None:
            yield f"{extension} cannot be decoded"
            continue
        shapes.add(image.shape[:2])
        if extension == "depth.png" and (image.ndim != 2 or image.dtype != np.uint8 or not image.any()):
            yield "depth.png is not a uint8 image with at least one label"
    if len(shapes) > 1:
        yield f"images of different sizes: {sorted(shapes)}"
    try:
        record(contents["json"])
    except ValueError as error:
        yield f"json cannot be parsed: {error}"
