"""Write cli.md from the parsers of the command line."""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nornir_kube_ha.cli.main import make_parser
from nornir_kube_ha.cli.runbooks import RUNBOOKS

INTRODUCTION = """\
# The command line

Written by `make docs` from the parsers themselves. Each command is the same with `--help`. The runbooks are scripts as
well: `python runbooks/failover_test.py` is `kube-ha failover-test`.

stdout carries the report or list, stderr the progress. [exit-codes.md](exit-codes.md) explains the exit codes: 2 is an
invalid command line, 7 output that cannot be written, 130 and 143 are Ctrl-C and SIGTERM.
"""
COMMON = """\
## Options of every runbook

`deploy`, `verify`, `rollback`, `upgrade`, `remove`, `snapshot` and `failover-test` have these options in addition to
their own.
"""
CHANGE = "0, 1, 2, 4, 5, 6, 130, 143"
LOOK = "0, 1, 2, 4, 6, 130, 143"
NO_HOST = "0, 2"
LAB = "0, 1, 2, 130, 143"
OF_COMMAND = "that of the command that is run; 1 and 2 where it cannot be"
EXIT_CODES = {
    "deploy": CHANGE,
    "verify": f"{LOOK}; with `--output nagios` 0, 1, 2, 3",
    "rollback": CHANGE,
    "upgrade": CHANGE,
    "remove": CHANGE,
    "snapshot": f"{LOOK}, 7",
    "failover-test": CHANGE,
    "rehearse": CHANGE,
    "vip move": CHANGE,
    "drain": CHANGE,
    "ready": CHANGE,
    "hostkeys enroll": "0, 2, 4, 6, 130, 143",
    "checks": NO_HOST,
    "adopt": "0, 1, 2, 4, 6, 130, 143",
    "init": NO_HOST,
    "schema": NO_HOST,
    "completion": NO_HOST,
    "lab up": LAB,
    "lab down": LAB,
    "lab status": LAB,
    "lab ssh": OF_COMMAND,
    "lab exec": OF_COMMAND,
    "lab kubectl": OF_COMMAND,
    "lab apiserver": LAB,
    "lab off": LAB,
    "lab on": LAB,
}


@dataclass(frozen=True, slots=True)
class Row:
    """One option or argument of a command.

    Arguments:
        form: as it is typed
        words: what it does
    """

    form: str
    words: str

    def __str__(self) -> str:
        """Return a row of a Markdown table."""
        return f"| {self.form} | {self.words} |"


def cli_page() -> str:
    """Return cli.md."""
    verbs = dict(_verbs(make_parser()))
    common = set.intersection(*(set(_rows(verbs[name])) for name in RUNBOOKS))
    parts = [
        INTRODUCTION,
        *_contents(verbs),
        COMMON,
        *_table(row for row in _rows(verbs["verify"]) if row in common),
        "",
    ]
    for name, parser in verbs.items():
        own = [row for row in _rows(parser) if name not in RUNBOOKS or row not in common]
        parts += [f"## kube-ha {name}", "", _words(parser), "", "```", _usage(name, parser), "```", ""]
        parts += [*_table(own), ""] if own else []
        parts += [f"Exit codes: {EXIT_CODES[name]}.", ""]
    return "\n".join(parts).rstrip() + "\n"


def _verbs(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield name, without `kube-ha`, and parser of each command that does something."""
    inner = [each for each in _actions(parser) if isinstance(each, argparse._SubParsersAction)]  # noqa: SLF001 - argparse has no public name for it
    if not inner:
        yield name, parser
    for action in inner:
        for word, each in action.choices.items():
            yield from _verbs(each, f"{name} {word}".strip())


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return parser._actions  # noqa: SLF001 - argparse tells them nowhere else


def _contents(verbs: dict[str, argparse.ArgumentParser]) -> Iterator[str]:
    yield "| command | what it does |"
    yield "|---|---|"
    for name, parser in verbs.items():
        yield f"| [`kube-ha {name}`](#kube-ha-{name.replace(' ', '-')}) | {_words(parser)} |"
    yield ""


def _words(parser: argparse.ArgumentParser) -> str:
    """Return a command's description or, if it has none, its help text in the list of commands."""
    words = parser.description or _listed()[parser.prog]
    return f"{words[0].upper()}{words[1:].rstrip('.')}."


def _listed() -> dict[str, str]:
    """Return the help texts of the first level of commands, by program name."""
    [commands] = (each for each in _actions(make_parser()) if isinstance(each, argparse._SubParsersAction))  # noqa: SLF001 - as above
    return {f"kube-ha {each.dest}": str(each.help) for each in commands._choices_actions}  # noqa: SLF001 - as above


def _usage(name: str, parser: argparse.ArgumentParser) -> str:
    """Return a usage line. argparse's own varies with Python's version and the terminal's width."""
    actions = [each for each in _actions(parser) if each.dest != "help"]
    needed = [f"{each.option_strings[-1]} {each.metavar}" for each in actions if each.required and each.option_strings]
    optional = ["[OPTIONS]"] if any(each.option_strings and not each.required for each in actions) else []
    positional = [_positional(each) for each in actions if not each.option_strings]
    return " ".join(["kube-ha", name, *optional, *needed, *positional])


def _positional(action: argparse.Action) -> str:
    metavar = str(action.metavar or action.dest.upper())
    return f"[{metavar}...]" if action.nargs in {"*", argparse.REMAINDER} else metavar


def _rows(parser: argparse.ArgumentParser) -> Iterator[Row]:
    for action in _actions(parser):
        if action.help and action.dest != "help":  # an argument without a help text, such as HOST, needs no row
            yield Row(_form(action), _help(action))


def _form(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{_positional(action)}`"
    value = "" if action.nargs == 0 else f" {action.metavar or ('WORD' if action.choices else action.dest.upper())}"
    return ", ".join(f"`{option}{value.replace('|', '` or `' + option + ' ')}`" for option in action.option_strings)


def _help(action: argparse.Action) -> str:
    words = str(action.help) % vars(action)
    choices = ", ".join(f"`{each}`" for each in action.choices or ())
    said = [words, f"WORD is one of {choices}" if choices and action.option_strings else ""]
    return "; ".join(filter(None, said)).replace("|", r"\|")


def _table(rows: Iterable[Row]) -> Iterator[str]:
    yield "| argument | what it does |"
    yield "|---|---|"
    yield from map(str, rows)
