"""Recipes that cannot be run here, Docker's and the workspace's, against what setup.py says."""

from fnmatch import fnmatch
import re

from test_package import ROOT, setup_keyword

from pointpng_core.io.system_libraries import APT_PACKAGES

DOCKERFILE = (ROOT / 'docker' / 'Dockerfile').read_text().replace('\\\n', ' ')
CONTEXT = (ROOT / 'docker' / 'Dockerfile.dockerignore').read_text().split()


def in_context(path):
    """Whether the last rule that matches the path, or a folder above it, lets it in."""
    names = ['/'.join(path.split('/')[:end]) for end in range(1, path.count('/') + 2)]
    kept = True
    for rule in CONTEXT:
        pattern = rule.removeprefix('!')
        if any(fnmatch(name, pattern) for name in names):
            kept = rule.startswith('!')
    return kept


def names_of(requirements):
    return {re.split(r'[<>=\[ ]', line)[0].lower() for line in requirements}


def test_the_docker_context_holds_what_the_installation_reads_and_no_more():
    sources = [source for _, sources in setup_keyword('data_files') for source in sources]
    packages = [f'{name.replace(".", "/")}/__init__.py' for name in ('pointpng_core',
                                                                      'pointpng_ros')]
    weights = [str(path.relative_to(ROOT)) for path in ROOT.glob('pointpng_core/weights/*/*')]
    needed = ['setup.py', 'setup.cfg', 'pyproject.toml', 'README.md', 'LICENSE',
              'constraints.txt', *sources, *packages, *weights]
    assert [path for path in needed if not in_context(path)] == []
    assert not any(map(in_context, ['.venv/bin/python', '.git/config', 'test/bags.py',
                                    'pointpng_core/__pycache__', 'build/lib']))
    for folder in (rule[1:] for rule in CONTEXT if rule.startswith('!')):
        assert (ROOT / folder).exists(), folder


def test_docker_installs_what_open3d_loads():
    (line,) = re.findall(r'apt-get install .*', DOCKERFILE)
    of_every_ubuntu = {'libstdc++6', 'libudev1'}
    assert set(APT_PACKAGES.values()) - of_every_ubuntu <= set(line.split())


def test_docker_has_the_variants_it_promises():
    stages = re.findall(r'^FROM \S+ AS (\w+)', DOCKERFILE, re.MULTILINE)
    default, = re.findall(r'^ARG VARIANT=(\w+)', DOCKERFILE, re.MULTILINE)
    promised = set(re.findall(r'VARIANT=(\w+)', DOCKERFILE))
    assert default in stages
    assert promised == set(stages) - {'base'}
    assert '-c /tmp/source/constraints.txt /tmp/source' in DOCKERFILE


def test_the_workspace_recipe_brings_every_requirement():
    page = (ROOT / 'docs' / 'install.md').read_text()
    (line,) = re.findall(r'^pip install (torch .*) -c ', page, re.MULTILINE)
    by_pip = names_of(line.replace("'", '').split())
    (skipped,) = re.findall(r"--skip-keys '([^']+)'", page)
    package = (ROOT / 'package.xml').read_text()
    keys = set(re.findall(r'<exec_depend>python3-(\w+?)(?:-pip)?</exec_depend>', package))
    by_rosdep = keys - {key.split('-')[1] for key in skipped.split()}
    required = names_of(setup_keyword('install_requires'))
    rosdep_names = {'pyyaml': 'yaml', 'pillow': 'pil'}
    assert by_pip <= required
    assert {name for name in required if rosdep_names.get(name, name) not in by_rosdep} <= by_pip
