"""Which rooms of a package a source text imports from: for the tests of their order."""

import ast


def imported_rooms(package, source):
    """Return the rooms of a package that a source text imports from, even inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == package:
            names |= {f'{package}.{alias.name}' for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module)
    prefix = f'{package}.'
    return {name.removeprefix(prefix).split('.')[0] for name in names if name.startswith(prefix)}


def later_imports(package, rooms, room, source):
    """Return the rooms after `room`, in the order `rooms`, that a source text in it imports."""
    order = {name: index for index, name in enumerate(rooms)}
    return {other for other in imported_rooms(package, source) & set(rooms)
            if order[other] > order[room]}


def sources_of(folder, room):
    """Return the files of a room: of its folder and all below, or the one file ROOM.py."""
    return sorted((folder / room).rglob('*.py')) if (folder / room).is_dir() \
        else [folder / f'{room}.py']


def later_imports_by_file(package, folder, rooms, room):
    """Return {file: later rooms that it imports} for the files of a room that import any."""
    found = {str(path.relative_to(folder)): later_imports(
        package, rooms, room, path.read_text(encoding='utf-8'))
        for path in sources_of(folder, room)}
    return {path: later for path, later in found.items() if later}


def top_level_names(folder):
    """Return the names of the folders and files at the top of a package."""
    return {path.stem for path in folder.iterdir()
            if path.is_dir() or path.suffix == '.py'} - {'__init__', '__pycache__'}
