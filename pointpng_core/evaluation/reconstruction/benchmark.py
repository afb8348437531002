"""Models fused from simulated recordings: their surface errors, and poses with them."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
import tempfile
from typing import Any

from pointpng_core.errors import CloudError, FusionError
from pointpng_core.estimator import PoseEstimator
from pointpng_core.evaluation.reconstruction.pose_counts import ModelUnderTest, count_posed
from pointpng_core.evaluation.reconstruction.surface_errors import aligned, surface_errors
from pointpng_core.reference.reconstruction.recording import FusedModel, fuse_bag
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.sample_recordings import write_turning
from pointpng_core.simulation.shapes.catalogue import make_object
from pointpng_core.simulation.turntable import TurntableConfig

Report = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class FusionPlan:
    """Which objects of the catalogue are recorded, and on how many tables poses are estimated."""

    objects: tuple[str, ...]
    clouds: int = 36
    """Clouds of a full rotation."""
    scenes: int = 20
    seed: int = 0


def evaluate_fusion(estimator: PoseEstimator, plan: FusionPlan, *,
                    report: Report = lambda line: None) -> dict[str, Any]:
    """Record, fuse, compare with the true meshes, and estimate poses with both.

    Returns {'clouds', 'scenes', 'seed', 'objects': {NAME: {'mean_m', 'p95_m', 'completeness',
    'completeness_above_table', 'loop': {'rotation_deg', 'shift_m'} or None, 'used', 'fused' and
    'true': {'seen', 'posed', 'wrong', 'mistaken'}} or {'refused': WHY}}}; see `SurfaceErrors` and
    `PoseCounts`. Raises ConfigError for a name that is not in the catalogue.
    """
    true_objects = [make_object(name) for name in dict.fromkeys(plan.objects)]
    objects: dict[str, Any] = {}
    fused: list[ModelUnderTest] = []
    for true in true_objects:
        report(f'{true.name}: fusing {plan.clouds} clouds')
        try:
            model = _recorded(true.name, plan)
        except (CloudError, FusionError) as error:
            objects[true.name] = {'refused': str(error)}
            continue
        T_model_true = aligned(model.mesh, true.mesh, estimator)
        fused.append(ModelUnderTest(true=true, mesh=model.mesh, T_model_true=T_model_true))
        objects[true.name] = {
            **asdict(surface_errors(model.mesh, true.mesh, T_model_true)), 'used': model.used,
            'loop': asdict(model.loop) if model.loop else None}
    _pose(estimator, fused, objects, plan, report)
    return {'clouds': plan.clouds, 'scenes': plan.scenes, 'seed': plan.seed, 'objects': objects}


def _recorded(name: str, plan: FusionPlan) -> FusedModel:
    """Return the model fused from a recorded bag, as by `pointpng objects from-bag`."""
    with tempfile.TemporaryDirectory() as folder:
        bag = Path(folder) / name
        write_turning(bag, name, camera=DepthCamera(),
                      config=TurntableConfig(frames=plan.clouds, seed=plan.seed))
        return fuse_bag(bag)


def _pose(estimator: PoseEstimator, fused: Sequence[ModelUnderTest], objects: dict[str, Any],
          plan: FusionPlan, report: Report) -> None:
    """Add the pose counts of the fused models and of the true meshes to `objects`."""
    if not (fused and plan.scenes):
        return
    for key, models in (('fused', fused), ('true', [model.with_true_mesh() for model in fused])):
        report(f'{plan.scenes} tables, poses with the {key} surfaces')
        counts = count_posed(estimator, models, scenes=plan.scenes, seed=plan.seed)
        for name, count in counts.items():
            objects[name][key] = asdict(count)
