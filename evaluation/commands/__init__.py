"""The sub-commands, one a file; what each must have is ``Command``."""

import argparse
from typing import Protocol

from evaluation.report import Report


class Command(Protocol):
    """A module with a sub-command."""

    SUMMARY: str
    """One line for the list of commands."""
    DESCRIPTION: str
    """What it scores, how files must lie, and an example; shown as it stands by ``--help``."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare its options, except ``--json``, which all have."""

    def run(self, options: argparse.Namespace) -> Report:
        """Score. Raises ``ValueError`` or ``OSError`` with one sentence for what the user can mend."""
