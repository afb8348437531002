"""The results file: what is written is what the format says, and is read back."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.io.bop import BopResult, read_results, results_name, write_results

HEADER = 'scene_id,im_id,obj_id,score,R,t,time'
LINE = '1,2,3,0.5,0 -1 0 1 0 0 0 0 1,10.5 -20 600,0.25'


def result(seed=0, **more):
    rng = np.random.default_rng(seed)
    T = np.eye(4)
    T[:3, :3], T[:3, 3] = Rotation.random(rng=rng).as_matrix(), rng.normal(size=3)
    return BopResult(**{'scene_id': 48, 'image_id': 7, 'object_id': 2, 'score': rng.random(),
                        'T_camera_object': T, **more})


def test_a_line_of_the_format_is_understood(tmp_path):
    (tmp_path / 'r.csv').write_text(f'{HEADER}\n{LINE}\n')
    (read,) = read_results(tmp_path / 'r.csv')
    assert (read.scene_id, read.image_id, read.object_id) == (1, 2, 3)
    assert (read.score, read.time_s) == (0.5, 0.25)
    np.testing.assert_allclose(read.T_camera_object, [
        [0, -1, 0, 0.0105], [1, 0, 0, -0.02], [0, 0, 1, 0.6], [0, 0, 0, 1]], atol=1e-15)


def test_results_are_written_in_the_format_and_read_back(tmp_path):
    written = [result(), result(1, time_s=0.125)]
    write_results(tmp_path / 'r.csv', written)
    lines = (tmp_path / 'r.csv').read_text().splitlines()
    assert lines[0] == HEADER
    assert len(lines) == 3
    ids, rotation, translation, time = lines[1].split(',')[:3], *lines[1].split(',')[4:]
    T = written[0].T_camera_object
    assert ids == ['48', '7', '2']
    assert time == '-1.0'
    assert [float(x) for x in rotation.split(' ')] == T[:3, :3].reshape(-1).tolist()
    np.testing.assert_allclose([float(x) for x in translation.split(' ')], 1000 * T[:3, 3])
    for before, after in zip(written, read_results(tmp_path / 'r.csv')):
        np.testing.assert_allclose(after.T_camera_object, before.T_camera_object, atol=1e-12)
        assert (after.score, after.time_s) == (before.score, before.time_s)


def test_no_estimate_is_a_file_too(tmp_path):
    write_results(tmp_path / 'r.csv', [])
    assert read_results(tmp_path / 'r.csv') == []


@pytest.mark.parametrize(('line', 'word'), [
    (LINE + ',1', '8 values'),
    (LINE.replace('1,2', 'one,2', 1), 'one'),
    (LINE.replace('0 -1 0 1', '0 -1 0'), 'reshape'),
    (LINE.replace('600', 'nan'), 'finite'),
    (LINE.replace('0 -1 0 1', '0 -2 0 1'), 'not a rotation'),
])
def test_a_broken_line_is_named(tmp_path, line, word):
    (tmp_path / 'r.csv').write_text(f'{HEADER}\n{LINE}\n{line}\n')
    with pytest.raises(FileError, match=rf'line 3.*{word}'):
        read_results(tmp_path / 'r.csv')


def test_another_file_is_refused(tmp_path):
    with pytest.raises(FileError, match='cannot read'):
        read_results(tmp_path / 'r.csv')
    (tmp_path / 'r.csv').write_text('a,b\n1,2\n')
    with pytest.raises(FileError, match='first line must be scene_id'):
        read_results(tmp_path / 'r.csv')
    (tmp_path / 'r.csv').write_bytes(b'\xff\xfe')
    with pytest.raises(FileError, match='cannot read'):
        read_results(tmp_path / 'r.csv')


def test_the_name_tells_method_dataset_and_split():
    assert results_name('point-png', 'ycbv', 'test') == 'point-png_ycbv-test.csv'
    assert results_name('ours', 'tless', 'test_primesense') == 'ours_tless-test-primesense.csv'


@pytest.mark.parametrize('parts', [('a_b', 'ycbv', 'test'), ('a.b', 'ycbv', 'test'),
                                   ('a', 'my-data', 'test'), ('a', '', 'test'),
                                   ('../a', 'ycbv', 'test')])
def test_names_that_the_toolkit_would_split_otherwise_are_refused(parts):
    with pytest.raises(ConfigError, match='METHOD_DATASET-SPLIT'):
        results_name(*parts)
