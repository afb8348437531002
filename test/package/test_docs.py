"""README, docs/, model cards, help texts: links, widths, commands, parameters, topics, words."""

import argparse
import importlib
from itertools import chain
import json
from pathlib import Path
import re
import unicodedata

import pytest

from pointpng_core.cli.main import CORE_COMMANDS, module_name
from pointpng_core.evaluation.pose.curves_report import LABELS
from pointpng_core.tracking import frame_result
from pointpng_ros.cli import ROS_COMMANDS, _run_parser

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / 'README.md'
PAGES = [README, ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]
CARDS = sorted(ROOT.glob('pointpng_core/weights/*/MODEL_CARD.md'))
RESULTS = sorted(path for path in (ROOT / 'docs' / 'results').glob('*.json')
                 if path.stem != 'segmentation' and not path.stem.startswith('bop_'))
WIDTH, README_LINES = 100, 110
FORMER_WORDS = (
    r'things?', r'glimpses?', r'relooks?', r'first looks?', r'sightings?', r'firm(?:ly)?',
    r'undetermin\w+', r'polish\w*', r'settl(?:e|es|ed|ing)', r'weighed', r'silenced',
    r'contenders?', r'adopt\w*', r'traits?', r'strangers?', r'rivals?', r'misfits?', r'peers?',
    r'surroundings', r'disturb\w*', r'every_nth', r'namesakes?', r'vitals', r'standins?',
    r'patience', r'twists?', r'min_hold', r'tracking\.(?:stay|fall|weak|gate|patience)',
    r'turned (?:anyhow|about|until|by)', r'is turned', r'without a turn', r'a turn by',
    r'tells? that', r'held by what', r'turns? (?:exactly|with)', r'draws of', r'borrowed')
"""Words that the field has a term for: docs/glossary.md."""
GENERATED = re.compile(r'<!-- (\w+): written by .*?<!-- end of \1 -->', re.DOTALL)


def page_ids(path):
    return path.parent.name if path in CARDS else path.name


def text_of(path, *, code=True):
    """Return the text of a page without generated parts, and without code blocks if asked."""
    text = GENERATED.sub('', path.read_text(encoding='utf-8'))
    return text if code else re.sub(r'^```.*?^```$', '', text, flags=re.MULTILINE | re.DOTALL)


def anchors(path):
    """Return the anchors of the headings of a page, as GitHub and MkDocs make them."""
    headings = re.findall(r'^#+ (.*)$', text_of(path, code=False), re.MULTILINE)
    plain = (unicodedata.normalize('NFKD', re.sub(r'[`*]', '', text)).lower() for text in headings)
    return {re.sub(r'\s', '-', re.sub(r'[^\w\s-]', '', text).strip()) for text in plain}


@pytest.mark.parametrize('page', PAGES, ids=page_ids)
def test_links_lead_somewhere(page):
    for target in re.findall(r'\]\(([^)\s]+)\)', text_of(page, code=False)):
        if re.match(r'https?://', target):
            continue
        name, _, anchor = target.partition('#')
        linked = (page.parent / name).resolve() if name else page
        assert linked.is_file(), f'{page.name}: {target}'
        assert linked.is_relative_to(ROOT)
        assert not anchor or anchor in anchors(linked), f'{page.name}: {target}'


def test_every_page_and_picture_of_docs_is_linked():
    linked = {target.partition('#')[0].rpartition('/')[2]
              for page in [*PAGES, *CARDS]
              for target in re.findall(r'[\w./-]+\.(?:md|png|webp)', page.read_text('utf-8'))}
    files = {path.name for path in (ROOT / 'docs').iterdir() if path.is_file()}
    assert files <= linked


def test_the_readme_is_short():
    assert len(README.read_text(encoding='utf-8').splitlines()) <= README_LINES


@pytest.mark.parametrize('page', [*PAGES, *CARDS, ROOT / 'CHANGELOG.rst'], ids=page_ids)
def test_prose_is_wrapped(page):
    prose = [line for line in text_of(page, code=page == README).splitlines()
             if page == README or not line.startswith(('|', '!['))]
    assert [line for line in prose if len(line) > WIDTH] == []


