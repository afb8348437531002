"""What all messages of sensors share: unsigned sizes, and data that arrives as some buffer."""

import operator
from typing import Any

import numpy as np

from pointpng_core.errors import CloudError

MALFORMED = (AttributeError, TypeError, ValueError, OverflowError, BufferError)
"""What reading the fields of a message that is none may raise."""


def unsigned(holder: Any, name: str) -> int:
    """Return an attribute that must be an unsigned 32-bit number; raises CloudError."""
    value = operator.index(getattr(holder, name))
    if not 0 <= value < 2**32:
        raise CloudError(f'{name} = {value}: expected an unsigned 32-bit number')
    return value


def byte_array(data: Any, *, promised: str) -> np.ndarray:
    """Return bytes, array or uint8 array as uint8 (N,), not copied.

    Raises CloudError for anything else and for no bytes at all; `promised` is what height and
    width say that there is.
    """
    if isinstance(data, (list, tuple, str)):
        raise CloudError(f'data is a {type(data).__name__}: expected bytes, array or uint8 array')
    if len(data) == 0:
        raise CloudError(f'data is empty although height and width promise {promised}')
    return np.frombuffer(data, dtype=np.uint8)
