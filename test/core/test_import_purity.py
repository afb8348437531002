"""The border: `pointpng_core` works without ROS and never imports `pointpng_ros`."""

import ast
from pathlib import Path
import pkgutil
import subprocess
import sys

import pointpng_core

CORE = Path(pointpng_core.__file__).parent
BLOCKED = (
    'rclpy', 'rcl_interfaces', 'rosidl_runtime_py', 'ament_index_python', 'builtin_interfaces',
    'sensor_msgs', 'sensor_msgs_py', 'geometry_msgs', 'std_msgs', 'std_srvs', 'diagnostic_msgs',
    'visualization_msgs', 'vision_msgs', 'tf2_ros', 'tf2_msgs', 'tf_transformations', 'nav_msgs',
    'launch', 'launch_ros', 'pointpng_ros')
PROGRAM = f"""
import importlib, sys

class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split('.')[0] in {BLOCKED!r}:
            raise ImportError('ROS is blocked here: ' + name)

sys.meta_path.insert(0, Block())
for name in sys.argv[1:]:
    importlib.import_module(name)
assert not set({BLOCKED!r}) & set(sys.modules)
"""


def module_names():
    return ['pointpng_core'] + [
        module.name for module in pkgutil.walk_packages([str(CORE)], 'pointpng_core.')]


def imported_names(path):
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f'{path}: relative import'
            yield node.module


def test_every_core_module_imports_with_ros_blocked():
    names = module_names()
    assert 'pointpng_core.geometry' in names
    done = subprocess.run([sys.executable, '-c', PROGRAM, *names], capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr


def test_no_core_source_names_ros_even_inside_functions():
    for path in CORE.rglob('*.py'):
        roots = {name.split('.')[0] for name in imported_names(path)}
        assert not roots & set(BLOCKED), path


def test_no_core_test_names_ros():
    for path in Path(__file__).parent.rglob('*.py'):
        roots = {name.split('.')[0] for name in imported_names(path)}
        assert not roots & set(BLOCKED), path
