"""Hooks of mkdocs.yml: pages that are not files of docs/ join the site.

They are the README as its first page, CONTRIBUTING.md, the model cards, and one page of the API
for each room of both packages, which mkdocstrings fills from the sources without importing them.
"""

from pathlib import Path
import re
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ('pointpng_core', 'pointpng_ros')
CARDS = ('steerable', 'small')
LICENSE_LINK = re.compile(r'\[LICENSE\]\(LICENSE\)')


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Append the rooms to the navigation."""
    pages = [{room.removeprefix('pointpng_'): f'api/{room}.md'} for room in rooms()]
    config['nav'] = [*config['nav'], {'API': pages}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for room, modules in rooms().items():
        parts = [f'# {room}', *(f'::: {module}' for module in modules)]
        files.append(File.generated(config, f'api/{room}.md', content='\n\n'.join(parts) + '\n'))
    for name in CARDS:
        card = ROOT / 'pointpng_core' / 'weights' / name / 'MODEL_CARD.md'
        files.append(File.generated(config, f'models/{name}.md', content=relinked(card)))
    files.append(File.generated(config, 'index.md', content=relinked(ROOT / 'README.md')))
    files.append(File.generated(config, 'contributing.md',
                                content=relinked(ROOT / 'CONTRIBUTING.md')))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links to model cards in the sources lead to their pages."""
    return re.sub(r'\.\./pointpng_core/weights/(\w+)/MODEL_CARD\.md', r'models/\1.md', markdown)


def relinked(path: Path) -> str:
    """Return a page of the root folder as one of docs/."""
    text = path.read_text(encoding='utf-8').replace('](docs/', '](')
    text = text.replace('](CONTRIBUTING.md)', '](contributing.md)')
    return LICENSE_LINK.sub('LICENSE', text)


def rooms() -> dict[str, list[str]]:
    """Return the public modules of each room, `pointpng_core.estimation` for example."""
    found: dict[str, list[str]] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob('*.py')):
            parts = path.relative_to(ROOT).with_suffix('').parts
            names = parts[:-1] if parts[-1] == '__init__' else parts
            if 'weights' in names or any(name.startswith('_') for name in names):
                continue
            inside = len(names) > 1 and (ROOT / package / names[1]).is_dir()
            room = '.'.join(names[:2]) if inside else package
            found.setdefault(room, []).append('.'.join(names))
    return found

