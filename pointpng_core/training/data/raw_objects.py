"""What a reader hands over: objects as they are stored, each read when it is asked for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNKNOWN = -1
"""Label of an object whose class is not known."""
MOST_POINTS = 8192
"""Points that readers take of a surface or a segment; more would only cost memory."""
Progress = Callable[[int, int, str], None]
"""Called with (done, total, what)."""


@dataclass(frozen=True, kw_only=True)
class RawObjects:
    """K objects of a source, in a fixed order.

    `read(k)` gives the points (n_k, 3) of one in any unit and place, any number dtype, holes
    included, or (n_k, 6) with normals that point outwards beside them; it may raise CloudError or
    FileError, which costs only that object. `labels` are (K,) int64 into `class_names`, UNKNOWN
    where there is no class. `losses` are sentences about what could not be read; `facts` go into
    the provenance as they are.
    """

    read: Callable[[int], NDArray[np.generic]]
    labels: NDArray[np.int64]
    names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)
