"""pose_estimator with a pipeline that needs no torch: every metre of x is an object.

Every object_7 is ambiguous, every object_9 poorly constrained, and a frame with an object_8 has a
warning. A cloud whose first point
has x = 66 makes the pipeline fail, one with x = 67 finds the memory of the GPU full; `--slow
SECONDS` delays every cloud. The library FOLDER_N contains object_N; late_N takes a while to load,
slow_N until LOADING_CLOUDS more clouds are answered; none can be loaded from broken.
"""

import argparse
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
import sys
import time
from types import SimpleNamespace
from typing import ClassVar

import numpy as np

from pointpng_core.config import Config, option
from pointpng_core.errors import LibraryError
from pointpng_core.geometry import Rotational, Symmetry
from pointpng_core.geometry.clouds import PointCloud
from pointpng_ros.health.lifetime import run_node
from pointpng_ros.nodes.pose_estimator import NODE_NAME, THREADS, PoseEstimatorNode
from pointpng_ros.parameters.node_config import NodeConfig, RegionConfig
from pointpng_ros.parameters.parameter_specs import LIVE_NODE_PARAMETERS, ParameterGroup

NO_SUPPORT = SimpleNamespace(plane=None, reason='a stub has none')


@dataclass(frozen=True, kw_only=True)
class StubConfig(Config):
    min_score: float = option(0.5, low=0.0, high=1.0, help='Objects below it are not accepted.')


GROUPS = [ParameterGroup(prefix='', defaults=NodeConfig(), live=LIVE_NODE_PARAMETERS),
          ParameterGroup(prefix='roi.', defaults=RegionConfig(), live=True),
          ParameterGroup(prefix='pipeline.', defaults=StubConfig(), live=True)]
SCORE, VARIANCE = 0.75, 1e-6
POOR = 'object_9'
WARNINGS = ('several points on a ray',)
LATE_S, LOADING_CLOUDS, LOADING_TIMEOUT_S = 2.0, 8, 60.0
FULL_GPU = SimpleNamespace(cuda=SimpleNamespace(
    OutOfMemoryError=type('OutOfMemoryError', (RuntimeError,), {}),
    empty_cache=lambda: sys.stdout.write('cache emptied\n')))


class StubResult(SimpleNamespace):
    @property
    def not_accepted(self):
        """Every segment that is no detection, taken for a mug of low confidence."""
        posed = {each.segment.indices[0] for each in self.detections}
        return [SimpleNamespace(entry=partial(refused, each)) for each in self.scene.segments
                if each.indices[0] not in posed]

    def first_of_each_label(self):
        return self


@dataclass
class StubPipeline:
    references: list
    min_score: float = 0.5
    slow_s: float = 0.0
    tracks: set = field(default_factory=set)
    answered: ClassVar[int] = 0

    def continue_from(self, other):
        self.tracks = other.tracks

    def set_references(self, references, *, keep_tracks=False):
        self.references = references
        self.tracks &= {number(reference.name) for reference in references if keep_tracks}

    def reset(self):
        self.tracks.clear()

    def process(self, cloud, stamp_s=None):
        points = PointCloud.of(cloud).points
        time.sleep(self.slow_s)
        StubPipeline.answered += 1
        if points[0, 0] == 66:
            raise RuntimeError('the pipeline broke')
        if points[0, 0] == 67:
            raise sys.modules.setdefault('torch', FULL_GPU).cuda.OutOfMemoryError('tried 20 GiB')
        names = [reference.name for reference in self.references]
        found = [(x, block) for x, block in blocks(points) if f'object_{x}' in names]
        posed = [detection(x, block) for x, block in found if self.min_score <= SCORE]
        followed = self.tracks & {x for x, _ in found}
        self.tracks |= {x for x, _ in found}
        states = tuple(SimpleNamespace(name=f'object_{x}_0', index=0, state='tracking', age=1,
                                       confidence=0.9, missed=0) for x, _ in found)
        good, poor = (tuple(each for each in posed if (each.label == POOR) == poor)
                      for poor in (False, True))
        return StubResult(detections=good, poorly_constrained=poor, stage_ms={'search': 1.0},
                          states=states,
                          warnings=WARNINGS if 8 in {x for x, _ in found} else (),
                          tracked=len(followed), searched=len(found) - len(followed),
                          scene=SimpleNamespace(
                              support=NO_SUPPORT,
                              segments=[segment(*each) for each in blocks(points)]),
                          seen=[x for x, _ in blocks(points)])

    def references_from_view(self, cloud):
        return [reference(f'object_{x}') for x, _ in blocks(PointCloud.of(cloud).points)]

    def renew_references(self, result):
        self.references = [reference(f'object_{x}') for x in result.seen]


