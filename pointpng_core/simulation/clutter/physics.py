"""Rigid bodies that fall onto a scenery until they rest, simulated by MuJoCo."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from pointpng_core.errors import MissingDependencyError
from pointpng_core.simulation.clutter.objects import ClutterObject
from pointpng_core.simulation.clutter.scenery import Scenery, box_pose

DENSITY_KG_M3 = 400.0
"""Of every object, hollow or not: that of a full carton."""
FRICTION = (0.6, 0.003, 0.001)
"""Sliding (as of cardboard on wood), torsional (m) and rolling (m), in MuJoCo's order."""
STEP_S = 0.002
CONTACT_S = 0.004
"""Time constant of contacts: the shortest that is stable, so that bodies hardly overlap."""
STILL_M_S, STILL_RAD_S, STILL_S = 0.01, 0.2, 0.1
"""A scene rests when no body moved or rotated faster for this time."""
BETWEEN_DROPS_S, LONGEST_S = 0.25, 6.0
"""Time between two objects that are dropped one after the other; longest time after the last."""
_DROP_M = 0.005
_FALLEN_M = -0.05
_PARKED_M = 50.0


@dataclass(frozen=True, kw_only=True)
class RestingScene:
    """What became of the N dropped objects.

    T_world_objects (N, 4, 4); on_ground (N,): not fallen off; rests: whether all of those came to
    rest; touching: whether two of them touch; overlap_m: the deepest contact of convex parts.
    """

    T_world_objects: NDArray[np.float64]
    on_ground: NDArray[np.bool_]
    rests: bool
    touching: bool
    overlap_m: float


def drop(objects: Sequence[ClutterObject], places_m: NDArray[np.float64], scenery: Scenery, *,
         rotations: Rotation, at_once: bool) -> RestingScene:
    """Drop objects at places (N, 2), rotated by N rotations, and wait until they rest.

    The same input gives the same result on the same machine. Raises MissingDependencyError.
    """
    simulation = _Simulation(objects, scenery)
    for index, place_m in enumerate(places_m):
        simulation.release(index, place_m, rotations[index], at_once=at_once)
        if not at_once:
            simulation.advance(BETWEEN_DROPS_S)
    rests = simulation.advance_to_rest()
    return simulation.result(rests)


