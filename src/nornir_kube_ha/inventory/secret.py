"""Reads the secrets that an inventory refers to. Their values never appear in errors or in `repr`."""

import os
import re
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from nornir_kube_ha.files import read_text

STORE = "KUBE_HA_PASS"
"""Environment variable with the command that prints an entry of the password store; the entry is appended to it."""
DEFAULT_STORE = "pass show"
PATIENCE = 60  # seconds, since the operator may have to type the store's passphrase
FORMS = "text, or one of `env: NAME`, `file: PATH`, `pass: ENTRY` and `prompt: WORDS`"
_ENTRY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@:-]*")


def read_secret(source: object, base: Path) -> SecretStr:
    """Return a secret from its source.

    Arguments:
        source: value in the inventory: text, or a mapping with one of `env`, `file` and `pass`
        base: folder for relative paths

    Raises:
        ValueError: the secret does not exist, or the source is malformed or a `prompt` (runbooks replace it before)
        OSError: the file cannot be read, or the password store's command cannot be run
    """
    match dict(source) if isinstance(source, Mapping) else source:
        case SecretStr() as secret:
            return secret
        case str(text):
            return SecretStr(text)
        case {"env": str(name), **rest} if not rest:
            if name not in os.environ:
                raise ValueError(f"environment variable {name} is not set; export it first")
            return SecretStr(os.environ[name])
        case {"file": str(path), **rest} if not rest:
            return SecretStr(read_text(base / Path(path).expanduser()).strip())
        case {"pass": str(entry), **rest} if not rest:
            return _ask_store(entry)
        case {"prompt": str(words), **rest} if not rest:
            raise ValueError(f"needs a prompt ({words}), which only runbooks show; programs must put a SecretStr here")
        case _:
            raise ValueError(f"must be {FORMS}")


def _ask_store(entry: str) -> SecretStr:
    """Return the first line of a password store's entry.

    The inventory chooses only the entry. The command comes from the environment, so that an inventory cannot run one.
    """
    if not _ENTRY.fullmatch(entry):
        raise ValueError(f"expected the name of an entry, for example kube-ha/stats, got {entry!r}")
    command = [*shlex.split(os.environ.get(STORE) or DEFAULT_STORE), entry]
    try:
        completed = subprocess.run(command, stdout=subprocess.PIPE, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise ValueError(f"{command[0]} did not end within {PATIENCE} s") from None  # its output may be the secret
    if completed.returncode:
        raise ValueError(f"{command[0]} ended with exit status {completed.returncode}; see its output above")
    return SecretStr(completed.stdout.decode(errors="replace").partition("\n")[0])
