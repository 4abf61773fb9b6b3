"""What _siglip.pyi says is there is there, and nothing else: the functions of the module have no signatures that
stubtest could read, but names and keywords can be compared."""

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import siglip
from siglip import _siglip

STUB = ast.parse((Path(siglip.__file__).parent / "_siglip.pyi").read_text(encoding="utf-8"))
FUNCTIONS = {node.name: node for node in STUB.body if isinstance(node, ast.FunctionDef)}
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}


def public(names: Any) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def members(node: ast.ClassDef) -> dict[str, ast.AST]:
    return {
        child.name if isinstance(child, ast.FunctionDef) else child.target.id: child  # type: ignore[union-attr]
        for child in node.body
        if isinstance(child, (ast.FunctionDef, ast.AnnAssign))
    }


def keywords(function: ast.FunctionDef) -> list[str]:
    return [argument.arg for argument in function.args.args if argument.arg not in ("self", "cls")]


def test_names() -> None:
    assert public(dir(_siglip)) == set(FUNCTIONS) | set(CLASSES)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_members(name: str) -> None:
    assert public(vars(getattr(_siglip, name))) == public(members(CLASSES[name]))


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_keywords(name: str) -> None:
    signature = getattr(_siglip, name).__nb_signature__[0][0]
    assert re.findall(r"(?:\(|, )(\w+):", signature) == keywords(FUNCTIONS[name])
