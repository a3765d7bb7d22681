"""Fuzz ``labels.flow`` with numba's bounds checks: ``python tests/labels/flow_fuzz.py --minutes 30``.

Compiled kernels do not check indices; here every one does, and an index outside its array is an ``IndexError``. (An
index that is too low by less than the array's length counts from the end, in numba as in numpy, and is not seen.)
Kernels are compiled afresh into a folder that is thrown away: the caches of ordinary runs hold unchecked code.
Exits 0 and prints what was run, or 1 and prints the smallest input found that fails.
"""

import argparse
import atexit
import math
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

os.environ["NUMBA_BOUNDSCHECK"] = "1"
os.environ["NUMBA_CACHE_DIR"] = tempfile.mkdtemp(prefix="flow_fuzz_")
sys.path.insert(0, str(Path(__file__).parents[2]))

import cv2
import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from numba import njit
from numpy.typing import NDArray

from labels.census_flow import PRESETS, CensusParameters, census_flow
from labels.flow import CONSISTENT, INSIDE, INTERPOLATED, MATCHED, TEXTURED, FlowParameters, flow
from labels.matching import MatchingParameters
from labels.refinement import RefinementParameters
from labels.seeds import SeedParameters

atexit.register(shutil.rmtree, os.environ["NUMBA_CACHE_DIR"], ignore_errors=True)

GREY = NDArray[np.uint8]
CONTENTS = ("noise", "flat", "gradient", "blocks", "texture", "extremes", "stripes", "faint", "corridor")
CHANGES = ("same", "shift", "zoom", "other", "black", "coded", "brighter", "letterbox")
ENGINES = ("dis/balanced", *(f"census/{name}" for name in PRESETS), "ric/balanced", "steps")


