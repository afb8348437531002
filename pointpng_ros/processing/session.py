"""The references and the pipelines behind the node, without ROS; safe from several threads."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
import threading
from typing import Any, Protocol

import numpy as np

from pointpng_core.errors import CloudError
from pointpng_ros.processing.reference_mode import FIRST_LOOK, LIBRARY, PREVIOUS_FRAME, TOPIC

ImageShape = tuple[int, int] | None
_NO_LOOK = {
    LIBRARY: 'the references come from the object library (parameter objects); start the node '
             'without it to use looks',
    PREVIOUS_FRAME: "with reference = 'previous_frame' every cloud is the reference of the next",
    TOPIC: 'the references come from the clouds on reference_topic: publish one there'}


class Pipeline(Protocol):
    """What the node needs of `pointpng_core.pipeline.FramePipeline`."""

    tracks: Any
    """The tracked objects: a rebuilt pipeline continues with those of the one before."""

    @property
    def references(self) -> list[Any]:
        """Return the references that are searched for."""

    def set_references(self, references: list[Any], *, keep_tracks: bool = False) -> None:
        """Search for other references; keep no tracks, or those whose names are among them."""

    def reset(self) -> None:
        """Drop all tracks: the next frame begins a new sequence."""

    def process(self, points: np.ndarray, image_shape: ImageShape = None,
                stamp_s: float | None = None) -> Any:
        """Return the FrameResult of (N, 3) points at a time."""

    def references_from_view(self, points: np.ndarray, image_shape: ImageShape = None
                             ) -> list[Any]:
        """Return references object_0, object_1, ... made from the segments of (N, 3) points."""

    def renew_references(self, result: Any) -> None:
        """Make what a FrameResult shows the references of the next frame."""


MakePipeline = Callable[[list[Any]], Pipeline]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a session works with: exchanged as a whole, between two clouds."""

    make_pipeline: MakePipeline
    mode: str
    references: list[Any]
    """The references to begin with; another list stands for others, even when it is equal."""

    @classmethod
    def of(cls, make_pipeline: MakePipeline, library: list[Any] | None, mode: str | None = None
           ) -> 'Setting':
        """Return the setting of a library, or of a mode without one (default: FIRST_LOOK)."""
        return cls(make_pipeline=make_pipeline, references=library or [],
                   mode=mode or (FIRST_LOOK if library is None else LIBRARY))


@dataclass(kw_only=True)
class _View:
    """What belongs to one camera."""

    pipeline: Pipeline
    frame: str = ''


