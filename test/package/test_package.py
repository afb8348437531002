"""The package as it is built and installed: versions, entry points, data files."""

import ast
from glob import glob
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile

import pytest
import yaml

import pointpng_core
from pointpng_core.cli import main as cli
from pointpng_core.cli.command import ForwardedCommand
from pointpng_core.io import system_libraries

ROOT = Path(__file__).resolve().parents[2]
PACKAGE_XML = ElementTree.parse(ROOT / 'package.xml').getroot()
RUNTIME_EXTRAS = ('demo', 'train', 'parquet', 'cluster', 'bench', 'sim')
"""Extras whose packages commands import; the others are for developers, or of ROS."""
NO_ROSDEP_KEY = {'python3-coacd', 'python3-cv2', 'python3-mujoco', 'python3-pyarrow',
                 'python3-ray'}
IMPORT_NAMES = {'pyyaml': 'yaml', 'pillow': 'PIL', 'scikit-learn': 'sklearn',
                'opencv-contrib-python-headless': 'cv2'}
"""Of the distributions that are imported by another name than their own."""


def setup_keyword(name):
    """The value of one keyword of setup(...) with the file's own names filled in."""
    tree = ast.parse((ROOT / 'setup.py').read_text())
    constants = {node.targets[0].id: node.value for node in tree.body
                 if isinstance(node, ast.Assign)}
    call = next(node for node in ast.walk(tree)
                if isinstance(node, ast.Call) and ast.unparse(node.func) == 'setup')
    value = next(word.value for word in call.keywords if word.arg == name)
    known = {key: eval(ast.unparse(constants[key]), {'NAME': 'pointpng_ros'})
             for key in ('NAME', 'SHARE', 'EXTRAS')}
    return eval(ast.unparse(value), {**known, 'glob': lambda p: glob(p, root_dir=ROOT)})


def scripts():
    return dict(re.split(r'\s*=\s*', line)
                for line in setup_keyword('entry_points')['console_scripts'])


def test_versions_agree():
    version = setup_keyword('version')
    assert PACKAGE_XML.findtext('version') == version == pointpng_core.__version__
    changelog = (ROOT / 'CHANGELOG.rst').read_text()
    assert re.search(r'^(\d+\.\d+\.\d+)', changelog, re.MULTILINE).group(1) == version


def test_package_xml_says_what_setup_says():
    assert PACKAGE_XML.get('format') == '3'
    assert PACKAGE_XML.findtext('name') == setup_keyword('name') == 'pointpng_ros'
    assert PACKAGE_XML.findtext('license') == setup_keyword('license') == 'Apache-2.0'
    assert PACKAGE_XML.findtext('export/build_type') == 'ament_python'
    assert (ROOT / PACKAGE_XML.find('license').get('file')).read_text().split()[0] == 'Apache'


def test_ros_wheels_are_an_extra_only():
    required = ' '.join(setup_keyword('install_requires')).lower()
    assert 'ros-' not in required
    assert 'rclpy' not in required
    assert any('rclpy' in line for line in setup_keyword('extras_require')['ros'])


