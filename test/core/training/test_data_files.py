"""Folders of meshes and clouds, and recorded bags, whole and truncated."""

import os
from pathlib import Path

from helpers.bags import KINDS, TOPIC, write_bag
from helpers.scenes import SHAPE, box, camera, cylinder, see, table
import numpy as np
import pytest

from pointpng_core.errors import ConfigError, FileError
from pointpng_core.geometry.clouds import diameter_m
from pointpng_core.io import TriangleMesh, write_cloud, write_mesh
from pointpng_core.segmentation import SegmenterConfig, segment_scene
from pointpng_core.training.data import SourceConfig, load_sources

DATA = Path(os.environ.get('POINTPNG_DATA', Path(__file__).parents[4] / 'shared' / 'data'))


def load(path, *, pool=64, seed=0, reports=None, cache_dir=None, progress=None, **options):
    report = reports.append if reports is not None else None
    return load_sources([SourceConfig(path=str(path), **options)], pool=pool, seed=seed,
                        cache_dir=cache_dir, report=report, progress=progress)[0]


def write_model(path, size=(1.0, 2.0, 3.0)):
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in ('.off', '.stl', '.obj'):
        vertices, faces = box(size)
        write_mesh(path, TriangleMesh(vertices=vertices, faces=faces))
    else:
        write_cloud(path, np.random.default_rng(0).uniform(-1, 1, (80, 3)) * size)


def test_modelnets_layout(tmp_path):
    for name in ('bed/train/b1.off', 'bed/test/b2.off', 'chair/train/c1.off', 'desk/test/d1.off'):
        write_model(tmp_path / name)
    (tmp_path / 'README.txt').write_text('read me')
    train, test, every = (load(tmp_path, split=split) for split in ('train', 'test', 'all'))
    assert train.names == ('b1', 'c1')
    assert test.names == ('b2', 'd1')
    assert len(every) == 4
    assert train.class_names == test.class_names == ('bed', 'chair', 'desk')
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1], [0, 2])
    assert len(train.provenance['sha256']) == 5


def test_headers_of_modelnet40_that_lack_a_line_break(tmp_path):
    write_model(tmp_path / 'whole.off')
    text = (tmp_path / 'whole.off').read_text()
    assert text.startswith('OFF\n')
    (tmp_path / 'glued.off').write_text(text.replace('OFF\n', 'OFF', 1))
    assert load(tmp_path, pool=4000).names == ('glued', 'whole')


def test_the_split_may_stand_above_the_class(tmp_path):
    for name in ('train/bed/x.ply', 'train/desk/y.stl', 'test/bed/z.xyz'):
        write_model(tmp_path / name)
    assert load(tmp_path).class_names == ('bed', 'desk')
    assert load(tmp_path, split='test').labels.tolist() == [0]


def test_plain_folders_and_single_files_have_no_class(tmp_path):
    for name in ('a.ply', 'b.npy', 'c.obj'):
        write_model(tmp_path / name)
    result = load(tmp_path)
    assert result.names == ('a', 'b', 'c')
    assert (result.labels.tolist(), result.class_names) == ([-1] * 3, ())
    assert load(tmp_path / 'c.obj').names == ('c',)
    with pytest.raises(ConfigError, match='no test split'):
        load(tmp_path, split='test')


def test_broken_files_cost_only_themselves(tmp_path):
    write_model(tmp_path / 'good.off')
    (tmp_path / 'bad.off').write_text('OFF\n3 1 0\n0 0 0\n')
    (tmp_path / 'empty.ply').write_text('')
    reports = []
    result = load(tmp_path, reports=reports)
    assert result.names == ('good',)
    assert result.provenance['left_out'] == 2
    assert '2 of 3 objects are left out' in reports[0]
    (tmp_path / 'good.off').unlink()
    with pytest.raises(FileError, match=f'{tmp_path} gives no object.*bad.off'):
        load(tmp_path)


def test_a_folder_with_nothing_in_it_is_refused(tmp_path):
    (tmp_path / 'notes.txt').write_text('nothing here')
    with pytest.raises(FileError, match=r'holds no mesh or cloud; read are \.obj'):
        load(tmp_path)


def test_a_changed_folder_is_read_again(tmp_path):
    folder, cache = tmp_path / 'models', tmp_path / 'cache'
    write_model(folder / 'a.off')
    assert len(load(folder, cache_dir=cache)) == 1
    write_model(folder / 'b.off')
    assert len(load(folder, cache_dir=cache)) == 2


SCENE = (table(), box((0.1, 0.14, 0.09), (0.02, 0.16, 0)), cylinder(0.04, 0.12, (-0.1, -0.15, 0)))


@pytest.fixture(scope='module')
def scenes():
    return [see(SCENE, camera(distance, 40), seed=seed)[0]
            for seed, distance in enumerate((0.75, 0.85, 0.95))]


