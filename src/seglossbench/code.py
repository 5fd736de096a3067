"""Versions of the package's own code, by which results that other code made are told apart."""

import ast
from functools import cache
from io import StringIO
from pathlib import Path
from tokenize import COMMENT, generate_tokens

from seglossbench.files import digest

PACKAGE = Path(__file__).parent


@cache
def code_version(*places: str) -> str:
    """A digest of the Python code in files and folders of the package, blind to comments and docstrings."""
    code = {}
    for place in places:
        path = PACKAGE / place
        for file in sorted(path.rglob("*.py") if path.is_dir() else [path]):
            code[str(file.relative_to(PACKAGE))] = _code_lines(file.read_text(encoding="utf-8"))
    return digest(code)


def _code_lines(source: str) -> list[str]:
    """The lines of Python code without comments, docstrings and blank lines, the same in every version of Python."""
    lines = source.splitlines()
    for token in generate_tokens(StringIO(source).readline):
        if token.type == COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (
            ast.get_docstring(node) is not None
        ):
            docstring = node.body[0]
            for row in range(docstring.lineno, (docstring.end_lineno or docstring.lineno) + 1):
                lines[row - 1] = ""
    return [line.rstrip() for line in lines if line.strip()]
