"""Parameters as options: what they say of themselves, and what is refused before any work."""

import dataclasses
from collections.abc import Callable
from typing import Any

import luigi
import numpy as np
import pytest

from labels.flow import FlowParameters, flow
from labels.pair import LabelParameters
from pipeline.errors import UserError
from pipeline.parameters import ENGINES, SECTIONS, BuildParameters, DecodingParameters, from_json


def test_options_say_what_they_mean_and_their_default() -> None:
    width = dict(SECTIONS[DecodingParameters].get_params())["width"]
    assert isinstance(width, luigi.IntParameter)
    assert width.description == "working width in pixels; the height follows from the aspect, both even (default: 640)"


def test_the_help_lists_them_all(start: Callable[..., Any]) -> None:
    finished = start().run("--help-all")
    assert finished.returncode == 0
    assert "--Selection-target-px" in finished.stdout and "% quantile" in finished.stdout


def test_parameters_come_back_from_their_record() -> None:
    changed = BuildParameters(decoding=DecodingParameters(width=320))
    assert from_json(dataclasses.asdict(changed)) == changed


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_that_is_allowed_exists(engine: str) -> None:
    image = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    assert flow(image, image, FlowParameters(engine=engine))[0].shape == (64, 64, 2)


def test_an_engine_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UserError, match="--Flow-engine sift cannot work; allowed: dis, census"):
        BuildParameters(label=LabelParameters(flow=FlowParameters(engine="sift")))


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--Decoding-width", "wide"], 13, "--Decoding-width cannot be read: invalid literal for int"),
        (["--Shard-val-fraction", "1"], 13, "--Shard-val-fraction 1.0 cannot work; allowed: 0 or more, below 1"),
        (["--dataset", "a b"], 13, "--dataset 'a b' cannot name files"),
        (["--Flow-edges", "learned"], 13, "--Flow-edge-model '' cannot work; allowed: the name of a model"),
        (
            ["--Flow-edges", "learned", "--Flow-edge-model", "0123456789ab"],
            13,
            "has no edge model 0123456789ab; train it with TrainEdges",
        ),
    ],
)
def test_a_wrong_option_is_one_sentence(start: Callable[..., Any], options: list[str], code: int, words: str) -> None:
    build = start()
    finished = build.run(*options)
    assert finished.returncode == code
    assert words in finished.stderr and "Traceback" not in finished.stderr
    assert not build.root.exists()


@pytest.mark.parametrize("task", ["RetryFailed", "PruneVersions"])
def test_a_root_where_nothing_was_built_is_told(start: Callable[..., Any], task: str) -> None:
    finished = start().run(task=task)
    assert finished.returncode == 13
    assert "holds no build" in finished.stderr and "Traceback" not in finished.stderr
