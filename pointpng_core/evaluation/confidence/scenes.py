"""Simulated tables: objects that occlude one another, some of which are in no library."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from pointpng_core.errors import ConfigError
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.confidence.cases import Case, LabelledObservation, case_of
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.pipeline import FramePipeline, PipelineConfig
from pointpng_core.reference import Reference
from pointpng_core.segmentation import SegmenterConfig
from pointpng_core.simulation.shapes.catalogue import NO_SYMMETRY, CatalogueObject
from pointpng_core.simulation.simulator import DepthSimulator, ObjectTruth, SimulatedFrame
from pointpng_core.simulation.tabletop import TabletopWorld, WorldConfig
from pointpng_core.tracking.frame_result import Detection

SOURCE = 'scenes'
OBJECTS = 7
"""Most objects on a table; fewer where they do not fit."""
LIBRARY = 8
"""References in a library; about half of the objects on the table are among them."""
GAP_M = 0.004
CLOSEST_M, FARTHEST_M = 0.7, 1.2
LARGEST_M = 0.35
"""Larger objects leave no room on the table."""


def table_objects(meshes: dict[str, TriangleMesh]) -> list[CatalogueObject]:
    """Return meshes by name as objects for a table, which stand upright or lie on a side.

    Objects larger than LARGEST_M are left out.
    """
    rests = (np.eye(3), np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]),
             np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]))
    return [CatalogueObject(name=name, mesh=mesh, symmetry=NO_SYMMETRY, rests=rests)
            for name, mesh in meshes.items()
            if np.linalg.norm(np.ptp(mesh.vertices, axis=0)) < LARGEST_M]


def scene_cases(estimator: PoseEstimator, objects: Sequence[CatalogueObject], *, scenes: int,
                seed: int, report: Callable[[str], None] = lambda line: None) -> list[Case]:
    """Return a case for every segment that the pipeline poses in one frame of each of the tables.

    A segment that is mostly table or noise counts as an unknown object. Raises ConfigError for
    fewer than two objects.
    """
    if len(objects) < 2:
        raise ConfigError(f'{len(objects)} objects for the tables: at least two are needed, '
                          f'smaller than {LARGEST_M} m')
    report(f'{SOURCE}: {scenes} tables with {len(objects)} objects to choose from')
    references = {item.name: estimator.reference_from_model(
        item.mesh, name=item.name, symmetry=item.symmetry) for item in objects}
    cases: list[Case] = []
    for scene, frame in enumerate(simulated_tables(objects, scenes=scenes, seed=seed)):
        rng = np.random.default_rng([seed, scene, 1])
        in_view = [truth.label for truth in frame.truths]
        library = [references[name] for name in _library(in_view, list(references), rng)]
        cases += _frame_cases(estimator, library, frame)
    return cases


def simulated_tables(objects: Sequence[CatalogueObject], *, scenes: int, seed: int
                     ) -> Iterator[SimulatedFrame]:
    """Yield one frame of each of so many crowded tables; the same seed gives the same ones."""
    for scene in range(scenes):
        rng = np.random.default_rng([seed, scene])
        yield _simulator(objects, rng).frame(int(rng.integers(100)), rate_hz=5.0)


def _simulator(objects: Sequence[CatalogueObject], rng: np.random.Generator) -> DepthSimulator:
    """Return a crowded table; objects are removed until the others fit."""
    config = WorldConfig(seed=int(rng.integers(2 ** 31)), gap_m=GAP_M, slide_m=0.0,
                         lying_share=0.5,
                         camera_distance_m=float(rng.uniform(CLOSEST_M, FARTHEST_M)),
                         camera_height_deg=float(rng.uniform(20.0, 60.0)))
    chosen = [objects[index] for index in rng.permutation(len(objects))[:OBJECTS]]
    while True:
        try:
            return DepthSimulator(TabletopWorld(chosen, config=config))
        except ConfigError:
            if len(chosen) == 1:
                raise
            chosen.pop()


def _library(in_view: Sequence[str], names: Sequence[str], rng: np.random.Generator
             ) -> list[str]:
    """Return the names of some objects on the table, and of others that are not on it."""
    known = [name for name in dict.fromkeys(in_view) if rng.random() < 0.5]
    absent = [name for name in names if name not in in_view]
    rng.shuffle(absent)
    return (known + absent)[:max(LIBRARY, len(known))] or list(names[:1])


def _frame_cases(estimator: PoseEstimator, library: Sequence[Reference], frame: SimulatedFrame
                 ) -> list[Case]:
    pipeline = FramePipeline(estimator=estimator, references=library,
                             segmenter=SegmenterConfig(),
                             config=PipelineConfig(min_confidence=0.0, min_score=0.0,
                                                   min_observability=0.0))
    result = pipeline.process(frame.points.reshape(-1, 3))
    surfaces = {reference.name: reference.points for reference in library}
    return [_judged(found, frame, surfaces) for found in result.detections]


def _judged(found: Detection, frame: SimulatedFrame, surfaces: dict[str, NDArray[np.float32]]
            ) -> Case:
    truth = seen_object(found, frame)
    name = truth.label if truth else ''
    if not truth or name not in surfaces:
        return case_of(found.estimate, source=SOURCE, name=name, right=False, known=False)
    seen = LabelledObservation(source=SOURCE, name=name, points=found.segment.points,
                               surface=surfaces[name], T_observation_object=truth.T_camera_object)
    return seen.judge(found.estimate, surfaces)


def seen_object(found: Detection, frame: SimulatedFrame) -> ObjectTruth | None:
    """Return the object with most of a detection's points; None for the table or no object."""
    owner = int(np.bincount(frame.owner.ravel()[found.segment.indices] + 2).argmax()) - 2
    return frame.truths[owner] if owner >= 0 else None
