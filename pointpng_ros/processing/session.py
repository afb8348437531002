"""The references and the pipelines behind the node, without ROS; safe to use from all threads."""

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
import threading
from typing import TYPE_CHECKING

from pointpng_core.errors import CloudError
from pointpng_core.geometry.clouds.point_cloud import PointCloud
from pointpng_ros.parameters.node_config import FIRST_LOOK, LIBRARY, PREVIOUS_FRAME, TOPIC

if TYPE_CHECKING:                        # the core's types bring torch
    from pointpng_core.pipeline import FramePipeline, FrameResult
    from pointpng_core.reference import Reference

    MakePipeline = Callable[[list[Reference]], FramePipeline]

_NOT_FROM_A_CLOUD = {
    LIBRARY: 'the references come from the object library (parameter objects); start the node '
             'without it to take them from clouds',
    PREVIOUS_FRAME: "with reference = 'previous_frame' every cloud is the reference of the next",
    TOPIC: 'the references come from the clouds on reference_topic: publish one there'}


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Pipeline, reference mode and references of a session: replaced together, between clouds."""

    make_pipeline: 'MakePipeline'
    mode: str
    references: 'list[Reference]'
    """The references to begin with. Another list object means other references, even if equal."""

    @classmethod
    def of(cls, make_pipeline: 'MakePipeline', library: 'list[Reference] | None',
           mode: str | None = None) -> 'Setting':
        """Return the setting of a library, or of a mode without one (default: FIRST_LOOK)."""
        return cls(make_pipeline=make_pipeline, references=library or [],
                   mode=mode or (FIRST_LOOK if library is None else LIBRARY))


@dataclass(kw_only=True)
class _Camera:
    """The pipeline of one camera, and the frame of its last cloud."""

    pipeline: 'FramePipeline'
    frame: str = ''


class PoseSession:
    """Processes the clouds of one or several cameras against common references.

    Only with PREVIOUS_FRAME each camera has references of its own. `inference` gives the context
    that all torch work runs in (`torch.inference_mode`).

    One lock guards pipelines and references: a thread holds it for a whole cloud. Settings that
    other threads ask for wait in a queue, and the next holder of the lock applies them in order,
    so that `rebuild` never waits for the cloud in work. The properties read without the lock.
    """

    def __init__(self, setting: Setting, *, cameras: int = 1,
                 inference: Callable[[], AbstractContextManager[object]] = nullcontext) -> None:
        self._lock = threading.Lock()
        self._inference = inference
        self._setting = setting
        self._changes: deque[Callable[[Setting], Setting]] = deque()     # both ends are atomic
        self._reference_cloud: PointCloud | None = None
        self._cameras = [_Camera(pipeline=setting.make_pipeline(list(setting.references)))
                       for _ in range(cameras)]

    @property
    def reference_names(self) -> list[str]:
        """Return the names of the references in use, each once; empty before the first objects."""
        return [reference.name for reference in self.references]

    @property
    def references(self) -> 'list[Reference]':
        """Return the references in use, of all cameras, each name once."""
        return list({reference.name: reference for camera in self._cameras
                     for reference in camera.pipeline.references}.values())

    @property
    def mode(self) -> str:
        """Return what poses are relative to; see `node_config.reference_mode`."""
        return self._setting.mode

    @property
    def needs_reference(self) -> bool:
        """Return whether the references are taken from the next cloud."""
        return self._setting.mode == FIRST_LOOK and not self.reference_names

    def process(self, cloud: PointCloud, *, stamp_s: float | None = None, frame: str = '',
                camera: int = 0) -> 'FrameResult':
        """Return the FrameResult of a camera; the first cloud may give the references.

        Objects are followed from cloud to cloud by `stamp_s`, in one and the same `frame`. Call
        `finish` with the result.
        """
        with self._lock, self._inference():
            self._renew()
            own = self._cameras[camera]
            if frame != own.frame:
                self._forget(own)
                own.frame = frame
            if self.needs_reference:
                self._take_references(cloud)
            result = own.pipeline.process(cloud, stamp_s)
            return result.first_of_each_label() if self._setting.mode == PREVIOUS_FRAME else result

    def finish(self, result: 'FrameResult', *, camera: int = 0) -> None:
        """Prepare for the next cloud of a camera, once the poses of this one are published."""
        with self._lock, self._inference():
            if self._setting.mode == PREVIOUS_FRAME:
                self._cameras[camera].pipeline.renew_references(result)

    def set_reference(self, cloud: PointCloud) -> str:
        """Make the objects of this cloud the references; returns what was found.

        Raises CloudError when they come from elsewhere or the cloud shows no object; the
        references stay as they were then.
        """
        if self._setting.mode != FIRST_LOOK:
            raise CloudError(_NOT_FROM_A_CLOUD[self._setting.mode])
        return self.take_references(cloud)

    def take_references(self, cloud: PointCloud) -> str:
        """Make the objects of a cloud the references, in any mode; see `set_reference`."""
        with self._lock, self._inference():
            self._renew()
            if not self._take_references(cloud):
                raise CloudError('no object found in the newest cloud: references kept; check '
                                 'the view and the segmenter.* parameters')
            return f'references: {", ".join(self.reference_names)}'

    def reset(self) -> str:
        """Forget all tracks, and references that were taken from a cloud in mode FIRST_LOOK."""
        with self._lock:
            self._renew()
            for camera in self._cameras:
                self._forget(camera)
            if self._setting.mode == FIRST_LOOK:
                self._reference_cloud = None
                self._set_references([])
                return 'references cleared: the next cloud gives new ones'
        if self._setting.mode == PREVIOUS_FRAME:
            return 'references cleared: the next cloud has none before it'
        kept = 'library' if self._setting.mode == LIBRARY else 'references'
        return f'tracks cleared, {kept} kept: {", ".join(self.reference_names)}'

    def rebuild(self, make_pipeline: 'MakePipeline') -> None:
        """Use other parameters from the next cloud on; never waits for the cloud in work."""
        self._changes.append(lambda setting: replace(setting, make_pipeline=make_pipeline))

    def prepared(self, setting: Setting) -> Setting:
        """Return a setting with its references made again from the present reference cloud.

        Clouds go on meanwhile. Nothing has changed when the core refuses the cloud by raising.
        """
        cloud = self._reference_cloud
        if setting.mode not in (FIRST_LOOK, TOPIC) or self._setting.mode != setting.mode \
                or cloud is None:
            return setting
        with self._inference():
            references = setting.make_pipeline([]).references_from_view(cloud)
            return replace(setting, references=references)

    def swap(self, setting: Setting) -> None:
        """Replace the setting by one that was `prepared`; waits for the cloud in work.

        The tracks of objects whose names are among the new references go on.
        """
        self._changes.append(lambda _: setting)
        with self._lock:
            self._renew()

    def _renew(self) -> None:
        """Apply the settings that wait; call it with the lock held."""
        if not self._changes:
            return
        last = self._setting
        while self._changes:
            self._setting = self._changes.popleft()(self._setting)
        for camera in self._cameras:
            pipeline = self._setting.make_pipeline(list(camera.pipeline.references))
            pipeline.continue_from(camera.pipeline)
            camera.pipeline = pipeline
        if self._setting.references is not last.references:
            for camera in self._cameras:
                camera.pipeline.set_references(self._setting.references, keep_tracks=True)

    def _take_references(self, cloud: PointCloud) -> bool:
        """Make the objects of a cloud the references; returns whether it shows any."""
        references = self._cameras[0].pipeline.references_from_view(cloud)
        if references:
            self._reference_cloud = cloud
            self._set_references(references)
        return bool(references)

    def _set_references(self, references: 'list[Reference]') -> None:
        for camera in self._cameras:
            camera.pipeline.set_references(references)

    def _forget(self, camera: _Camera) -> None:
        """Begin a new sequence of clouds."""
        camera.pipeline.reset()
        if self._setting.mode == PREVIOUS_FRAME:
            camera.pipeline.set_references([])