def imported_roots(folder):
    for path in (ROOT / folder).rglob('*.py'):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from (alias.name.split('.')[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module.split('.')[0]


def imported_as(requirements):
    """The names by which distributions are imported, from lines such as 'pillow>=10'."""
    names = {re.split(r'[<>=\[ ]', line)[0].lower() for line in requirements}
    return {IMPORT_NAMES.get(name, name) for name in names}


def test_every_import_is_declared():
    own = {'pointpng_core', 'pointpng_ros'}
    extras = setup_keyword('extras_require')
    declared = imported_as(setup_keyword('install_requires')
                           + [line for name in RUNTIME_EXTRAS for line in extras[name]])
    declared |= {element.text for element in PACKAGE_XML.findall('exec_depend')}
    optional = {'tf2_ros'}  # tf2_ros_py's own name
    for folder in sorted(own):
        roots = set(imported_roots(folder)) - own - set(sys.stdlib_module_names) - optional
        assert roots <= declared


def test_what_the_command_answers_when_a_package_is_missing_agrees_with_setup():
    assert set(cli.REQUIRED) == imported_as(setup_keyword('install_requires'))
    extras = {name: imported_as(setup_keyword('extras_require')[name])
              for name in RUNTIME_EXTRAS}
    assert set(cli.EXTRA_OF) == set().union(*extras.values())
    assert all(package in extras[extra] for package, extra in cli.EXTRA_OF.items())


@pytest.mark.parametrize(('package', 'fix'), [
    ('trimesh', 'this Python'), ('yaml', 'this Python'),
    ('rich', "pip install 'pointpng_ros[demo]'"),
    ('sklearn', "pip install 'pointpng_ros[train]'")])
def test_a_missing_package_is_answered_by_the_fix(package, fix, capsys):
    def lacking(words):
        raise ModuleNotFoundError(f'No module named {package!r}', name=f'{package}.part')

    command = ForwardedCommand(help='', run=lacking)
    assert cli.main(['work'], forwarded={'work': command}) == cli.ERROR_CODE
    error = capsys.readouterr().err
    assert f'No module named {package!r}: ' in error
    assert fix in error


def test_rosdep_installs_the_extras():
    keys = {element.text for element in PACKAGE_XML.findall('exec_depend')}
    assert {f'python3-{package.lower()}' for package in cli.EXTRA_OF} - NO_ROSDEP_KEY <= keys


@pytest.mark.parametrize('target', scripts().values(), ids=scripts())
def test_entry_points_exist(target):
    module, function = target.split(':')
    path = ROOT / (module.replace('.', '/') + '.py')
    assert path.is_file(), f'{path} does not exist'
    names = [node.name for node in ast.parse(path.read_text()).body
             if isinstance(node, ast.FunctionDef)]
    assert function in names


def test_data_files_exist_and_lie_where_ros_looks():
    data_files = dict(setup_keyword('data_files'))
    for sources in data_files.values():
        assert sources
        assert all((ROOT / source).is_file() for source in sources)
    assert data_files['share/ament_index/resource_index/packages'] == ['resource/pointpng_ros']
    assert data_files['share/pointpng_ros'] == ['package.xml']
    assert set(data_files['share/pointpng_ros/launch']) == {
        f'launch/{path.name}' for path in (ROOT / 'launch').iterdir()}
    installed = {source for sources in data_files.values() for source in sources}
    assert installed >= {str(path.relative_to(ROOT)) for path in (ROOT / 'config').rglob('*.*')}


def test_colcon_test_runs_pytest():
    # colcon looks for it in this extra; else it runs unittest, finds no test and is content.
    assert any(line.startswith('pytest>') for line in setup_keyword('extras_require')['test'])
    assert 'pointpng_ros[test]' in setup_keyword('extras_require')['dev']


def test_every_ros_executable_has_a_shim_for_ros2_run():
    executables = {name: target for name, target in scripts().items() if name != 'pointpng'}
    assert {path.name for path in (ROOT / 'scripts').iterdir()} == set(executables)
    for name, target in executables.items():
        shim = ROOT / 'scripts' / name
        assert shim.stat().st_mode & 0o111
        assert f'from {target.split(":")[0]} import main' in shim.read_text()
        assert f'bin/{name}"' in shim.read_text()


def test_shims_run_the_command_of_their_environment(tmp_path):
    (tmp_path / 'lib' / 'pointpng_ros').mkdir(parents=True)
    (tmp_path / 'bin').mkdir()
    shim = tmp_path / 'lib' / 'pointpng_ros' / 'play'
    shim.write_text((ROOT / 'scripts' / 'play').read_text())
    shim.chmod(0o755)
    command = tmp_path / 'bin' / 'play'
    command.write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
    command.chmod(0o755)
    done = subprocess.run([shim, 'a b', '-p'], capture_output=True, text=True, check=True)
    assert done.stdout == '<a b><-p>'


def test_yaml_of_config_reads():
    for path in (ROOT / 'config').glob('*'):
        if path.suffix in ('.yaml', '.rviz'):
            assert isinstance(yaml.safe_load(path.read_text()), dict), path


def test_wheel_holds_both_packages_and_the_ros_files(tmp_path):
    copy = tmp_path / 'source'  # builds leave their own folders behind
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns('.*', 'build', '*.egg-info', 'test'))
    weights = copy / 'pointpng_core' / 'weights' / 'tiny'
    weights.mkdir(parents=True)
    (weights / 'model.safetensors').write_bytes(b'')
    subprocess.run([sys.executable, '-m', 'pip', 'wheel', '--quiet', '--no-deps',
                    '--no-build-isolation', '--wheel-dir', tmp_path, copy], check=True)
    (wheel,) = tmp_path.glob('*.whl')
    names = set(zipfile.ZipFile(wheel).namelist())
    data = f'pointpng_ros-{pointpng_core.__version__}.data/data/'
    assert {'pointpng_core/geometry/so3/__init__.py', 'pointpng_core/io/ply.py',
            'pointpng_ros/cli.py',
            'pointpng_core/weights/tiny/model.safetensors', 'pointpng_core/simulation/piles.json',
            f'{data}share/pointpng_ros/package.xml', f'{data}lib/pointpng_ros/pose_estimator',
            f'{data}share/ament_index/resource_index/packages/pointpng_ros'} <= names
    assert not any(name.startswith('test') for name in names)


def test_generated_documentation_is_up_to_date():
    done = subprocess.run([sys.executable, 'tools/generate_docs.py', '--check'], cwd=ROOT,
                          env={**os.environ, 'PYTHONPATH': str(ROOT)}, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_missing_system_libraries_are_answered_with_the_apt_line(monkeypatch):
    assert system_libraries.explain_missing() == ''
    monkeypatch.setitem(system_libraries.APT_PACKAGES, 'libnothere.so.9', 'libnothere9')
    assert system_libraries.missing_libraries() == ['libnothere.so.9']
    assert system_libraries.explain_missing().endswith('apt-get install -y libnothere9')


def test_package_xml_names_tf2_ros_whose_executable_the_launch_files_start():
    assert '<exec_depend>tf2_ros</exec_depend>' in (ROOT / 'package.xml').read_text()
