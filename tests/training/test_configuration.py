"""Parameters: the learning rate of an epoch, and what is written and read again."""

import pytest

from training.configuration import Configuration, OptimisationParameters, StageParameters, from_dict, to_dict


def test_the_rate_falls_at_the_given_epochs() -> None:
    paper = OptimisationParameters(epochs=600, drops=[400])
    assert [paper.rate(epoch) for epoch in (0, 399, 400, 599)] == pytest.approx([1e-4, 1e-4, 1e-5, 1e-5])
    halved = OptimisationParameters(learning_rate=8.0, drops=[3, 4], drop_factor=0.5)
    assert [halved.rate(epoch) for epoch in range(6)] == [8, 8, 8, 4, 2, 2]
    assert OptimisationParameters().rate(29) == 1e-4


def test_parameters_are_read_as_they_were_written() -> None:
    stages = [StageParameters("fcn32s", 600, 1e-4, [400]), StageParameters("fcn16s", 600, 2e-5)]
    configuration = Configuration(optimisation=OptimisationParameters(drops=[400], stages=stages), seed=7)
    assert from_dict(Configuration, to_dict(configuration)) == configuration


def test_names_of_other_code_are_refused() -> None:
    with pytest.raises(ValueError, match="OptimisationParameters has no momentum; the run was made by other code"):
        from_dict(Configuration, {"optimisation": {"momentum": 0.9}})