def content(kind: str, height: int, width: int, generator: np.random.Generator) -> GREY:
    """An image of one kind, (H, W) uint8."""
    y, x = np.mgrid[0:height, 0:width]
    if kind == "noise":
        return generator.integers(0, 256, (height, width), dtype=np.uint8)
    if kind == "flat":
        return np.full((height, width), generator.integers(0, 256), np.uint8)
    if kind == "gradient":
        a, b = generator.uniform(-2, 2, 2)
        return np.clip(128 + a * (x - width / 2) + b * (y - height / 2), 0, 255).astype(np.uint8)
    if kind == "blocks":
        side = int(generator.integers(2, 40))
        return generator.integers(0, 256, (height // side + 1, width // side + 1), dtype=np.uint8)[y // side, x // side]
    if kind == "extremes":
        return (255 * generator.integers(0, 2, (height, width))).astype(np.uint8)
    if kind == "stripes":
        period = generator.uniform(2, 30)
        return (127 + 120 * np.sin(2 * np.pi * (x + generator.uniform(-1, 1) * y) / period)).astype(np.uint8)
    image = generator.normal(size=(height, width)).astype(np.float32)
    image = cv2.GaussianBlur(image, (0, 0), float(generator.uniform(0.7, 5)))
    if kind == "corridor":  # finer towards the middle, as what a camera sees that drives along walls
        far = np.hypot((x - width / 2) / width, (y - height / 2) / height).astype(np.float32) + 0.02
        u, v = (20 / far + 7 * x / width) % (width - 1), (y / far) % (height - 1)
        image = cv2.remap(image, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
    return np.clip(128 + (3 if kind == "faint" else 50) * image / (image.std() + 1e-6), 0, 255).astype(np.uint8)


def changed(kind: str, image: GREY, generator: np.random.Generator) -> GREY:
    """Frame 2, made of frame 1."""
    height, width = image.shape
    if kind == "same":
        return image.copy()
    if kind == "other":
        return content(str(generator.choice(CONTENTS)), height, width, generator)
    if kind == "black":
        return np.zeros_like(image)
    if kind == "coded":
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(generator.integers(1, 60))]
        return cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_GRAYSCALE)
    if kind == "brighter":
        return np.clip(image * generator.uniform(0.3, 2) + generator.uniform(-80, 80), 0, 255).astype(np.uint8)
    if kind == "letterbox":
        result, bar = image.copy(), int(generator.integers(1, height // 2))
        result[:bar] = result[height - bar :] = 16
        return result
    angle, scale = (generator.uniform(-8, 8), generator.uniform(0.8, 1.3)) if kind == "zoom" else (0.0, 1.0)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale)
    matrix[:, 2] += generator.uniform(-1, 1, 2) * generator.choice([1, 10, 100])
    border = int(generator.choice([cv2.BORDER_REFLECT, cv2.BORDER_CONSTANT, cv2.BORDER_WRAP]))
    return cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=border)


def check(engine: str, image1: GREY, image2: GREY, step: int) -> None:
    """Compute the flow and hold it against everything that is true of any flow."""
    if engine == "steps":
        matching = MatchingParameters(step=step, range=step / 100)
        effort = RefinementParameters(iterations=step % 3)
        found, matched = census_flow(
            image1, image2, CensusParameters(SeedParameters(matching, matching), refinement=effort)
        )
        assert found.shape == (*image1.shape, 2) and found.dtype == np.float32 and np.isfinite(found).all()
        assert matched.shape == image1.shape and matched.dtype == np.bool_
        return
    name, preset = engine.split("/")
    before = image1.tobytes(), image2.tobytes()
    slope = 10.0 ** (step % 7 - 6) if step % 2 else None
    found, support = flow(image1, image2, FlowParameters(engine=name, preset=preset), slope)
    assert (image1.tobytes(), image2.tobytes()) == before, "the frames were written to"
    assert found.shape == (*image1.shape[:2], 2) and found.dtype == np.float32, (found.shape, found.dtype)
    assert support.shape == image1.shape[:2] and support.dtype == np.uint8, (support.shape, support.dtype)
    assert np.isfinite(found).all(), "flow is not finite"
    known = np.uint8(CONSISTENT | INSIDE | TEXTURED | MATCHED | INTERPOLATED)
    assert not (support & ~known).any(), "unknown support bits"
    height, width = support.shape
    x2, y2 = np.arange(width) + found[..., 0].astype(float), np.arange(height)[:, None] + found[..., 1].astype(float)
    margin = np.minimum(np.minimum(x2 - 2, width - 3 - x2), np.minimum(y2 - 2, height - 3 - y2))
    assert (support[margin > 1e-3] & INSIDE != 0).all() and not (support[margin < -1e-3] & INSIDE).any()
    needed = INSIDE if name == "dis" else INSIDE | MATCHED
    assert (support[support & CONSISTENT != 0] & needed == needed).all(), "support that contradicts itself"


def end_inside(found: np.ndarray, border: float) -> np.ndarray:
    """Pixels whose end point lies ``border`` px or more inside frame 2."""
    height, width = found.shape[:2]
    x2, y2 = np.arange(width) + found[..., 0].astype(float), np.arange(height)[:, None] + found[..., 1].astype(float)
    return (x2 >= border) & (x2 <= width - 1 - border) & (y2 >= border) & (y2 <= height - 1 - border)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[str, str, str, GREY, GREY, int]:
    """Names of engine, content and change, the two frames and a grid step."""
    height, width = draw(st.integers(64, 200)), draw(st.integers(64, 200))
    kind, change, engine = (draw(st.sampled_from(names)) for names in (CONTENTS, CHANGES, ENGINES))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image1 = content(kind, height, width, generator)
    image2 = changed(change, image1, generator)
    if engine != "steps" and draw(st.booleans()):
        image1, image2 = (np.repeat(image[..., None], 3, 2) for image in (image1, image2))
    if engine != "steps" and draw(st.booleans()):  # views that are not contiguous
        image1, image2 = image1[::-1, ::-1], np.asfortranarray(image2)
    return engine, kind, change, image1, image2, draw(st.integers(2, 70))


@njit
def _beyond(values: NDArray[np.float64], index: int) -> float:
    return values[index]


def checks_bounds() -> bool:
    """Whether compiled code checks indices here."""
    try:
        _beyond(np.zeros(3), 3)
    except IndexError:
        return True
    return False


def fuzz(minutes: float, first_seed: int, most: float = math.inf) -> Counter[str]:
    """Try pairs for so long, ``most`` at most; returns how often each engine, content and change came.

    Raises what the smallest pair found raised.
    """
    counts: Counter[str] = Counter()
    end = time.monotonic() + 60 * minutes

    def attempt(drawn: tuple[str, str, str, GREY, GREY, int]) -> None:
        engine, kind, change, image1, image2, step = drawn
        if time.monotonic() < end and counts["pairs"] < most:
            check(engine, image1, image2, step)
            counts.update(("pairs", engine, kind, change))

    health = [HealthCheck.too_slow, HealthCheck.data_too_large]
    options = settings(
        max_examples=200, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=health, print_blob=True,
    )  # fmt: skip
    number = first_seed
    while time.monotonic() < end and counts["pairs"] < most:
        options(seed(number)(given(pairs())(attempt)))()
        number += 1
    return counts


def main(arguments: list[str] | None = None) -> int:
    """Run the fuzzer; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python tests/labels/flow_fuzz.py", description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0, help="how long, compilation included (%(default)s)")
    parser.add_argument("--pairs", type=int, default=math.inf, metavar="N", help="stop after so many pairs (no limit)")
    parser.add_argument("--seed", type=int, default=0, help="other seeds try other pairs (%(default)s)")
    options = parser.parse_args(arguments)
    if not checks_bounds():
        print("flow_fuzz: numba does not check bounds here; NUMBA_BOUNDSCHECK has no effect", file=sys.stderr)
        return 2
    cv2.setNumThreads(1)
    counts = fuzz(options.minutes, options.seed, options.pairs)
    print(f"{counts.pop('pairs', 0)} pairs, bounds checked, nothing found: {dict(sorted(counts.items()))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