def refused(segment):
    return {'label': 'mug', 'confidence': 0.25, 'score': 0.5, 'points': len(segment.points),
            'centre_m': segment.points.mean(axis=0, dtype=float).tolist(),
            'reason': 'confidence 0.25 below min_confidence 0.65'}


def reference(name):
    """Half a metre wide, a quarter deep, the same after half a rotation."""
    box = np.array([0, 0.125, 0.05]), np.array([0.5, 0.25, 0.1])
    half_turn = Symmetry(elements=(Rotational(axis=(0, 0, 1), order=2),))
    return SimpleNamespace(name=name, box=box, complete=True, diameter_m=0.6, symmetry=half_turn)


def number(name):
    return int(name.rpartition('_')[2])


def blocks(points):
    """Split finite points with 0 <= x < 1000 by whole metres of x."""
    points = points[np.isfinite(points).all(axis=1) & (np.abs(points[:, 0]) < 1000)]
    metres = np.floor(points[:, 0]).astype(int)
    return [(int(x), points[metres == x]) for x in np.unique(metres) if x >= 0]


def detection(x, block):
    """Rotated by 90 degrees about z, at the block's centroid."""
    T = np.eye(4)
    T[:3, :3] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
    T[:3, 3] = block.mean(axis=0)
    other = SimpleNamespace(name='other', confidence=0.1, T_observation_reference=T)
    estimate = SimpleNamespace(T_observation_reference=T, score=SCORE, confidence=SCORE,
                               ambiguous=x == 7, symmetric=True, other_labels=(other,))
    return SimpleNamespace(label=f'object_{x}', index=0, child_frame=f'object_{x}_0',
                           estimate=estimate, segment=segment(x, block), other_poses=[],
                           covariance=lambda T_target_cloud: np.eye(6) * VARIANCE,
                           box=reference(f'object_{x}').box)


def segment(x, block):
    return SimpleNamespace(points=block, indices=1000 * x + np.arange(len(block)))


def wait_for_clouds(answered):
    """Load for as long as it takes to answer so many clouds: a gap would make it fail."""
    deadline = time.monotonic() + LOADING_TIMEOUT_S
    while StubPipeline.answered < answered:
        if time.monotonic() > deadline:
            raise LibraryError('no cloud was answered while the library was loaded')
        time.sleep(0.01)


class StubFactory:
    slow_s = 0.0

    def __init__(self, configs, report):
        self._objects, self._report = configs[''].objects, report

    def inference(self):
        return nullcontext()

    def library(self):
        if not self._objects:
            return None
        if self._objects == 'broken':
            raise LibraryError('object library broken: mug.ply is truncated')
        if self._objects.startswith('slow'):
            self._report(f'loading {self._objects}')
            wait_for_clouds(StubPipeline.answered + LOADING_CLOUDS)
            self._report('loaded')
        if self._objects.startswith('late'):
            self._report(f'loading {self._objects}')
            time.sleep(LATE_S)
        return [reference(f'object_{self._objects.rpartition("_")[2]}')]

    def pipeline_maker(self, configs):
        return lambda references: StubPipeline(references, configs['pipeline.'].min_score,
                                               self.slow_s)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--slow', type=float, default=0.0)
    options, ros_arguments = parser.parse_known_args()
    StubFactory.slow_s = options.slow
    return run_node(lambda: PoseEstimatorNode(GROUPS, StubFactory), name=NODE_NAME,
                    args=ros_arguments, threads=THREADS)


if __name__ == '__main__':
    sys.exit(main())
