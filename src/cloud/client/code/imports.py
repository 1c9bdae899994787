"""What the source of a module imports, read without running it."""

import ast
from collections.abc import Iterator
from functools import lru_cache

_DYNAMIC = frozenset({"import_module", "__import__"})


@lru_cache(2048)
def imports_of(source: bytes, package: str) -> frozenset[str]:
    """Names that may be modules; `from a import b` gives 'a' and 'a.b'. Nothing for what is not Python.

    Imports for type checkers only are left out; `import_module("a.b")` counts where it names the module.

    Args:
        source: of a file.
        package: which relative imports are relative to.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return frozenset()
    return frozenset(name for node in _nodes(tree) for name in _named(node, package))


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All statements and calls, without what only a type checker sees."""
    todo = [tree]
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, ast.If) and _is_for_types(node.test):
            todo += node.orelse
        else:
            todo += ast.iter_child_nodes(node)


def _is_for_types(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return bool(name == "TYPE_CHECKING")


def _named(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = absolute("." * node.level + (node.module or ""), package)
        if base:
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")
    elif isinstance(node, ast.Call) and node.args:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        first = node.args[0]
        if name in _DYNAMIC and isinstance(first, ast.Constant) and isinstance(first.value, str):
            yield absolute(first.value, package)


def absolute(name: str, package: str) -> str:
    """A name with leading dots, seen from a package; '' when there are more dots than packages."""
    bare = name.lstrip(".")
    level = len(name) - len(bare)
    if not level:
        return bare
    parts = package.split(".") if package else []
    if level > len(parts):
        return ""
    above = parts[: len(parts) - level + 1]
    return ".".join([*above, bare] if bare else above)
