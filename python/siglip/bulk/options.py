"""Options of locations on a command line."""

from __future__ import annotations

from collections.abc import Iterable

from ..errors import InvalidArgument


def parse_options(words: Iterable[str]) -> dict[str, str]:
    """Of "NAME=VALUE" each. Raises InvalidArgument for any other."""
    options: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise InvalidArgument(f"option {word!r}: expected NAME=VALUE")
        options[name] = value
    return options
