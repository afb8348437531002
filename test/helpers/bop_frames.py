"""A rendered dataset in BOP layout, of catalogue objects on a table; answers made up for it."""

import numpy as np
from scipy.spatial.distance import pdist

from helpers.bop import write_depth, write_json
from helpers.tracking import CAMERA, T_CAMERA_WORLD, TABLE, body, standing
from pointpng_core.evaluation.frames.answer import ACCEPTED, Answer, Prediction
from pointpng_core.geometry.meshes import TriangleMesh
from pointpng_core.io import write_mesh
from pointpng_core.simulation.rendering import render
from pointpng_core.simulation.shapes.catalogue import make_object

NAMES = {1: 'drill', 2: 'mug', 3: 'bracket'}
FRAMES = {(1, 0): [(1, -0.2, 0.05, 60), (2, 0.2, 0.0, 200)],
          (1, 5): [(2, -0.15, 0.0, 20), (3, 0.1, 0.1, 80), (2, 0.25, -0.05, 100)],
          (2, 0): [(1, 0.0, 0.0, 300)]}
"""By scene and image: the objects' ids, where they stand on the table, and degrees."""
WITHOUT_TRUTH = (2, 0)


def write_frames(folder):
    """Write models and scenes; the only frame of scene 2 has no truth. Returns the folder."""
    infos = {}
    (folder / 'models').mkdir(parents=True)
    for object_id, name in NAMES.items():
        mesh = make_object(name).mesh
        write_mesh(folder / 'models' / f'obj_{object_id:06d}.ply', TriangleMesh(
            vertices=mesh.vertices * np.float32(1000), faces=mesh.faces))
        infos[str(object_id)] = {'name': name, 'diameter': 1000 * float(pdist(
            body(name).hull).max())}
    write_json(folder / 'models' / 'models_info.json', infos)
    for scene_id in {scene_id for scene_id, _ in FRAMES}:
        _write_scene(folder / 'test' / f'{scene_id:06d}', scene_id)
    return folder


def _write_scene(folder, scene_id):
    cameras, truth, info = {}, {}, {}
    for (scene, image), placed in FRAMES.items():
        if scene != scene_id:
            continue
        poses = [T_CAMERA_WORLD @ standing(NAMES[number], x, y, degrees)[1]
                 for number, x, y, degrees in placed]
        drawn = render(CAMERA, [body(NAMES[number]) for number, *_ in placed], np.stack(poses),
                       TABLE, T_CAMERA_WORLD)
        depth = np.where(np.isfinite(drawn.depth_m), drawn.depth_m, 0) * 1e4
        write_depth(folder / 'depth' / f'{image:06d}.png', np.rint(depth))
        cameras[str(image)] = {'cam_K': [CAMERA.fx, 0, CAMERA.cx, 0, CAMERA.fy, CAMERA.cy, 0, 0,
                                         1], 'depth_scale': 0.1}
        known = (scene, image) != WITHOUT_TRUTH
        truth[str(image)] = [{'obj_id': number, 'cam_R_m2c': T[:3, :3].reshape(-1).tolist(),
                              'cam_t_m2c': (1000 * T[:3, 3]).tolist()}
                             for (number, *_), T in zip(placed, poses)] if known else []
        info[str(image)] = [{'visib_fract': float(share)}
                            for share in drawn.visible_share] if known else []
        for index in range(len(truth[str(image)])):
            write_depth(folder / 'mask_visib' / f'{image:06d}_{index:06d}.png',
                        255 * (drawn.owner == index), bits=8)
    for name, content in (('camera', cameras), ('gt', truth), ('gt_info', info)):
        write_json(folder / f'scene_{name}.json', content)


def prediction(label, T, confidence=0.9, outcome=ACCEPTED, rows=()):
    """A prediction; `rows` are those of its segment."""
    return Prediction(label=label, T_camera_object=T, confidence=confidence, outcome=outcome,
                      rows=np.array(rows, dtype=np.int64))


def answer(*predictions, others=()):
    """An answer that took one millisecond."""
    return Answer(predictions=predictions, stage_ms={'total': 1.0},
                  other_segments=tuple(np.array(rows, dtype=np.int64) for rows in others))
