"""What the README of a run says of its task."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """Words of a task for ``model_card``, Markdown."""

    title: str
    what: str  # what the network gives, and what it does not
    facts: dict[str, str]  # rows of the table that only this task has
    scores: dict[str, str]  # columns of the table of scores: name in a record, title
    explained: str  # what the scores mean
    predict: str  # what `predict` takes; empty: nothing
    terms: str  # whose terms bind what was learned
