"""What a command of `pointpng` is: of this package, or of another that adds some."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class Command(Protocol):
    """A command whose arguments argparse reads; the modules of this package are some."""

    HELP: str
    """One line."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""
        ...

    def run(self, options: argparse.Namespace) -> int:
        """Do it and return the exit code; raises PointPngError."""
        ...


@dataclass(frozen=True, kw_only=True)
class ForwardedCommand:
    """A command that reads its words itself, as a ROS node does."""

    help: str
    """One line."""
    run: Callable[[list[str]], int]
    """From the words behind the command to the exit code; raises PointPngError."""
