"""Published JSON Schemas (draft 2020-12), made from the types in `contracts`.

Contract: `schema(kind)` is one self-contained schema; the fields of the Envelope are always required, those of the kind
when `ok` is true. Further fields may come in later minor versions, so objects stay open.
"""

from __future__ import annotations

import ast
import inspect
import types
from functools import cache
from itertools import pairwise
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from ecground.report import collection, contracts

__all__ = ["VERSION", "schema", "schema_name"]

VERSION = 1
"""Raised when a field changes its meaning or goes away."""

_PLAIN = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema_name(kind: str) -> str:
    """The value of `schema` in the objects of one kind: `ecground/interpret/1`."""
    return f"ecground/{kind}/{VERSION}"


def schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of what `ecground KIND` prints for one file; KeyError for an unknown kind."""
    payload = contracts.KINDS[kind]
    definitions: dict[str, Any] = {}
    envelope, fields = _fields(contracts.Envelope, definitions), _fields(payload, definitions)
    envelope["schema"] |= {"const": schema_name(kind)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": schema_name(kind),
        "description": inspect.cleandoc(_summary(payload)),
        "type": "object",
        "properties": envelope | fields,
        "required": list(envelope),
        "if": {"properties": {"ok": {"const": True}}},
        "then": {"required": list(fields), "properties": {"error": {"type": "null"}}},
        "else": {"properties": {"error": {"$ref": "#/$defs/ErrorObject"}}},
        "$defs": dict(sorted(definitions.items())),
    }


def _fields(typed_dict: type, definitions: dict[str, Any]) -> dict[str, Any]:
    """Property name -> schema, with the words under each field as description."""
    words = _field_docs().get(typed_dict.__name__, {})
    found = {}
    for name, hint in get_type_hints(typed_dict, include_extras=True).items():
        found[name] = _of(hint, definitions)
        if name in words:
            found[name] = {**found[name], "description": words[name]}
    return found


def _of(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - type hints have no common type
    """The schema of one type hint."""
    origin, arguments = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return {"type": _PLAIN[hint]}
    if is_typeddict(hint):
        return _reference(hint, definitions)
    if origin is NotRequired:
        return _of(arguments[0], definitions)
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is list:
        return {"type": "array", "items": _of(arguments[0], definitions)}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(arguments[1], definitions)}
    if origin in (Union, types.UnionType):
        options = [_of(argument, definitions) for argument in arguments]
        if all(set(option) == {"type"} for option in options):
            return {"type": [option["type"] for option in options]}
        return {"anyOf": options}
    raise TypeError(f"no JSON Schema for {hint!r}")


def _reference(typed_dict: type, definitions: dict[str, Any]) -> dict[str, Any]:
    name = typed_dict.__name__
    if name not in definitions:
        definitions[name] = {}
        fields = _fields(typed_dict, definitions)
        definitions[name] = {
            "description": _summary(typed_dict),
            "type": "object",
            "properties": fields,
            "required": [field for field, hint in get_type_hints(typed_dict, include_extras=True).items()
                         if get_origin(hint) is not NotRequired],
        }
    return {"$ref": f"#/$defs/{name}"}


def _summary(typed_dict: type) -> str:
    return _field_docs().get(typed_dict.__name__, {}).get("", "") or inspect.getdoc(typed_dict) or ""


@cache
def _field_docs() -> dict[str, dict[str, str]]:
    """Class -> field -> the string literal under it in the source of the contracts; the key "" is the class's own."""
    body = [node for module in (contracts, collection) for node in ast.parse(inspect.getsource(module)).body]
    found = {node.name: _docs_in(node.body) for node in body if isinstance(node, ast.ClassDef)}
    for name, text in _docs_in(body).items():
        found.setdefault(name, {})[""] = text
    return found


def _docs_in(body: list[ast.stmt]) -> dict[str, str]:
    found = {}
    for field, text in pairwise(body):
        is_text = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if is_text and isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            found[field.target.id] = " ".join(str(text.value.value).split())  # type: ignore[attr-defined]
        elif is_text and isinstance(field, ast.Assign) and isinstance(field.targets[0], ast.Name):
            found[field.targets[0].id] = " ".join(str(text.value.value).split())  # type: ignore[attr-defined]
    return found
