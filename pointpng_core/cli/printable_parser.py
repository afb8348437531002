"""The parser of all commands and nodes: arguments that it quotes do not act on the terminal."""

import argparse
from typing import IO, NoReturn

from pointpng_core.text import printable


class PrintableParser(argparse.ArgumentParser):
    """An ArgumentParser whose help and errors have printable characters only."""

    def error(self, message: str) -> NoReturn:
        """Say in one line what is wrong with the arguments, and exit."""
        super().error(printable(message))

    def _print_message(self, message: str, file: IO[str] | None = None) -> None:  # type: ignore
        """Print help, which may name a folder of the environment."""
        super()._print_message(printable(message, lines=True), file)
