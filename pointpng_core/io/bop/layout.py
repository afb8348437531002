"""Names of the folders, files and JSON keys of a BOP dataset, for reading and for writing.

The format: https://github.com/thodan/bop_toolkit/blob/master/docs/bop_datasets_format.md.
Lengths in it are millimetres, rotations and matrices are listed row by row. Industrial datasets
have several sensors, whose name follows that of the folder or file: `depth_photoneo`,
`scene_gt_photoneo.json`.
"""

from pathlib import Path

MODELS = 'models'
MODELS_INFO = 'models_info.json'
CAMERA = 'camera'
TARGETS_BOP19 = 'test_targets_bop19.json'
SPLITS = ('test', 'val', 'train')

SCENE_CAMERA = 'scene_camera'
SCENE_GT = 'scene_gt'
SCENE_GT_INFO = 'scene_gt_info'

DEPTH, RGB, GRAY = 'depth', 'rgb', 'gray'
MASK, MASK_VISIBLE = 'mask', 'mask_visib'
IMAGE_SUFFIXES = ('.png', '.tif', '.tiff', '.jpg', '.jpeg')

# scene_camera.json: {image id: {...}}; camera.json has the intrinsics one by one
CAM_K = 'cam_K'
DEPTH_SCALE = 'depth_scale'

# scene_gt.json: {image id: [{...}, ...]}
OBJECT_ID = 'obj_id'
CAM_R_M2C, CAM_T_M2C = 'cam_R_m2c', 'cam_t_m2c'

# scene_gt_info.json: {image id: [{...}, ...]}, in the order of scene_gt.json
VISIBLE_FRACTION = 'visib_fract'
PIXELS_VISIBLE, PIXELS_ALL, PIXELS_VALID = 'px_count_visib', 'px_count_all', 'px_count_valid'
BOX_OBJECT, BOX_VISIBLE = 'bbox_obj', 'bbox_visib'

# models_info.json: {object id: {...}}
NAME = 'name'
DIAMETER = 'diameter'
MINIMA, SIZES = ('min_x', 'min_y', 'min_z'), ('size_x', 'size_y', 'size_z')
SYMMETRIES_DISCRETE, SYMMETRIES_CONTINUOUS = 'symmetries_discrete', 'symmetries_continuous'
AXIS, OFFSET = 'axis', 'offset'

# test_targets_bop19.json: [{...}, ...], with OBJECT_ID
SCENE_ID, IMAGE_ID, INSTANCE_COUNT = 'scene_id', 'im_id', 'inst_count'


def model_file(object_id: int) -> str:
    """Return the name of the mesh of an object."""
    return f'{object_name(object_id)}.ply'


def object_name(object_id: int) -> str:
    """Return the name of an object that has no other."""
    return f'obj_{object_id:06d}'


def scene_folder(scene_id: int) -> str:
    """Return the name of the folder of a scene."""
    return f'{scene_id:06d}'


def image_stem(image_id: int) -> str:
    """Return the name of an image without its suffix."""
    return f'{image_id:06d}'


def mask_stem(image_id: int, instance: int) -> str:
    """Return the name of the mask of an instance, counted from 0, without its suffix."""
    return f'{image_id:06d}_{instance:06d}'


def of_sensor(name: str, sensor: str | None) -> str:
    """Return the name of a folder, or of a file without its suffix, for one of the sensors."""
    return f'{name}_{sensor}' if sensor else name


def scene_file(scene: Path, name: str, sensor: str | None = None) -> Path:
    """Return the path of SCENE_CAMERA, SCENE_GT or SCENE_GT_INFO of a scene's folder."""
    return scene / f'{of_sensor(name, sensor)}.json'


def find_image(folder: Path, stem: str) -> Path | None:
    """Return the file of a name without its suffix; None where there is no such file."""
    return next((path for path in (folder / f'{stem}{suffix}' for suffix in IMAGE_SUFFIXES)
                 if path.is_file()), None)
