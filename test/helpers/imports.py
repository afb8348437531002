"""Whether imported names exist, from the sources alone: nothing is imported."""

import ast
from functools import cache


def resolves(name, roots):
    """Return whether a full name is a module below one of the folders, or defined in one.

    'a.b.c' is the module a/b/c.py, the package a/b/c, or a top-level name of the module a.b.
    """
    if any(module_file(name, root) for root in roots):
        return True
    module, _, attribute = name.rpartition('.')
    files = [file for root in roots if module and (file := module_file(module, root))]
    return any(attribute in defined_names(file) for file in files)


def module_file(name, root):
    """Return the file of a module or package below a folder; None where there is none."""
    path = root.joinpath(*name.split('.'))
    files = (path.with_name(f'{path.name}.py'), path / '__init__.py')
    return next((file for file in files if file.is_file()), None)


@cache
def defined_names(file):
    """Return the names that a module defines or imports at its top level.

    A module with a function __getattr__ also has the keys of its dictionaries.
    """
    nodes = list(_top_level(ast.parse(file.read_text(encoding='utf-8')).body))
    names = {name for node in nodes for name in _names_of(node)}
    if '__getattr__' in names:
        names |= {key.value for node in nodes for key in _dictionary_keys(node)}
    return names


def _top_level(body):
    """The statements of a body and of the blocks in it, but not of functions and classes."""
    for node in body:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for block in ('body', 'handlers', 'orelse', 'finalbody'):
                yield from _top_level(getattr(node, block, []))


def _names_of(node):
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).split('.')[0] for alias in node.names}
    targets = getattr(node, 'targets', [getattr(node, 'target', None)])
    return {part.id for target in targets if target for part in ast.walk(target)
            if isinstance(part, ast.Name)}


def _dictionary_keys(node):
    value = getattr(node, 'value', None)
    keys = value.keys if isinstance(node, ast.Assign) and isinstance(value, ast.Dict) else []
    return [key for key in keys if isinstance(key, ast.Constant)]
