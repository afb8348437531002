"""A parser whose positional arguments may stand anywhere among the options."""

from typing import Any

from pointpng_core.cli.printable_parser import PrintableParser


class IntermixedParser(PrintableParser):
    """Also takes positional arguments that may be missing, or repeated, after an option.

    argparse itself takes `model.stl --unit mm seen.pcd` for one positional and an unknown word:
    where the second may be missing, it counts as missing as soon as the first is read.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._within = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return options and unknown words, as ArgumentParser does.

        `parse_known_intermixed_args` calls this method in turn. It cannot parse the words of a
        parser with subcommands, which have parsers of their own.
        """
        if self._within or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._within = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._within = False
