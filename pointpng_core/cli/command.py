"""The interface of the commands of `pointpng`, in this package and in others that add some."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Command(Protocol):
    """A command whose arguments argparse reads; each module of this package implements it."""

    HELP: str
    """One line for the list of commands."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""
        ...

    def run(self, options: argparse.Namespace) -> int:
        """Run the command and return the exit code; raises PointPngError."""
        ...


@dataclass(frozen=True, kw_only=True)
class ForwardedCommand:
    """A command that parses its arguments itself, as a ROS node does."""

    help: str
    """One line for the list of commands."""
    run: Callable[[list[str]], int]
    """Runs the command with its arguments and returns the exit code; raises PointPngError."""
