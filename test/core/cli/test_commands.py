"""`pointpng estimate` from files to JSON, with the real estimator."""

import json

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.cli import main as cli
from pointpng_core.io import TriangleMesh, sample_surface, write_cloud, write_mesh

# An asymmetric bracket of three boxes: centre and size of each, in metres.
BOXES = [((0, 0, 0), (0.10, 0.03, 0.02)), ((0.04, 0, 0.04), (0.02, 0.03, 0.06)),
         ((-0.04, 0.03, 0), (0.02, 0.05, 0.02))]
CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
FACES = np.array([[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7],
                  [2, 7, 6], [0, 2, 6], [0, 6, 4], [1, 5, 7], [1, 7, 3]])


@pytest.fixture(scope='module')
def bracket():
    vertices = [CORNERS * size + centre for centre, size in BOXES]
    return TriangleMesh(vertices=np.concatenate(vertices),
                        faces=np.concatenate([FACES + 8 * i for i in range(len(BOXES))]))


def test_estimate_finds_the_pose_between_a_millimetre_mesh_and_a_cloud(tmp_path, bracket, capsys):
    rotation = Rotation.from_euler('xyz', [20, 130, -50], degrees=True)
    translation = np.array([0.05, -0.02, 0.7])
    millimetres = TriangleMesh(vertices=bracket.vertices * 1000, faces=bracket.faces)
    write_mesh(tmp_path / 'bracket.stl', millimetres)
    seen = rotation.apply(sample_surface(bracket, 2000, seed=3)[0]) + translation
    write_cloud(tmp_path / 'seen.pcd', np.concatenate([seen, np.full((5, 3), np.nan)]))
    code = cli.main(['estimate', str(tmp_path / 'bracket.stl'), str(tmp_path / 'seen.pcd'),
                     '--unit-reference', 'mm', '--json', str(tmp_path / 'pose.json')])
    assert code == 0
    assert 'quaternion (xyzw)' in capsys.readouterr().out
    pose = json.loads((tmp_path / 'pose.json').read_text())
    assert set(pose) == {
        'reference', 'observation', 'model', 'T_observation_reference', 'translation_m',
        'quaternion_xyzw', 'score', 'residual_m', 'inlier_share', 'confidence',
        'ambiguous', 'symmetric', 'runners_up', 'reference_ms', 'stage_ms', 'warnings'}
    assert pose['warnings'] == []
    assert pose['model'] == 'training_free'
    error = (Rotation.from_quat(pose['quaternion_xyzw']).inv() * rotation).magnitude()
    assert np.degrees(error) < 2
    np.testing.assert_allclose(pose['translation_m'], translation, atol=0.002)
    np.testing.assert_allclose(np.array(pose['T_observation_reference'])[:3, 3],
                               pose['translation_m'])


@pytest.mark.parametrize(('name', 'value', 'message'), [
    ('--device', 'warp', 'warp'), ('--config', 'gone.yaml', 'cannot read gone.yaml'),
    ('--model', 'training_fre', "did you mean 'training_free'?")])
def test_estimate_refuses_what_it_cannot_use(tmp_path, bracket, capsys, name, value, message):
    write_mesh(tmp_path / 'bracket.ply', bracket)
    path = str(tmp_path / 'bracket.ply')
    assert cli.main(['estimate', path, path, name, value]) == 2
    assert message in capsys.readouterr().err


def test_a_cloud_that_fixes_no_pose_is_refused(tmp_path, bracket, capsys):
    write_mesh(tmp_path / 'bracket.ply', bracket)
    write_cloud(tmp_path / 'two.xyz', np.array([[0, 0, 0.5], [0.01, 0, 0.5]]))
    assert cli.main(['estimate', str(tmp_path / 'bracket.ply'), str(tmp_path / 'two.xyz')]) == 2
    assert 'pointpng: error: ' in capsys.readouterr().err