class PoseSession:
    """Processes the clouds of one or several cameras against common references.

    Only with PREVIOUS_FRAME each camera has references of its own. `inference` gives the context
    that all torch work runs in (`torch.inference_mode`).
    """

    def __init__(self, setting: Setting, *, cameras: int = 1,
                 inference: Callable[[], AbstractContextManager[Any]] = nullcontext) -> None:
        self._lock = threading.Lock()
        self._inference = inference
        self._setting = setting
        self._next: Setting | None = None
        self._next_lock = threading.Lock()
        self._look: tuple[np.ndarray, ImageShape] | None = None
        self._views = [_View(pipeline=setting.make_pipeline(list(setting.references)))
                       for _ in range(cameras)]

    @property
    def reference_names(self) -> list[str]:
        """Names of the references in use, each once; empty while a look is still to come."""
        return [reference.name for reference in self.references]

    @property
    def references(self) -> list[Any]:
        """The references in use, of all cameras, each name once."""
        return list({reference.name: reference for view in self._views
                     for reference in view.pipeline.references}.values())

    @property
    def mode(self) -> str:
        """What the references are; see `reference_mode`."""
        return self._setting.mode

    @property
    def needs_look(self) -> bool:
        """Whether the next cloud is the first look."""
        return self._setting.mode == FIRST_LOOK and not self.reference_names

    def process(self, points: np.ndarray, image_shape: ImageShape = None, *,
                stamp_s: float | None = None, frame: str = '', camera: int = 0) -> Any:
        """Return the FrameResult of a camera; without any reference, it is the first look.

        Objects are followed from cloud to cloud by `stamp_s`, in one and the same `frame`. Call
        `finish` with the result.
        """
        with self._lock, self._inference():
            self._renew()
            view = self._views[camera]
            if frame != view.frame:
                self._forget(view)
                view.frame = frame
            if self.needs_look:
                self._show(points, image_shape)
            result = view.pipeline.process(points, image_shape, stamp_s)
            return result.first_of_each_label() if self._setting.mode == PREVIOUS_FRAME else result

    def finish(self, result: Any, *, camera: int = 0) -> None:
        """Do for the next cloud of a camera what may wait until its poses are published."""
        with self._lock, self._inference():
            if self._setting.mode == PREVIOUS_FRAME:
                self._views[camera].pipeline.renew_references(result)

    def set_reference(self, points: np.ndarray, image_shape: ImageShape = None) -> str:
        """Make the objects of this cloud the references; returns what was found.

        Raises CloudError when they come from elsewhere or the cloud shows no object; the
        references stay as they were then.
        """
        if self._setting.mode != FIRST_LOOK:
            raise CloudError(_NO_LOOK[self._setting.mode])
        return self.show(points, image_shape)

    def show(self, points: np.ndarray, image_shape: ImageShape = None) -> str:
        """Do the same for a cloud of the reference topic."""
        with self._lock, self._inference():
            self._renew()
            if not self._show(points, image_shape):
                raise CloudError('no object found in the newest cloud: references kept; check '
                                 'the view and the segmenter.* parameters')
            return f'references: {", ".join(self.reference_names)}'

    def reset(self) -> str:
        """Forget what was followed, and what was looked at; references from elsewhere stay."""
        with self._lock:
            self._renew()
            for view in self._views:
                self._forget(view)
            if self._setting.mode == FIRST_LOOK:
                self._look = None
                self._set_references([])
                return 'references cleared: the next cloud is the first look'
        if self._setting.mode == PREVIOUS_FRAME:
            return 'references cleared: the next cloud has none before it'
        kept = 'library' if self._setting.mode == LIBRARY else 'references'
        return f'tracks cleared, {kept} kept: {", ".join(self.reference_names)}'

    def rebuild(self, make_pipeline: MakePipeline) -> None:
        """Go on with other parameters from the next cloud on; never waits for the one in work."""
        with self._next_lock:
            self._next = replace(self._next or self._setting, make_pipeline=make_pipeline)

    def prepared(self, setting: Setting) -> Setting:
        """Return a setting with the present look taken again by its model; clouds go on meanwhile.

        Raises what looking may raise; nothing has changed then.
        """
        if setting.mode not in (FIRST_LOOK, TOPIC) or self._setting.mode != setting.mode \
                or self._look is None:
            return setting
        with self._inference():
            return replace(setting, references=setting.make_pipeline(
                []).references_from_view(*self._look))

    def swap(self, setting: Setting) -> None:
        """Go on with what was `prepared`, between two clouds: waits for the one in work.

        Objects whose names are among the new references are followed on.
        """
        with self._next_lock:
            self._next = setting
        with self._lock:
            self._renew()

    def _renew(self) -> None:
        """Put a waiting setting to work."""
        with self._next_lock:
            if self._next is None:
                return
            last, self._setting, self._next = self._setting, self._next, None
        for view in self._views:
            before, view.pipeline = view.pipeline, self._setting.make_pipeline(
                list(view.pipeline.references))
            view.pipeline.tracks = before.tracks
        if self._setting.references is not last.references:
            for view in self._views:
                view.pipeline.set_references(list(self._setting.references),
                                             keep_tracks=True)

    def _show(self, points: np.ndarray, image_shape: ImageShape) -> bool:
        """Make the objects of a cloud the references, if it shows any."""
        references = self._views[0].pipeline.references_from_view(points, image_shape)
        if references:
            self._look = points, image_shape
            self._set_references(references)
        return bool(references)

    def _set_references(self, references: list[Any]) -> None:
        for view in self._views:
            view.pipeline.set_references(references)

    def _forget(self, view: _View) -> None:
        """Begin a new sequence of clouds."""
        view.pipeline.reset()
        if self._setting.mode == PREVIOUS_FRAME:
            view.pipeline.set_references([])
