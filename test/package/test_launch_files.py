"""The launch files with fakes of `launch`: nodes, parameters, names, and what is refused."""

from itertools import cycle

from helpers import launch_fakes
from helpers.launch_fakes import LAUNCH, ROOT, described, started
import pytest
import yaml

from pointpng_ros.parameters.node_config import INPUTS, REFERENCES, NodeConfig

CONFIG = ROOT / 'config'
NAV2_ARGUMENTS = {'params_file', 'namespace', 'use_sim_time', 'log_level'}


@pytest.fixture(autouse=True)
def _launch(monkeypatch):
    launch_fakes.install(monkeypatch)


def one_camera(**given):
    description = described(str(LAUNCH / 'pose_estimator.launch.py'))
    return {node['executable']: node for node in started(description, **given)}


def parameters(**given):
    return one_camera(**given)['pose_estimator']['parameters'][1]


def two_cameras(**given):
    return list(started(described(str(LAUNCH / 'two_cameras.launch.py')), **given))


@pytest.mark.parametrize('name', ['pose_estimator', 'two_cameras'])
def test_arguments_are_described(name):
    arguments = described(str(LAUNCH / f'{name}.launch.py')).get_launch_arguments()
    assert len({argument.name for argument in arguments}) == len(arguments)
    for argument in arguments:
        assert argument.kwargs['description'].endswith('.'), argument.name


def test_arguments_are_those_of_nav2_and_of_the_node():
    names = {argument.name for argument
             in described(str(LAUNCH / 'pose_estimator.launch.py')).get_launch_arguments()}
    assert names == NAV2_ARGUMENTS | {
        'input', 'cloud_topic', 'depth_topic', 'sensor_frame', 'objects', 'reference',
        'reference_topic', 'model', 'device',
        'target_frame', 'publish_tf', 'frame_prefix', 'respawn', 'respawn_delay', 'camera_frame',
        'camera_pose', 'bag', 'rviz', 'fixed_frame'}


def test_defaults_start_the_node_alone_and_leave_params_file_its_say():
    nodes = one_camera()
    assert list(nodes) == ['pose_estimator']
    params_file, given = nodes['pose_estimator']['parameters']
    assert params_file == str(CONFIG / 'pose_estimator.yaml')
    assert given == {'use_sim_time': False}
    assert nodes['pose_estimator']['respawn'] is False


def test_arguments_reach_the_nodes(tmp_path):
    nodes = one_camera(cloud_topic='/points', objects=str(tmp_path), publish_tf='true',
                       bag=str(tmp_path), rviz='True', namespace='robot', device='cuda',
                       model='7', reference='previous_frame', respawn='1', respawn_delay='0.5')
    assert nodes['pose_estimator']['parameters'][1] == {
        'input': 'cloud', 'cloud_topic': '/points', 'objects': str(tmp_path), 'device': 'cuda',
        'publish_tf': True, 'model': '7', 'reference': 'previous_frame', 'use_sim_time': False}
    assert nodes['pose_estimator']['respawn'] is True
    assert nodes['pose_estimator']['respawn_delay'] == 0.5
    assert nodes['play']['arguments'] == [str(tmp_path), '--wait', '30', '--as', '/points']
    assert {node['namespace'] for node in nodes.values()} == {'robot'}


@pytest.mark.parametrize(('given', 'profile'), [
    ('', str(CONFIG / 'fastdds_large_clouds.xml')), ('/mine.xml', '/mine.xml')])
def test_player_has_shared_memory_for_clouds_unless_set_otherwise(
        tmp_path, monkeypatch, given, profile):
    monkeypatch.delenv('FASTRTPS_DEFAULT_PROFILES_FILE', raising=False)
    if given:
        monkeypatch.setenv('FASTRTPS_DEFAULT_PROFILES_FILE', given)
    player = one_camera(bag=str(tmp_path))['play']
    assert player['additional_env'] == {'FASTRTPS_DEFAULT_PROFILES_FILE': profile}


def test_rviz_shows_the_topics_and_the_frame_of_this_launch():
    rviz = one_camera(rviz='true', cloud_topic='/points', namespace='robot', target_frame='base')
    rviz = rviz['rviz2']
    assert rviz['arguments'] == ['-d', str(CONFIG / 'pose_estimator.rviz'), '-f', 'base']
    assert ('/camera/depth/points', '/points') in rviz['remappings']
    assert ('/pointpng/markers', 'pointpng/markers') in rviz['remappings']
    assert one_camera(rviz='true')['rviz2']['arguments'][2:] == []


def test_of_several_cameras_the_first_is_played_and_shown(tmp_path):
    nodes = one_camera(cloud_topic='/l, /r', bag=str(tmp_path), rviz='1')
    assert nodes['pose_estimator']['parameters'][1]['cloud_topic'] == '/l, /r'
    assert nodes['play']['arguments'][-1] == '/l'
    assert ('/camera/depth/points', '/l') in nodes['rviz2']['remappings']


def test_camera_pose_becomes_a_static_transform():
    node = one_camera(camera_pose='1 0 .5 0 0 1.57', camera_frame='lens', target_frame='base')
    assert node['static_transform_publisher']['arguments'] == [
        '--x', '1.0', '--y', '0.0', '--z', '0.5', '--roll', '0.0', '--pitch', '0.0',
        '--yaw', '1.57', '--frame-id', 'base', '--child-frame-id', 'lens']