def write_scene(folder, kind, scenes, **options):
    folder.mkdir(exist_ok=True)
    return write_bag(folder, kind, count=len(scenes), clouds=scenes, shape=SHAPE, **options)


@pytest.mark.parametrize('kind', KINDS)
def test_every_segment_of_a_bag_is_an_object(tmp_path, kind, scenes):
    path, storage = write_scene(tmp_path, kind, scenes, chatter=True)
    calls = []
    result = load(path, pool=512, progress=lambda *call: calls.append(call))
    assert len(result) == 6
    assert result.names[0] == f'{path.stem}/000000/0'
    assert result.provenance['single_view']
    assert result.provenance['topics'] == {path.name: TOPIC}
    assert result.provenance['clouds'] == 3
    assert (2, 3, f'clouds of {path.name}') in calls
    assert (result.points == load(storage, pool=512).points).all()
    assert (load(path, pool=512, seed=1).points != result.points).any()
    for points in result.points.numpy():
        assert 0.9 < np.linalg.norm(points[:, None] - points[None], axis=-1).max() <= 1 + 1e-5


def test_the_segments_are_those_of_the_node(tmp_path, scenes):
    path, _ = write_scene(tmp_path, 'mcap', scenes[:1])
    segments = segment_scene(scenes[0], config=SegmenterConfig(), image_shape=SHAPE).segments
    assert len(load(path)) == len(segments)
    for k, segment in enumerate(segments):
        points = load(path, pool=len(segment.points)).points[k].numpy()
        truth = (segment.points - segment.points.mean(axis=0)) / diameter_m(segment.points)
        np.testing.assert_allclose(np.sort(points, axis=0), np.sort(truth, axis=0), atol=1e-5)


def test_millimetres_are_a_matter_of_the_unit(tmp_path, scenes):
    path, _ = write_scene(tmp_path, 'mcap', [scenes[0] * 1000])
    assert len(load(path, unit='mm')) == 2
    with pytest.raises(FileError, match="no object of split 'train'"):
        load(path)


def test_several_bags_in_one_folder(tmp_path, scenes):
    write_scene(tmp_path / 'first', 'mcap', scenes[:1])
    write_scene(tmp_path / 'second', 'db3', scenes[1:])
    (tmp_path / 'second' / 'db3' / 'metadata.yaml').unlink()      # the recorder was killed
    reports = []
    result = load(tmp_path, reports=reports)
    assert len(result) == 6
    assert result.provenance['topics'] == {'mcap': TOPIC, 'db3.db3': TOPIC}
    assert reports == []


def test_a_missing_topic_answers_with_the_topics(tmp_path, scenes):
    path, _ = write_scene(tmp_path, 'mcap', scenes[:1], topics=('/a', '/b'))
    with pytest.raises(ConfigError, match=r"no PointCloud2 topic '/c'; it has: /a \(1 clouds\)"):
        load(path, topic='/c')
    with pytest.raises(ConfigError, match='choose one with topic=: /a'):
        load(path)
    assert len(load(path, topic='/b')) == 2


@pytest.mark.parametrize('kind', ['mcap', 'db3'])
def test_a_truncated_bag_gives_what_is_intact_and_says_what_is_lost(tmp_path, kind, scenes):
    path, storage = write_scene(tmp_path, kind, scenes)
    whole = load(path)
    storage.write_bytes(storage.read_bytes()[:int(storage.stat().st_size * 0.8)])
    for _ in range(2):                     # from the bag, and from the cache
        reports = []
        result = load(path, reports=reports, cache_dir=tmp_path / 'cache')
        assert 2 <= len(result) <= 4
        assert (result.points == whole.points[:len(result)]).all()
        assert 'truncated or damaged' in reports[0]
        assert f'{3 - len(result) // 2} of 3 clouds are lost' in reports[0]
        assert result.provenance['losses'] == reports


def test_clouds_that_cannot_be_read_are_counted(tmp_path, scenes):
    blind = np.full_like(scenes[0], np.nan)
    path, _ = write_scene(tmp_path, 'mcap', [scenes[0], blind, scenes[1]])
    reports = []
    assert len(load(path, reports=reports)) == 4
    assert '1 of 3 clouds cannot be used' in reports[0]
    assert 'NaN' in reports[0]
    path, _ = write_scene(tmp_path / 'blind', 'mcap', [blind])
    with pytest.raises(FileError, match=r'no object.*1 of 1 clouds cannot be used'):
        load(path)


@pytest.mark.data
def test_the_recorded_tables_give_their_objects():
    if not (DATA / 'tabletop_kinect').exists():
        pytest.skip(f'no {DATA}: set POINTPNG_DATA to the folder of the shared data sets')
    assert 50 < len(load(DATA / 'tabletop_kinect')) < 62
