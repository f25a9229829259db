"""The parser of every command: argparse's, with hints at misspelt words and with examples below its help."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from nornir_kube_ha.cli.options.examples import below_help
from nornir_kube_ha.lazy import later

_hint = later("nornir_kube_ha.nearest:hint")  # only errors need difflib


class Parser(argparse.ArgumentParser):
    """argparse's parser, whose errors name the nearest command, option or choice."""

    def parse_args(self, args: Sequence[str] | None = None, namespace: Any = None) -> Any:  # type: ignore[override] # noqa: ANN401 - argparse's own
        """Parse a command line. Unknown options are an error of the command that they were given to."""
        given = sys.argv[1:] if args is None else list(args)
        parsed, unknown = self.parse_known_args(given, namespace)
        if unknown:
            self._command_of(given).refuse(unknown)
        return parsed

    def refuse(self, unknown: Sequence[str]) -> NoReturn:
        """End the process because of unknown arguments.

        Arguments:
            unknown: the arguments
        """
        options = [option for action in self._actions for option in action.option_strings]
        words = [each.partition("=")[0] for each in unknown if each.startswith("-")]
        self.error(f"unrecognized arguments: {' '.join(unknown)}{_hint(words, options)}")

    def format_help(self) -> str:
        """Return argparse's help, then examples, exit codes and the address of the docs."""
        return f"{super().format_help()}{below_help(self.prog)}"

    def _check_value(self, action: argparse.Action, value: Any) -> None:  # noqa: ANN401 - argparse's own
        try:
            super()._check_value(action, value)
        except argparse.ArgumentError as error:
            error.message += _hint([str(value)], [*map(str, action.choices or ())])
            raise

    def _command_of(self, words: Sequence[str]) -> "Parser":
        """Return the parser of the command that a command line names."""
        parser = self
        for word in words:
            parser = dict(parser.commands()).get(word, parser)
        return parser

    def commands(self) -> Iterator[tuple[str, "Parser"]]:
        """Yield name and parser of each command of this one; nothing if it has none."""
        for action in self._actions:
            if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - it has no public name
                yield from action.choices.items()
