"""`preprocess.py` of an export: the decoder's own source, so that it cannot say anything else than graft does."""

import ast
import inspect

from flows import exported_main
from tasks.pure import errors
from tasks.pure.data import decoding, eight_bits, fitting_size, picture_files, recognising

# In the order of their imports: each uses only those before it.
PARTS = (errors, recognising, fitting_size, eight_bits, decoding, picture_files, exported_main)


def script() -> str:
    """All of `PARTS` as one file that imports nothing of graft."""
    own = {part.__name__ for part in PARTS}
    head = f'"""{inspect.getdoc(exported_main)}\n\nWritten by `graft export`: joined from graft\'s own modules.\n"""\n'
    return head + "".join(_without_imports(part.__name__, inspect.getsource(part), own) for part in PARTS)


def _without_imports(name: str, source: str, own: set[str]) -> str:
    """The source of a module without its docstring and without what it imports from the others.

    Raises:
        ValueError: it imports something else of graft, which would be missing.
    """
    tree = ast.parse(source)
    lines = source.splitlines(keepends=True)
    for node in reversed(tree.body):
        docstring = node is tree.body[0] and isinstance(node, ast.Expr)
        if docstring or isinstance(node, ast.ImportFrom) and node.module in own:
            del lines[node.lineno - 1 : node.end_lineno]
        elif isinstance(node, ast.ImportFrom) and str(node.module).startswith(("tasks", "flows", "artifacts")):
            raise ValueError(f"{name} imports {node.module}, which is not among the parts of the exported script.")
    return f"\n# -- {name}\n\n{''.join(lines).strip()}\n"
