"""Private keys of logins, each read once for all hosts.

paramiko reads a key file for each host, once as each type of key, and checks an RSA key's numbers every time.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.pkey import UnknownKeyType

_CERTIFICATE = "-cert.pub"
_UNREADABLE = (paramiko.SSHException, UnknownKeyType, UnsupportedAlgorithm, OSError, ValueError, TypeError)
"""What reading a key raises. TypeError: its passphrase is missing, or not needed."""


def with_key(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters of paramiko's `connect` with the key itself instead of its file.

    They are returned as they are if they name no file or several, or if the key cannot be read: paramiko says why.

    Arguments:
        parameters: `key_filename`, `pkey`, `passphrase` and `password` are read
    """
    named = parameters.get("key_filename")
    files = [named] if isinstance(named, str | Path) else named or []
    if parameters.get("pkey") is not None or len(files) != 1:
        return parameters
    file = str(files[0]).removesuffix(_CERTIFICATE)
    secret = parameters.get("passphrase") or parameters.get("password")
    try:
        key = _read(file, secret, _stamp(file), _stamp(file + _CERTIFICATE))
    except _UNREADABLE:
        return parameters
    return {**parameters, "pkey": key, "key_filename": None}


def _stamp(file: str) -> tuple[int, ...]:
    """Return what changes with a file's content; empty if there is no such file."""
    try:
        status = Path(file).expanduser().stat()
    except FileNotFoundError:
        return ()
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size


@lru_cache(maxsize=8)
def _read(file: str, passphrase: str | None, *_stamps: tuple[int, ...]) -> paramiko.PKey:
    secret = (passphrase or "").encode() or None
    try:
        return paramiko.PKey.from_path(file, secret)  # type: ignore[arg-type] # the stubs wrongly say str
    except TypeError:
        if secret is None:
            raise
        return paramiko.PKey.from_path(file)  # what was given is the login's password, and the key has no passphrase
