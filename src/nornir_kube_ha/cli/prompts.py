"""Secrets from a prompt or a password store, fetched once, before anything is sent to any host."""

import getpass
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from nornir.core import Nornir
from pydantic import SecretStr

from nornir_kube_ha.errors import InventoryError, Problem, UsageError
from nornir_kube_ha.inventory.load import inventory_folder
from nornir_kube_ha.inventory.references import SECRETS
from nornir_kube_ha.inventory.secret import read_secret
from nornir_kube_ha.text import one_line, shortened

FETCHED = frozenset({"prompt", "pass"})
"""Forms of a secret that are fetched by a prompt or from a password store."""

LONGEST_PROMPT = 200  # characters
AskSecret = Callable[[str], str]
"""Takes a prompt, returns what was typed."""


def ask_secret(words: str) -> str:
    """Prompt for a secret at the terminal, without echo.

    Arguments:
        words: the prompt

    Raises:
        UsageError: stdin is not a terminal
    """
    if not sys.stdin.isatty():
        raise UsageError(
            f"cannot ask for {words}: stdin is not a terminal. Use `env`, `file` or `pass` instead of `prompt`"
        )
    return getpass.getpass(f"{shortened(one_line(words), LONGEST_PROMPT)}: ", stream=sys.stderr)


def fetch_secrets(nornir: Nornir, ask: AskSecret = ask_secret, *, stats_password: bool = True) -> None:
    """Replace references to secrets in an inventory's data with the secrets. Each is asked for once, for all hosts.

    References to the environment and to files stay: reading those on use costs nothing.

    Arguments:
        nornir: the inventory's data is changed in place
        ask: prompts for a secret
        stats_password: whether the stats page's password is needed

    Raises:
        InventoryError: the password store lacks a secret, or stdin is not a terminal
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
    """Yield name and data of each level of an inventory: defaults, groups, hosts."""
    inventory = nornir.inventory
    yield "defaults", inventory.defaults.data
    for level in (*inventory.groups.values(), *inventory.hosts.values()):
        yield level.name, level.data


def _section(data: dict[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Return a nested section of data; an empty one if it is missing."""
    for name in names:
        inner = data.get(name)
        data = inner if isinstance(inner, dict) else {}
    return data
