"""Exceptions of the package; each message states the problem, the value, and the remedy."""

from pointpng_core.text import bounded, printable


class PointPngError(Exception):
    """Base of every exception that the package raises deliberately.

    Its text is one line of printable characters and bounded length, whatever it names.
    """

    def __str__(self) -> str:
        return bounded(printable(super().__str__()))


class CloudError(PointPngError):
    """A point cloud that cannot be used: empty, non-finite, degenerate, malformed."""


class FileError(PointPngError):
    """A file that is missing, unreadable, truncated or of an unknown format."""


class ConfigError(PointPngError):
    """A configuration value or key that is not allowed."""


class LibraryError(PointPngError):
    """An object library (`objects.yaml` and its models) that cannot be used."""


class FusionError(PointPngError):
    """A recording that cannot be fused into the model of one object."""


class MissingDependencyError(PointPngError):
    """A feature that needs a package which is not installed."""


class TrainingError(PointPngError):
    """A training run that cannot continue, as its loss or gradients are not finite."""