def test_the_moving_picture_is_small_and_moves():
    image = (ROOT / 'docs' / 'demo.webp').read_bytes()
    assert len(image) < 3e6
    assert image[8:16] == b'WEBPVP8X'
    assert image.count(b'ANMF') > 20


def parser_of(command):
    """Return the argument parser of a command of the core."""
    module = importlib.import_module(f'pointpng_core.cli.{module_name(command)}')
    parser = argparse.ArgumentParser(prog=command, allow_abbrev=False)
    module.add_arguments(parser)
    return parser


def subcommands(parser):
    """Return the parsers of the commands below one, by name."""
    return next((action.choices for action in parser._actions
                 if isinstance(action, argparse._SubParsersAction)), {})


def commands_in(page):
    """Return the words of every `pointpng ...` command of a page."""
    text = re.sub(r'\\\n\s*', ' ', text_of(page))
    blocks = re.findall(r'^```[^\n]*\n(.*?)^```$', text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    spans = re.findall(r'`(pointpng [^`]+)`', re.sub(r'\s+', ' ', text_of(page, code=False)))
    for line in [*lines, *spans]:
        for part in re.split(r' & ', line.partition(' #')[0]):
            if match := re.match(r'(?:\$ )?pointpng ([a-zC-].*)', part.strip()):
                yield match.group(1).split()


def parser_for(words):
    """Return the parser of the command that the words name; fails where there is none."""
    parser = parser_of(words[0])
    for word in words[1:]:
        below = subcommands(parser)
        if not below or word.startswith('-'):
            break
        assert word in below, words
        parser = below[word]
    return parser


@pytest.mark.parametrize('page', PAGES, ids=page_ids)
def test_commands_and_their_options_exist(page):
    for words in commands_in(page):
        if re.fullmatch(r'COMMAND|--\w+|\.\.\.', words[0]):
            continue
        assert words[0] in {*CORE_COMMANDS, *ROS_COMMANDS}, words
        if words[0] in CORE_COMMANDS:
            known = set(parser_for(words)._option_string_actions)
        elif words[0] == 'run':
            known = {*_run_parser()._option_string_actions, '--ros-args'}
        else:
            continue
        given = {word.partition('=')[0].rstrip(',.;)') for word in words
                 if re.match(r'--\w', word)}
        assert given <= known, f'{page.name}: {" ".join(words)}'


@pytest.mark.parametrize('page', PAGES, ids=page_ids)
def test_parameters_of_the_node_exist(page):
    names = node_parameters()
    groups = {group for name in names for group in name.split('.')[:-1]}
    pattern = rf'`((?:{"|".join(sorted(groups))})\.[\w.]+)`'
    for name in re.findall(pattern, text_of(page, code=False)):
        known = any(f'.{name}.' in f'.{full}.' for full in names)
        assert known or name.endswith('.py'), f'{page.name}: {name}'


def node_parameters():
    pytest.importorskip('rclpy', reason='needs ROS 2 (pip install the extra [ros])')
    from pointpng_ros.parameters.parameter_specs import pose_estimator_groups
    return {spec.name for group in pose_estimator_groups() for spec in group.specs()}


@pytest.mark.parametrize('page', PAGES, ids=page_ids)
def test_topics_exist(page):
    sources = ''.join(path.read_text(encoding='utf-8')
                      for path in (ROOT / 'pointpng_ros').rglob('*.py'))
    policy = (ROOT / 'config' / 'sros2' / 'policy.xml').read_text(encoding='utf-8')
    for name in set(re.findall(r'(?<![\w/])/(pointpng/\w+)', text_of(page))):
        assert name in sources or f'/{name}"' in policy, f'{page.name}: /{name}'


@pytest.mark.parametrize('page', PAGES, ids=page_ids)
def test_files_of_the_package_exist(page):
    folders = 'pointpng_core|pointpng_ros|test|tools|config|docker|launch'
    for name in re.findall(rf'`((?:{folders})/[\w./-]+)`', text_of(page)):
        assert (ROOT / name).exists(), f'{page.name}: {name}'


def former_words(prose):
    """Return the words in a text, outside of `code`, that the field has another term for."""
    return [match.group() for word in FORMER_WORDS
            for match in re.finditer(rf'(?<![\w`.])(?:{word})\b', prose, re.IGNORECASE)]


@pytest.mark.parametrize('page', [*PAGES, *CARDS], ids=page_ids)
def test_words_are_those_of_the_field(page):
    """Generated parts are included, and with them the help texts of parameters."""
    text = page.read_text(encoding='utf-8')
    assert former_words(re.sub(r'^```.*?^```$', '', text, flags=re.MULTILINE | re.DOTALL)) == []


def helps(parser):
    """Yield the help texts of a command and of all below it."""
    yield from (text for text in (parser.description, parser.epilog) if text)
    for action in parser._actions:
        yield from [action.help] if action.help and action.help != argparse.SUPPRESS else []
    for below in subcommands(parser).values():
        yield from helps(below)


def test_help_texts_of_commands_use_the_words_of_the_field():
    forwarded = [f'{name}: {text}' for name, (_, text) in ROS_COMMANDS.items()]
    texts = list(chain(forwarded, helps(_run_parser()), *(
        [importlib.import_module(f'pointpng_core.cli.{module_name(name)}').HELP,
         *helps(parser_of(name))] for name in CORE_COMMANDS)))
    assert len(texts) > 150
    assert former_words('\n'.join(texts)) == []


@pytest.mark.parametrize('page', [*PAGES, *CARDS], ids=page_ids)
def test_make_targets_exist(page):
    makefile = (ROOT / 'Makefile').read_text(encoding='utf-8')
    targets = set(re.findall(r'^([a-z][\w-]*):', makefile, re.MULTILINE))
    text = re.sub(r'\s+', ' ', text_of(page, code=False))
    code = re.findall(r'^```[^\n]*\n(.*?)^```$', text_of(page), re.MULTILINE | re.DOTALL)
    named = {*re.findall(r'`make ([a-z][\w-]*)', text),
             *re.findall(r'^(?:\$ )?make ([a-z][\w-]*)', '\n'.join(code), re.MULTILINE)}
    assert named <= targets


def test_states_of_an_object_are_those_of_the_code():
    text = (ROOT / 'docs' / 'operation.md').read_text(encoding='utf-8')
    section = re.search(r'^## States of an object\n(.*?)^## ', text, re.MULTILINE | re.DOTALL)
    states = {frame_result.TRACKING, frame_result.POORLY_CONSTRAINED, frame_result.LOST,
              frame_result.SEARCHING}
    assert set(re.findall(r'^\* \*\*(\w+)\*\*:', section.group(1), re.MULTILINE)) == states


@pytest.mark.parametrize('path', RESULTS, ids=page_ids)
def test_results_are_what_evaluate_pose_writes(path):
    """Files and methods by the names of the command, so that its output may replace them."""
    result = json.loads(path.read_text(encoding='utf-8'))
    assert result['file'] == f'pairs_{path.stem}.npz'
    assert set(result['methods']) <= {*LABELS, 'bidirectional', 'tracking'}


def test_the_navigation_of_the_site_has_every_page():
    site = (ROOT / 'mkdocs.yml').read_text(encoding='utf-8')
    assert [path.name for path in (ROOT / 'docs').glob('*.md') if f': {path.name}\n' not in site
            ] == []


def test_extras_are_in_install_and_keys_of_results_in_recordings():
    from pointpng_core.evaluation.recordings import result_file
    extras = re.search(r'^EXTRAS = \{(.*?)^\}', (ROOT / 'setup.py').read_text(), re.M | re.S)
    install = (ROOT / 'docs' / 'install.md').read_text()
    named = set(re.findall(r"^    '(\w+)':", extras.group(1), re.M)) - {'test'}
    assert 'bench' in named
    assert {name for name in named if f'`{name}`' not in install} == set()
    recordings = (ROOT / 'docs' / 'recordings.md').read_text()
    for key in ('viewpoint', 'warnings', 'warned', 'refusal', 'depth_scale'):
        assert key in result_file.__doc__
        assert f'`{key}`' in recordings
