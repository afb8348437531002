"""The references and the pipeline behind the node, without ROS; safe from several threads."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
import threading
from typing import Any, Protocol

import numpy as np

from pointpng_core.errors import CloudError

ImageShape = tuple[int, int] | None


class Pipeline(Protocol):
    """What the node needs of `pointpng_core.pipeline.FramePipeline`."""

    references: list[Any]
    tracks: Any
    """The objects that are followed, with `clear()`; setting `references` clears them too."""

    def process(self, points: np.ndarray, image_shape: ImageShape = None,
                stamp_s: float | None = None) -> Any:
        """Return the FrameResult of (N, 3) points at a time."""

    def look(self, points: np.ndarray, image_shape: ImageShape = None) -> list[Any]:
        """Return references object_0, object_1, ... made from the segments of (N, 3) points."""


class PoseSession:
    """Processes clouds against a library's references or, without one, against a first look.

    `make_pipeline(references)` builds the pipeline; `library` is its list of references or None;
    `inference` gives the context that all torch work runs in (`torch.inference_mode`).
    """

    def __init__(self, make_pipeline: Callable[[list[Any]], Pipeline], *,
                 library: list[Any] | None,
                 inference: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        self._lock = threading.Lock()
        self._has_library = library is not None
        self._inference = inference
        self._pipeline = make_pipeline(library or [])
        self._frame = ''

    @property
    def reference_names(self) -> list[str]:
        """Names of the references in use; empty while the first look is still to come."""
        return [reference.name for reference in self._pipeline.references]

    def process(self, points: np.ndarray, image_shape: ImageShape = None, *,
                stamp_s: float | None = None, frame: str = '') -> Any:
        """Return the FrameResult; without any reference yet, this cloud is the first look.

        Objects are followed from cloud to cloud by `stamp_s`, in one and the same `frame`.
        """
        with self._lock, self._inference():
            if frame != self._frame:
                self._pipeline.tracks.clear()
                self._frame = frame
            if not self._pipeline.references and not self._has_library:
                self._pipeline.references = self._pipeline.look(points, image_shape)
            return self._pipeline.process(points, image_shape, stamp_s)

    def set_reference(self, points: np.ndarray, image_shape: ImageShape = None) -> str:
        """Make the objects of this cloud the references; returns what was found.

        Raises CloudError when there is a library or the cloud shows no object; the references
        stay as they were then.
        """
        if self._has_library:
            raise CloudError('the references come from the object library (parameter objects); '
                             'start the node without it to use looks')
        with self._lock, self._inference():
            references = self._pipeline.look(points, image_shape)
            if not references:
                raise CloudError('no object found in the newest cloud: references kept; check '
                                 'the view and the segmenter.* parameters')
            self._pipeline.references = references
        return f'references: {", ".join(self.reference_names)}'

    def reset(self) -> str:
        """Forget what was followed, and the look: the next cloud is the first. A library stays."""
        with self._lock:
            if self._has_library:
                self._pipeline.tracks.clear()
                return f'tracks cleared, library kept: {", ".join(self.reference_names)}'
            self._pipeline.references = []
        return 'references cleared: the next cloud is the first look'

    def rebuild(self, make_pipeline: Callable[[list[Any]], Pipeline]) -> None:
        """Go on with another pipeline (changed parameters), the same references and objects."""
        with self._lock:
            last, self._pipeline = self._pipeline, make_pipeline(list(self._pipeline.references))
            self._pipeline.tracks = last.tracks
