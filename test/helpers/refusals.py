"""What is said where something is refused."""

from pointpng_core.errors import PointPngError


def refusal(read):
    """The text of the error of the package that `read` raises; empty where it raises none."""
    try:
        read()
    except PointPngError as error:
        return str(error)
    return ''
