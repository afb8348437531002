"""Which rooms of a package a source text imports from: for the tests of their order."""

import ast


def imported_names(source):
    """Return the full names that a source text imports, even inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f'{node.module}.{alias.name}' for alias in node.names}
    return names


def imported_parts(package, source):
    """Return the names directly below a package that a source text imports from."""
    depth = package.count('.') + 1
    return {name.split('.')[depth] for name in imported_names(source)
            if name.startswith(f'{package}.')}


def later_imports(package, rooms, room, source):
    """Return the rooms after `room`, in the order `rooms`, that a source text in it imports."""
    order = {name: index for index, name in enumerate(rooms)}
    return {other for other in imported_parts(package, source) & set(rooms)
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


def imports_between_parts(package, folder):
    """Return {part: other parts that it imports} for the folders and files of a package.

    The package's own __init__ is no part.
    """
    parts = top_level_names(folder)
    return {part: (parts & {name for path in sources_of(folder, part) for name in imported_parts(
        package, path.read_text(encoding='utf-8'))}) - {part} for part in parts}


def cycles(graph):
    """Return the sets of nodes of {node: its successors} that reach each other.

    They are the strongly connected components of more than one node.
    """
    reached = {node: _reachable(graph, node) for node in graph}
    return {frozenset(other for other in reached[node] if node in reached[other])
            for node in graph if node in reached[node]}


def _reachable(graph, start):
    found, waiting = set(), [start]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting.extend(new)
    return found
