"""Files made by the simulator: sample recordings, and the catalogue as an object library."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pointpng_core.errors import FileError
from pointpng_core.io import TriangleMesh, write_cloud, write_mesh
from pointpng_core.io.bags.writer import write_bag
from pointpng_core.io.object_library import ObjectModel, write_library
from pointpng_core.simulation.camera import DepthCamera
from pointpng_core.simulation.shapes.catalogue import make_object, object_names
from pointpng_core.simulation.simulator import TurntableConfig, turntable

MESH, BAG, VIEW = 'mug_mm.stl', 'drill_turning', 'mug_seen.pcd'
CAMERA = DepthCamera(width=320, height=240, fx=262.5, fy=262.5, cx=159.5, cy=119.5)
FRAMES = 24
TOPIC, FRAME, RATE_HZ = '/camera/depth/points', 'camera_optical_frame', 5.0


def write_sample(folder: Path) -> tuple[Path, Path, Path]:
    """Write a mug's mesh in millimetres, a bag of a rotating drill and a view of the mug.

    The folder is created; raises FileError if it exists.
    """
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise FileError(f'cannot make {folder}: {error.strerror}; name a new folder') from error
    mug = make_object('mug').mesh
    write_mesh(folder / MESH, TriangleMesh(vertices=1000.0 * mug.vertices, faces=mug.faces))
    write_turntable_bag(folder / BAG, 'drill', camera=CAMERA,
                        config=TurntableConfig(frames=FRAMES))
    view = next(turntable('mug', camera=CAMERA, config=TurntableConfig(seed=1, height_deg=50.0)))
    visible = view.points[(view.owner >= 0) & np.isfinite(view.points).all(axis=-1)]
    write_cloud(folder / VIEW, visible)
    return folder / MESH, folder / BAG, folder / VIEW


def write_turntable_bag(path: Path, name: str, *, camera: DepthCamera, config: TurntableConfig
                        ) -> None:
    """Write a bag of a catalogue object that rotates before a camera.

    Raises FileError, and ConfigError for a name that is not in the catalogue.
    """
    frames = turntable(name, camera=camera, config=config)
    write_bag(path, (frame.points for frame in frames), topic=TOPIC, frame_id=FRAME,
              rate_hz=RATE_HZ)


def catalogue_library(names: Sequence[str] = ()) -> list[ObjectModel]:
    """Return models of the named objects, each once (default: all); raises ConfigError."""
    models = []
    for name in dict.fromkeys(names or object_names()):
        item = make_object(name)
        models.append(ObjectModel(name=name, model=item.mesh, symmetry=item.symmetry,
                                  path=Path(f'{name}.ply')))
    return models


def write_catalogue(folder: str | Path, names: Sequence[str] = ()) -> list[ObjectModel]:
    """Write them as `folder/objects.yaml` and meshes; raises LibraryError or FileError."""
    models = catalogue_library(names)
    write_library(folder, models)
    return models