@pytest.mark.parametrize(('argument', 'value', 'advice'), [
    ('rviz', 'maybe', 'give true or false'), ('respawn', '', 'give true or false'),
    ('publish_tf', 'on', 'give true or false'), ('use_sim_time', 'sim', 'give true or false'),
    ('respawn_delay', '-1', 'seconds, 0 or more'), ('respawn_delay', 'nan', 'seconds'),
    ('respawn_delay', 'soon', 'seconds'), ('log_level', 'loud', 'debug, info, warn'),
    ('reference', 'mug', 'previous_frame'), ('input', 'image', 'cloud, depth'),
    ('objects', '/nowhere', 'does not exist'),
    ('bag', '/nowhere', 'does not exist'), ('params_file', '/nowhere', 'does not exist'),
    ('namespace', 'a b', 'letters, digits'), ('namespace', '7up', 'letters, digits'),
    ('namespace', 'caméra', 'letters, digits'),
    ('camera_pose', '1 2 3', 'six numbers'), ('camera_pose', '0 0 0 0 0 inf', 'six numbers'),
    ('camera_pose', '1 2 3 0 0 0', 'camera_frame')])
def test_bad_values_are_refused_with_name_value_and_advice(argument, value, advice):
    with pytest.raises(ValueError, match=f'{argument}:=.*{value}.*{advice}'):
        one_camera(**{argument: value})


@pytest.mark.parametrize(('kind', 'words', 'default'), [
    ('cloud', ['--as'], NodeConfig().cloud_topic),
    ('depth', ['--depth', '--as'], NodeConfig().depth_topic)])
@pytest.mark.parametrize('topic', ['', '/a, /b'])
def test_the_node_listens_where_the_bag_is_played(tmp_path, kind, words, default, topic):
    given = {'bag': str(tmp_path), 'input': kind, f'{kind}_topic': topic}
    played = topic[:2] or default
    assert one_camera(**given)['play']['arguments'] == [str(tmp_path), '--wait', '30', *words,
                                                        played]
    assert parameters(**given)['input'] == kind
    assert parameters(**given)[f'{kind}_topic'] == topic or default


def test_names_and_choices_are_those_of_the_node():
    texts = ('cloud_topic', 'depth_topic', 'sensor_frame', 'reference_topic', 'model', 'device',
             'target_frame', 'frame_prefix')
    for choice, kind in zip(REFERENCES, cycle(INPUTS)):
        given = parameters(reference=choice, input=kind, publish_tf='1',
                           **dict.fromkeys(texts, 'x'))
        assert given.pop('use_sim_time') is False
        NodeConfig(**given)


@pytest.mark.parametrize('space', ['', '/', 'robot', '/robot', '/robot/left_1'])
def test_namespaces_as_ros_takes_them_are_accepted(space):
    assert one_camera(namespace=space)['pose_estimator']['namespace'] == space


def test_home_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    assert parameters(objects='~')['objects'] == str(tmp_path)


def test_two_cameras_have_a_node_each_that_share_all_else(tmp_path):
    nodes = two_cameras(camera_1='left', cloud_topic_1='/l', cloud_topic_2='/r', device='cuda',
                        objects=str(tmp_path), target_frame='base', camera_frame_2='lens',
                        depth_topic_2='/d', sensor_frame_2='eye', camera_pose_2='0 0 1 0 0 0')
    left, right, transform = nodes
    assert (left['namespace'], right['namespace']) == ('left', 'camera_2')
    shared = {'device': 'cuda', 'objects': str(tmp_path), 'target_frame': 'base',
              'use_sim_time': False}
    assert left['parameters'][1] == {'cloud_topic': '/l', 'frame_prefix': 'left_',
                                     'depth_topic': '/camera_1/depth/image_raw', **shared}
    assert right['parameters'][1] == {'cloud_topic': '/r', 'frame_prefix': 'camera_2_',
                                      'depth_topic': '/d', 'sensor_frame': 'eye', **shared}
    assert transform['namespace'] == 'camera_2'
    assert transform['arguments'][-1] == 'lens'


@pytest.mark.parametrize('name', ['camera_2', '', '/camera_2/'])
def test_two_cameras_in_one_namespace_are_refused(name):
    with pytest.raises(ValueError, match='two different names'):
        two_cameras(camera_1=name)


def test_rviz_of_two_cameras_shows_both():
    *_, rviz = two_cameras(rviz='true', camera_1='left', cloud_topic_1='/l', fixed_frame='map')
    assert dict(rviz['remappings']) == {
        '/camera_1/depth/points': '/l', '/camera_2/depth/points': '/camera_2/depth/points',
        '/camera_1/pointpng/markers': '/left/pointpng/markers',
        '/camera_2/pointpng/markers': '/camera_2/pointpng/markers'}
    assert rviz['arguments'][2:] == ['-f', 'map']
    shown = yaml.safe_load((CONFIG / 'two_cameras.rviz').read_text())['Visualization Manager']
    topics = {display['Topic']['Value'] for display in shown['Displays'] if 'Topic' in display}
    assert topics == dict(rviz['remappings']).keys()
