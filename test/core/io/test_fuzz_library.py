"""Mutated object libraries, edits of them, and camera files: right, or an error of the package."""

import json
from pathlib import Path

from helpers.fuzzing import each_size, file_reader, fuzz
from helpers.mutations import mutated
from helpers.objects import boxes, whole
import numpy as np

from pointpng_core.io import read_camera, write_cloud, write_mesh
from pointpng_core.io.object_library import load_library
from pointpng_core.reference.library.yaml_edit import entries_in, with_entry

LIBRARY = b"""# the cell's objects
objects:
  - {name: mug, file: mug.ply, unit: m}   # the good mug
  - name: can
    file: sub/can.stl
    unit: mm
    symmetry:
      - {axis: [0, 0, 1], order: continuous}
      - axis: [1, 0, 0]
        order: 2
        point: [0, 0, 0.06]
"""
FLOW = b'objects: [{name: a, file: mug.ply, symmetry: none}, {name: b, file: mug.ply}]\n'
WORDS = (b'&a ', b'*a', b'<<: *a', b'../', b'/etc/passwd', b'link.ply', b'pipe.ply', b'objects:\n',
         b'  - {name: x, file: mug.ply}\n', b'!!int ', b'[', b'{', b'auto', b'none', b'spherical',
         b'9' * 5000, b'x' * 300, b'\x1b[31m', b'\n---\n', b'in', b'cm', b'~', b'.nan')
NEW = {'name': 'new', 'file': 'new.ply', 'unit': 'm', 'symmetry': 'auto'}


@each_size
def test_libraries(inputs, tmp_path):
    (tmp_path / 'sub').mkdir()
    write_cloud(tmp_path / 'mug.ply', whole('mug', 100))
    write_mesh(tmp_path / 'sub' / 'can.stl', boxes(((0, 0, 0), (60, 60, 100))))
    (tmp_path / 'link.ply').symlink_to('mug.ply')

    def read(data):
        (tmp_path / 'objects.yaml').write_bytes(data)
        models = load_library(tmp_path)
        assert models
        for model in models:
            assert model.path.resolve().is_relative_to(tmp_path)
            assert not model.path.is_symlink()
            assert np.isfinite(model.points).all()
            assert 1e-3 <= np.ptp(model.points, axis=0).max() <= 10.0
            if model.symmetry:
                assert np.isfinite(model.symmetry.transforms()).all()

    fuzz(read, mutated([LIBRARY, FLOW], tokens=WORDS), inputs=inputs, valid=2,
         name='objects.yaml').check()


@each_size
def test_edits_of_libraries(inputs):
    def read(data):
        text = data.decode('latin-1')
        before = entries_in(text, where='objects.yaml')
        after = entries_in(with_entry(text, NEW, where='objects.yaml'), where='objects.yaml')
        names = [entry.get('name') if isinstance(entry, dict) else None for entry in before]
        row = names.index('new') if 'new' in names else len(before)
        assert repr(after) == repr([*before[:row], NEW, *before[row + 1:]])

    fuzz(read, mutated([LIBRARY, FLOW], tokens=(*WORDS, b'name: new', b'# ')), inputs=inputs,
         valid=2, name='edited objects.yaml').check()


CAMERAS = [json.dumps(each).encode() for each in (
    {'fx': 575.0, 'fy': 575.0, 'cx': 320.0, 'cy': 240.0, 'width': 640, 'height': 480,
     'depth_scale': 0.1},
    {'width': 640, 'height': 480, 'intrinsic_matrix': [575, 0, 0, 0, 575, 0, 320, 240, 1]})]
CAMERA_YAML = [b'k: [575, 0, 320, 0, 575, 240, 0, 0, 1]\nd: [0, 0, 0, 0, 0]\nwidth: 640\n'
               b'height: 480\ndistortion_model: plumb_bob\nroi: {width: 0, height: 0}\n---\n']


def read_camera_file(path: Path):
    camera = read_camera(path, image_shape=(480, 640)).camera
    assert camera.image_shape == (480, 640)
    assert np.isfinite([camera.fx, camera.fy, camera.cx, camera.cy]).all()
    assert min(camera.fx, camera.fy) > 0


@each_size
def test_cameras(inputs):
    words = (b'"k":', b'"K":', b'1e999', b'NaN', b'null', b'[', b'{', b'9' * 5000, b'"0":')
    fuzz(file_reader(read_camera_file, 'camera.json'), mutated(CAMERAS, tokens=words),
         inputs=inputs, valid=len(CAMERAS), name='camera.json').check()
    fuzz(file_reader(read_camera_file, 'camera.yaml'), mutated(CAMERA_YAML, tokens=WORDS),
         inputs=inputs, name='camera.yaml').check()


