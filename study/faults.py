"""What is wrong with settings, in sentences: where it was said, what was expected and found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from model.config import Settings
from model.data.spelling import did_you_mean
from study.config import RunOptions
from study.layers import Key, Layer

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError
    from pydantic_core import ErrorDetails

_EXPECTED = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "string_unicode": "text in UTF-8",
    "too_short": "one or more",
    "tuple_type": "a list",
    "model_type": "a table",
}


def faults_of(
    error: ValidationError, model: type[BaseModel], layers: Sequence[Layer]
) -> Iterator[str]:
    """One sentence for each fault.

    Args:
        error: what validation of the merged layers raised.
        model: what was validated.
        layers: the sources of the settings, the winning one last.
    """
    for details in error.errors(include_url=False):
        key = tuple(str(part) for part in details["loc"])
        context = details.get("ctx", {})
        for below, what in context.get("faults", [((), None)]):
            layer, said = _owner((*key, *below), details["input"], layers)
            yield f"{layer.name(said)}: {what or _sentence(details, said, model, layer)}"


def _owner(key: Key, found: object, layers: Sequence[Layer]) -> tuple[Layer, Key]:
    """The source that said what was found, or had the last word; and what it said of the key."""
    for length in range(len(key), 0, -1):
        said = [layer for layer in layers if layer.has(key[:length])]
        if said:
            exact = [layer for layer in said if layer.get(key[:length]) == found]
            return (exact or said)[-1], key[:length]
    return layers[-1], key


def _sentence(details: ErrorDetails, key: Key, model: type[BaseModel], layer: Layer) -> str:
    kind, message = details["type"], details["msg"]
    if kind == "extra_forbidden":
        return _unknown(key, model, layer)
    if kind == "missing":
        return "expected a value, found none"
    if kind == "string_too_long":
        most, length = details["ctx"]["max_length"], len(details["input"])
        return f"expected text of at most {most} characters, found {length}"
    expected, found = _EXPECTED.get(kind), details["input"]
    if expected is None and not message.startswith("Input should be "):
        return message.removeprefix("Value error, ")
    expected = expected or _numbered(message.removeprefix("Input should be "))
    return f"expected {expected}, found {found!r}{_hint(details, found)}"


def _numbered(expected: str) -> str:
    return f"a number {expected}" if expected.startswith(("greater", "less")) else expected


def _hint(details: ErrorDetails, found: object) -> str:
    if details["type"] != "literal_error":
        return ""
    names = details["ctx"]["expected"].replace(" or ", ", ").split(", ")
    return did_you_mean(str(found), [name.strip("'") for name in names])


def _unknown(key: Key, model: type[BaseModel], layer: Layer) -> str:
    if key[0] in RunOptions.model_fields:
        return f"changes no result, so it is a flag: --{key[0].replace('_', '-')}"
    known = {known[-1]: known for known in _keys(model)} | {name: (name,) for name in layer.options}
    close = get_close_matches(key[-1].lower(), known, n=1)
    hint = f"; did you mean {layer.spell(known[close[0]])!r}?" if close else ""
    return f"no such setting{hint}"


def _keys(model: type[BaseModel], above: Key = ()) -> Iterator[Key]:
    for name, field in model.model_fields.items():
        yield (*above, name)
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, Settings):
            yield from _keys(kind, (*above, name))
