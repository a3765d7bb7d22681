"""Profiles: what they set, that options win over them, and that ours keeps the names of what was made before."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from luigi.cmdline_parser import CmdlineParser

from labels.pair import LATER
from pipeline.build import Build
from pipeline.errors import UserError
from pipeline.manifest import Video
from pipeline.parameters import BuildParameters, from_command_line, from_json, plain
from pipeline.profiles import PROFILES, profile


def given(name: str, *options: str) -> BuildParameters:
    with CmdlineParser.global_instance(["BuildShards", *options]):
        return from_command_line(profile(name))


@pytest.mark.parametrize("name", PROFILES)
def test_without_options_a_build_has_what_its_profile_says(name: str) -> None:
    assert given(name) == PROFILES[name]


def test_the_default_profile_changes_nothing() -> None:
    assert profile("default") == BuildParameters()


def test_the_paper_s_profile_is_the_paper_s_from_flow_to_label() -> None:
    paper = profile("paper")
    said = paper.label.flow.engine, paper.label.egomotion.method, paper.label.recipe, paper.selection.rule
    assert said == ("ric", "reference", "paper", "homography")
    assert not paper.label.fusion.carry


def test_an_option_wins_over_the_profile_even_where_it_says_our_default() -> None:
    options = ("--Egomotion-method", "robust", "--Paper-focal", "0.7")
    found = given("paper", *options)
    assert (found.label.egomotion.method, found.label.paper.focal, found.label.recipe) == ("robust", 0.7, "paper")


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(UserError, match="--profile papers cannot work; allowed: default, fast, paper"):
        profile("papers")


def folders(parameters: BuildParameters) -> tuple[str, str, str, str]:
    video = Video(video_id="a", source="a.mp4", dataset="d", split="train", licence="CC0-1.0")
    build = Build(root="r", dataset="d", manifest="m.csv", videos=(video,), parameters=parameters)
    return build.survey_folder(video), build.pairs_folder(video), build.labels_folder(video), build.shards_folder()


def test_every_profile_has_labels_of_its_own_and_all_share_the_survey() -> None:
    found = [folders(parameters) for parameters in PROFILES.values()]
    surveys, pairs, labels, shards = (set(each) for each in zip(*found))
    assert [len(surveys), len(pairs), len(labels), len(shards)] == [1, 2, 3, 3]


def test_a_parameter_that_came_later_is_named_only_where_it_is_set() -> None:
    said, paper = plain(BuildParameters())["label"], plain(PROFILES["paper"])["label"]
    assert "recipe" not in said and "paper" not in said
    assert paper["recipe"] == "paper" and "paper" not in paper
    assert from_json(plain(PROFILES["paper"])) == PROFILES["paper"]


def test_plain_is_all_there_is_where_nothing_came_later() -> None:
    @dataclasses.dataclass(frozen=True)
    class Some:
        first: int = 1
        second: int = dataclasses.field(default=2, metadata=LATER)

    assert plain(Some()) == {"first": 1}
    assert plain(Some(second=3)) == {"first": 1, "second": 3}


def test_a_wrong_profile_is_one_sentence(start: Callable[..., Any]) -> None:
    finished = start().run("--profile", "papers")
    assert finished.returncode == 13
    assert "--profile papers cannot work" in finished.stderr and "Traceback" not in finished.stderr
