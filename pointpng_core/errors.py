"""Errors of the package: each says what is wrong, which value, and what to do about it."""


class PointPngError(Exception):
    """Base of every error this package raises on purpose."""


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
    """Something was asked for that needs a package which is not installed here."""


class TrainingError(PointPngError):
    """A training run that cannot go on: a loss that is no number, a run of another kind."""
