"""A run: one node, one scene after the other before it, everything noted."""

from contextlib import suppress
from pathlib import Path
import time

from diagnostic_msgs.msg import DiagnosticArray
from rich.console import Console

from pointpng_core.cli.output import say_on
from pointpng_core.simulation.sample_files import write_catalogue
from pointpng_core.simulation.shapes.catalogue import object_names
from pointpng_ros.demo.frame_log import FrameLog, FrameRecord
from pointpng_ros.demo.processes import Children
from pointpng_ros.demo.recorder import Recorder
from pointpng_ros.demo.recording import Session
from pointpng_ros.demo.runs import NODE_MODULE, NODE_PARAMETERS, ros_arguments, span_s
from pointpng_ros.demo.scoring import Limits, ScoredModel
from pointpng_ros.demo.settings import DemoConfig
from pointpng_ros.demo.summary import Summary
from pointpng_ros.endurance.figures import Observations, conclude
from pointpng_ros.endurance.resource_usage import resource_usage_of
from pointpng_ros.endurance.scenes import Scene
from pointpng_ros.endurance.settings import EnduranceConfig
from pointpng_ros.endurance.tally import Tally, widened

CAMERA, NODE = 'sim_camera', 'pose_estimator'
_STRETCH_S, _SAMPLE_S, _DRAIN_S = 30.0, 1.0, 3.0


class EnduranceRun:
    """Runs inside the contexts of its children and its recorder; `folder` is for the library."""

    def __init__(self, config: EnduranceConfig, *, children: Children, recorder: Recorder,
                 folder: Path, console: Console) -> None:
        self._config, self._children, self._recorder = config, children, recorder
        self._console, self._seen, self._sample_due_s = console, Observations(), 0.0
        models = write_catalogue(folder, object_names())
        limits = Limits(rotation_deg=config.rotation_limit_deg,
                        translation_mm=config.translation_limit_mm)
        self._tally = Tally(models={model.name: ScoredModel.of(model) for model in models},
                            limits=limits, false_limits=widened(limits, config.false_factor))
        recorder.create_subscription(DiagnosticArray, '/diagnostics', self._on_diagnostics, 10)
        self._pid = children.start(NODE, NODE_MODULE, ros_arguments(
            {**NODE_PARAMETERS, 'objects': str(folder), 'marker_points': 1,
             'model': config.model}))

    def go(self) -> Summary:
        """Run until the time is up; raises ChildError when a process fails or falls silent."""
        ends_s = time.monotonic() + 60 * self._config.minutes
        while (left_s := ends_s - time.monotonic()) > 0:
            if self._seen.scenes == 0 or self._config.scene_s:
                self._change_scene()
            self._stretch(min(self._config.scene_s or _STRETCH_S, max(left_s, 1.0)))
        return conclude(self._tally, self._seen, self._config)

    def _change_scene(self) -> None:
        if self._seen.scenes:
            self._children.stop(CAMERA)
            self._session(_DRAIN_S).spin(_DRAIN_S)     # what is under way belongs to the old one
        scene = Scene.of(self._config, self._seen.scenes)
        self._seen.scenes += 1
        self._tally.begin_scene()
        say_on(self._console, f'scene {self._seen.scenes}: {scene.objects}')
        self._children.start(CAMERA, 'pointpng_ros.nodes.sim_camera',
                             ros_arguments(scene.camera(self._config)))

    def _stretch(self, seconds: float) -> None:
        """Record and score a part of a scene, and release its frames to bound the memory.

        Frames without any truth belong to the stretch before, whose log has the truth.
        """
        self._recorder.log = FrameLog()
        frames = self._session(seconds).stream(self._sample_usage)
        for record in frames:
            if record.truths or record.hidden:
                self._tally.add(record)
        self._seen.seconds += span_s(frames)
        self._print_figures()

    def _session(self, seconds: float) -> Session:
        return Session(self._recorder, self._children, DemoConfig(
            seconds=max(seconds, 1.0), startup_s=self._config.startup_s,
            silence_s=self._config.silence_s))

    def _sample_usage(self, record: FrameRecord) -> None:
        now_s = time.monotonic()
        if now_s >= self._sample_due_s:
            self._sample_due_s = now_s + _SAMPLE_S
            with suppress(OSError):      # the process has just died, which the session reports
                self._seen.usage.append(resource_usage_of(self._pid))

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        values = {pair.key: pair.value for pair in message.status[0].values}
        if int(values.get('processed', 0)):
            self._seen.diagnostics.append(values)

    def _print_figures(self) -> None:
        figures = conclude(self._tally, self._seen, self._config)
        words = (f'{figures["frames"]} clouds, {figures["frames_per_second"]:.1f} a second, '
                 f'{100 * (figures["posed_share"] or 0):.1f} % of objects posed, '
                 f'{self._seen.usage[-1].memory_mb:.0f} MB') if self._seen.usage else 'nothing yet'
        say_on(self._console, words)
