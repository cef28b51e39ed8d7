"""argparse's parser, which answers a mistake in one line, and what it reads numbers with."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NoReturn

from raregan.errors import hide_passwords

if TYPE_CHECKING:
    from collections.abc import Iterable

_MISSING, _UNKNOWN = "the following arguments are required: ", "unrecognized arguments: "
_ABOUT_ONE = re.compile(r"argument (?P<name>.+?): (?P<what>.+)", re.DOTALL)
_NO_CHOICE = re.compile(r"invalid choice: '(?P<typed>.*)' \(choose from .*\)", re.DOTALL)
_NO_VALUE = re.compile("expected .*argument")


class Parser(argparse.ArgumentParser):
    """argparse's, which answers a mistake in one line, and points to what may have been meant."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._typed: list[str] = []
        self.verbs: dict[str, Parser] = {}
        """The parsers of the commands, by name."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Keep what was typed, for the line about it."""
        self._typed = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """End with exit code 2 and one line, which shows no password."""
        verb = self.verbs.get(self._typed[0]) if self._typed else None
        if verb is not None:  # it passes on what it does not know
            verb.error(message)
        said = hide_passwords(" ".join(self._explain(message).split()))
        self.exit(2, f"raregan: {said}{'' if said.endswith('?') else ';'} see {self.prog} --help\n")

    def _explain(self, message: str) -> str:
        if message.startswith(_MISSING):
            return self._name_unknown() or f"{message.removeprefix(_MISSING)} must be given"
        if message.startswith(_UNKNOWN):
            rest = message.removeprefix(_UNKNOWN)
            what = "there is no option" if rest.startswith("-") else "too many words:"
            return self._name_unknown() or f"{what} {rest}"
        if (about := _ABOUT_ONE.fullmatch(message)) is None:
            return message
        name, what = about["name"], about["what"]
        if no_choice := _NO_CHOICE.fullmatch(what):
            return self._name_choices(name, no_choice["typed"])
        if _NO_VALUE.fullmatch(what):
            return self._name_unknown() or f"{name} needs a value"
        return f"{name} {what.replace('not allowed with argument', 'cannot go with')}"

    def _name_unknown(self) -> str | None:
        """Name the first option that was typed and is none; None where there is no such."""
        for word in takewhile(lambda word: word != "--", self._typed):
            option = word.partition("=")[0]
            if option.startswith("--") and option not in self._option_string_actions:
                names = [name for name in self._option_string_actions if name.startswith("--")]
                return f"there is no option {option}{_meant(option, names)}"
        return None

    def _name_choices(self, name: str, typed: str) -> str:
        if self.verbs and self._typed[0].startswith("-"):
            return f"a command comes first, got {self._typed[0]}"
        if self.verbs:
            return f"there is no command {typed!r}{_meant(typed, self.verbs)}"
        choices = self._option_string_actions[name.split("/", maxsplit=1)[0]].choices or ()
        listed = ", ".join(map(str, choices))
        return f"{name} takes one of {listed}, got {typed!r}{_meant(typed, choices)}"


def _meant(typed: str, names: Iterable[str]) -> str:
    close = [repr(name) for name in difflib.get_close_matches(typed, names, n=3)]
    return f"; did you mean {' or '.join(close)}?" if close else ""


def whole(text: str) -> int:
    """Read a whole number, for argparse."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a whole number, got {text!r}") from None


def real(text: str) -> float:
    """Read a number, for argparse."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"takes a number, got {text!r}") from None
