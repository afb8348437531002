"""The commands that need ROS: help, arguments that pass through, and what is missing."""

import subprocess
import sys
import types

import pytest

from pointpng_ros import cli


def run(capsys, *words):
    try:
        code = cli.main(words)
    except SystemExit as stop:
        code = stop.code
    return code, *capsys.readouterr()


@pytest.fixture
def entry_points(monkeypatch):
    """Replace the modules behind the ROS commands; returns the arguments each was called with."""
    called = {}
    for name, (module, _) in cli.ROS_COMMANDS.items():
        def entry(args, name=name):
            called[name] = args
            return 7
        monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(main=entry))
    monkeypatch.setattr(cli.importlib.util, 'find_spec', lambda name: True)
    monkeypatch.setattr(cli.importlib, 'import_module', lambda name: sys.modules[name])
    return called


@pytest.mark.parametrize('command', ['sim', 'play', 'demo', 'endurance'])
def test_arguments_pass_through_untouched(entry_points, command):
    words = ['BAG', '--help', '--rate', '2', '--ros-args', '-p', 'x:=1', '-r', 'a:=b']
    assert cli.main([command, *words]) == 7
    assert entry_points == {command: words}


def test_run_maps_friendly_options_to_parameters(entry_points):
    cli.main(['run', '--cloud-topic', '/points', '--objects', '7', '--params-file', 'p.yaml',
              '--ros-args', '-p', 'device:=cuda'])
    assert entry_points['run'] == [
        '--ros-args', '-p', 'device:=cuda', '--ros-args', '--params-file', 'p.yaml',
        '-p', 'cloud_topic:="/points"', '-p', 'objects:="7"']
    cli.main(['run', '--depth-topic', '/depth/image'])
    assert entry_points['run'] == [
        '--ros-args', '-p', 'depth_topic:="/depth/image"', '-p', 'input:="depth"']
    cli.main(['run'])
    assert entry_points['run'] == []


@pytest.mark.parametrize('value', ['/camera/points', '7', 'true', 'a b: c', "it's", 'älg "x"'])
def test_ros_reads_the_mapped_values_as_the_same_text(value):
    rclpy = pytest.importorskip('rclpy')
    context = rclpy.Context()
    rclpy.init(args=cli.node_arguments(['--objects', value]), context=context)
    node = rclpy.create_node('reader', context=context)
    try:
        assert node.declare_parameter('objects', '').value == value
    finally:
        node.destroy_node()
        rclpy.try_shutdown(context=context)


@pytest.mark.parametrize('command', ['run', 'sim', 'play', 'demo', 'endurance'])
def test_without_ros_the_commands_say_how_to_get_it(capsys, monkeypatch, command):
    monkeypatch.setattr(cli.importlib.util, 'find_spec', lambda name: None)
    code, _, err = run(capsys, command)
    assert code == 2
    assert "pip install 'pointpng_ros[ros]'" in err


def test_help_lists_the_commands_of_both_packages(capsys):
    for words in ([], ['--help']):
        code, out, err = run(capsys, *words)
        assert (code, err) == (0, '')
        assert all(f'\n    {command}' in out for command in (*cli.ROS_COMMANDS, 'estimate'))
    code, out, err = run(capsys, 'run', '--help')
    assert (code, err) == (0, '')
    assert 'usage: pointpng run' in out


@pytest.mark.parametrize('module', [
    'nodes.pose_estimator', 'nodes.bag_player', 'nodes.sim_camera', 'picking.picker'])
def test_nodes_load_torch_only_to_pose_objects(module):
    program = (f'import sys, pointpng_ros.{module}; sys.exit("torch" in sys.modules)')
    assert subprocess.run([sys.executable, '-c', program], check=False).returncode == 0


def test_help_imports_no_ros():
    program = ('import sys; from pointpng_ros import cli; cli.main([]);'
               'sys.exit(bool({"torch", "open3d", "rclpy"} & set(sys.modules)))')
    assert subprocess.run([sys.executable, '-c', program], capture_output=True,
                          check=False).returncode == 0


def test_missing_ros_packages_are_named(capsys, monkeypatch):
    def fail(name):
        raise ModuleNotFoundError("No module named 'sensor_msgs.msg'", name='sensor_msgs.msg')
    monkeypatch.setattr(cli.importlib.util, 'find_spec', lambda name: True)
    monkeypatch.setattr(cli.importlib, 'import_module', fail)
    code, _, err = run(capsys, 'demo')
    assert code == 2
    assert "No module named 'sensor_msgs.msg'" in err
    assert "pip install 'pointpng_ros[ros]'" in err


def test_the_help_of_the_simulated_camera_has_its_own_name_and_lists_the_scenes(capsys):
    code, out, _ = run(capsys, 'sim', '--help')
    assert (code, out.startswith('usage: pointpng sim ')) == (0, True)
    assert 'Scenes: tabletop, clutter.' in out