class _Simulation:
    """Bodies that are not released yet, and those that fell off, are parked far away."""

    def __init__(self, objects: Sequence[ClutterObject], scenery: Scenery) -> None:
        self._mujoco = require_mujoco()
        self._objects, self._scenery = objects, scenery
        self._model = self._compiled()
        self._data = self._mujoco.MjData(self._model)
        count = len(objects)
        self._parked = np.ones(count, dtype=bool)
        self._fallen = np.zeros(count, dtype=bool)
        # The scenery belongs to body 0, the world; qpos and qvel are those of free joints alone.
        self._poses = self._data.qpos.reshape(count, 7)
        self._speeds = self._data.qvel.reshape(count, 6)
        self._park()

    def release(self, index: int, place_m: NDArray[np.float64], rotation: Rotation, *,
                at_once: bool) -> None:
        """Place a body so that its lowest point is just above the ground, or what is below it."""
        hull = rotation.apply(self._objects[index].hull)
        hull[:, :2] += place_m - (hull.min(axis=0) + hull.max(axis=0))[:2] / 2
        ground_m = 0.0 if at_once else max(self._top_m(hull), self._scenery.rim_m)
        self._parked[index] = False
        self._poses[index, :3] = hull[0] - rotation.apply(self._objects[index].hull[0])
        self._poses[index, 2] += ground_m + _DROP_M - hull[:, 2].min()
        self._poses[index, 3:] = rotation.as_quat()[[3, 0, 1, 2]]
        self._speeds[index] = 0.0

    def advance(self, time_s: float) -> None:
        """Simulate for a time."""
        for _ in range(round(time_s / STEP_S)):
            self._step()

    def advance_to_rest(self) -> bool:
        """Simulate until all bodies rest; return False where they do not in time."""
        still = 0
        for _ in range(round(LONGEST_S / STEP_S)):
            self._step()
            still = still + 1 if self._is_still() else 0
            if still * STEP_S >= STILL_S:
                return True
        return False

    def result(self, rests: bool) -> RestingScene:
        """Return the poses as they are now."""
        T = np.tile(np.eye(4), (len(self._objects), 1, 1))
        T[:, :3, :3] = self._rotations().as_matrix()
        T[:, :3, 3] = self._poses[:, :3]
        # Contacts refer to the poses of the last step until they are found anew.
        self._mujoco.mj_forward(self._model, self._data)
        contacts = self._data.contact
        between = (self._model.geom_bodyid[contacts.geom] > 0).all(axis=1)
        return RestingScene(
            T_world_objects=T, on_ground=~self._fallen, rests=rests,
            touching=bool((between & (contacts.dist < 0)).any()),
            overlap_m=float(np.clip(-contacts.dist, 0, None).max(initial=0.0)))

    def _step(self) -> None:
        self._mujoco.mj_step(self._model, self._data)
        off = ~self._parked & (self._poses[:, 2] < _FALLEN_M)
        self._fallen |= off
        self._parked |= off
        self._park()

    def _park(self) -> None:
        """Hold parked bodies far from each other and from everything else."""
        for index in np.flatnonzero(self._parked):
            self._poses[index] = [_PARKED_M * (index + 1), 0, _PARKED_M, 1, 0, 0, 0]
            self._speeds[index] = 0.0

    def _is_still(self) -> bool:
        speeds = self._speeds[~self._parked]
        return bool((np.linalg.norm(speeds[:, :3], axis=1) < STILL_M_S).all()
                    and (np.linalg.norm(speeds[:, 3:], axis=1) < STILL_RAD_S).all())

    def _rotations(self) -> Rotation:
        return Rotation.from_quat(self._poses[:, [4, 5, 6, 3]])

    def _top_m(self, hull: NDArray[np.float64]) -> float:
        """Return the height of the highest released body whose box is below that of a hull."""
        top_m, low, high = 0.0, hull.min(axis=0)[:2], hull.max(axis=0)[:2]
        rotations = self._rotations()
        for index in np.flatnonzero(~self._parked).tolist():
            other = rotations[index].apply(self._objects[index].hull) + self._poses[index, :3]
            if (other.min(axis=0)[:2] < high).all() and (other.max(axis=0)[:2] > low).all():
                top_m = max(top_m, float(other[:, 2].max()))
        return top_m

    def _compiled(self) -> Any:
        """Return the model of the scenery and of all bodies."""
        spec = self._mujoco.MjSpec()
        spec.option.timestep = STEP_S
        spec.option.cone = self._mujoco.mjtCone.mjCONE_ELLIPTIC
        spec.option.impratio = 10.0
        # Several contacts for each pair of parts, without which flat faces rock.
        spec.option.enableflags |= self._mujoco.mjtEnableBit.mjENBL_MULTICCD
        for box in self._scenery.boxes:
            centre, half = box_pose(box)
            self._geom(spec.worldbody, type=self._mujoco.mjtGeom.mjGEOM_BOX, pos=centre, size=half)
        meshes: dict[int, list[str]] = {}  # an object that is dropped twice has them once
        for item in self._objects:
            if id(item) not in meshes:
                meshes[id(item)] = self._add_meshes(spec, item, len(meshes))
            body = spec.worldbody.add_body()
            body.add_freejoint()
            for mesh in meshes[id(item)]:
                self._geom(body, type=self._mujoco.mjtGeom.mjGEOM_MESH, meshname=mesh)
        return spec.compile()

    def _geom(self, body: Any, **shape: Any) -> None:
        body.add_geom(friction=FRICTION, condim=6, solref=[CONTACT_S, 1.0],
                      solimp=[0.95, 0.99, 0.001, 0.5, 2], density=DENSITY_KG_M3, **shape)

    @staticmethod
    def _add_meshes(spec: Any, item: ClutterObject, number: int) -> list[str]:
        names = []
        for index, part in enumerate(item.parts):
            names.append(f'{number}/{index}')
            spec.add_mesh(name=names[-1], uservert=part.reshape(-1))
        return names


def require_mujoco() -> Any:
    """Return the module; raises MissingDependencyError where it is not installed."""
    try:
        import mujoco
    except ImportError as error:
        raise MissingDependencyError(f'dropping objects needs the Python package mujoco ({error}):'
                                     " pip install 'pointpng_ros[sim]'") from error
    return mujoco
