"""Secrets that a person types, or that a password store prints: fetched once, before anything is sent to any host."""

import getpass
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nornir.core import Nornir
from pydantic import SecretStr

from nornir_kube_ha.errors import InventoryError, Problem, UsageError
from nornir_kube_ha.inventory.load import SECRETS, inventory_folder
from nornir_kube_ha.inventory.secret import read_secret
from nornir_kube_ha.text import one_line, shortened

FETCHED = frozenset({"prompt", "pass"})
"""Forms that somebody has to be asked for."""

LONGEST_PROMPT = 200  # characters
AskSecret = Callable[[str], str]
"""Is given words, and returns what the person typed."""


def ask_secret(words: str) -> str:
    """Ask the person at the terminal, without showing what they type.

    Arguments:
        words: what is asked for

    Raises:
        UsageError: nobody is there
    """
    if not sys.stdin.isatty():
        raise UsageError(f"nobody is there to be asked for {words}; name it by `env`, `file` or `pass`")
    return getpass.getpass(f"{shortened(one_line(words), LONGEST_PROMPT)}: ", stream=sys.stderr)


def fetch_secrets(nornir: Nornir, ask: AskSecret = ask_secret, *, stats_password: bool = True) -> None:
    """Put secrets in the places of what names them in an inventory's data: each is asked for once, for all hosts.

    Those of the environment and of files stay: they cost nothing where they are needed.

    Arguments:
        nornir: whose inventory it is; it is changed
        ask: a person at the terminal if not given
        stats_password: whether the stats page's password is needed

    Raises:
        InventoryError: the password store does not have one, or nobody is there to be asked
    """
    folder = inventory_folder(nornir)
    fetched: dict[tuple[str, str], SecretStr] = {}
    for place, data in _levels(nornir):
        for *sections, key in SECRETS if stats_password else SECRETS[1:]:
            holder = _section(data, sections)
            source = holder.get(key)
            if not isinstance(source, Mapping) or len(source) != 1:
                continue
            [(form, words)] = source.items()
            if form not in FETCHED or not isinstance(words, str):
                continue
            if (form, words) not in fetched:
                try:
                    fetched[form, words] = SecretStr(ask(words)) if form == "prompt" else read_secret(source, folder)
                except (OSError, ValueError) as error:
                    raise InventoryError([Problem(place, ".".join([*sections, key]), str(error))]) from error
            holder[key] = fetched[form, words]


def _levels(nornir: Nornir) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and data of each level of an inventory."""
    inventory = nornir.inventory
    yield "defaults", inventory.defaults.data
    for level in (*inventory.groups.values(), *inventory.hosts.values()):
        yield level.name, level.data


def _section(data: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """A section of some data; an empty one where there is none."""
    for name in names:
        inner = data.get(name)
        data = inner if isinstance(inner, dict) else {}
    return data
