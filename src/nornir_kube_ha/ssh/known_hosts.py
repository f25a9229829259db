"""The host keys that are known, from files as OpenSSH writes them.

paramiko's own reading ends every login at the first line that it does not know: `@cert-authority`, `@revoked`, or one
that is cut off. Here such a line vouches for nobody, and the others hold.
"""

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import paramiko
from netmiko import BaseConnection
from paramiko.hostkeys import HostKeyEntry, InvalidHostKey

SYSTEM_FILE = Path("~/.ssh/known_hosts")
_REVOKED = "@revoked"
_HASH = "|1|"


def name_of(host: str, port: int) -> str:
    """What a host is called there: `192.0.2.11`, `[192.0.2.11]:2222`.

    Arguments:
        host: its name or address
        port: of its SSH server
    """
    return host if port == paramiko.config.SSH_PORT else f"[{host}]:{port}"


def known_keys(connection: BaseConnection, name: str) -> dict[str, paramiko.PKey]:
    """The keys that a host may show, by their kind: those of the first file that knows the host.

    Arguments:
        connection: netmiko's, which says in which files to look
        name: the host's there
    """
    files = [SYSTEM_FILE.expanduser()] if connection.system_host_keys else []
    files += [Path(connection.alt_key_file)] if connection.alt_host_keys else []
    read = [known for file in files if (known := _known(file))]
    revoked = {key for known in read for key in known.revoked}
    for known in read:
        if own := [*known.keys_of(name)]:
            keys: dict[str, paramiko.PKey] = {}
            for key in own:
                if key not in revoked:
                    keys.setdefault(key.get_name(), key)  # the first of a kind holds
            return keys
    return {}


def strict_client(connection: BaseConnection, name: str) -> paramiko.SSHClient:
    """The SSH client of netmiko, with the keys that we know of a host rather than with what paramiko reads.

    Arguments:
        connection: netmiko's, not connected
        name: the host's in files of known keys
    """
    keys = known_keys(connection, name)
    kept = connection.system_host_keys, connection.alt_host_keys
    connection.system_host_keys = connection.alt_host_keys = False
    try:
        client: paramiko.SSHClient = connection._build_ssh_client()  # noqa: SLF001 - see `login`
    finally:
        connection.system_host_keys, connection.alt_host_keys = kept
    for kind, key in keys.items():
        client.get_host_keys().add(name, kind, key)
    return client


@dataclass(frozen=True, slots=True)
class _Known:
    """A file of known keys, its lines by the names that they are of: a fleet's is read once, and not for each host.

    Arguments:
        named: lines by each name in them, each with its number
        hashed: lines of names that only who knows the name can tell, each with the name's hash
        revoked: keys that nobody may show
    """

    named: Mapping[str, tuple[tuple[int, str], ...]]
    hashed: tuple[tuple[str, tuple[int, str]], ...]
    revoked: frozenset[paramiko.PKey]

    def keys_of(self, name: str) -> Iterator[paramiko.PKey]:
        """The keys of a host, in the file's order."""
        lines = [*self.named.get(name, ()), *(line for hidden, line in self.hashed if _is_hash(hidden, name))]
        yield from filter(None, (_key(line) for _number, line in sorted(lines)))


def _known(file: Path) -> _Known | None:
    """What a file says, read again when it has changed; none if it is not there for us.

    Raises:
        ValueError: it is there, and cannot be read
    """
    try:
        status = file.stat()
        return _read(file, (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns, status.st_size))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:  # too many open files, say: the keys are there, and nobody is to pin them again
        raise ValueError(f"known hosts {file} cannot be read: {error.strerror}") from error


@lru_cache(maxsize=8)
def _read(file: Path, _stamp: tuple[int, ...]) -> _Known:
    text = file.read_text(encoding="utf-8", errors="replace")
    named: dict[str, tuple[tuple[int, str], ...]] = {}
    hashed: list[tuple[str, tuple[int, str]]] = []
    revoked: set[paramiko.PKey] = set()
    for number, fields in enumerate(map(str.split, text.splitlines()), start=1):
        line = " ".join(fields)  # OpenSSH parts them by any blanks, paramiko by one
        names, _, rest = line.partition(" ")
        if names == _REVOKED:
            if not (key := _key(rest)):
                raise ValueError(f"known hosts {file}, line {number}: the key that it revokes cannot be read")
            revoked.add(key)
        elif not names.startswith(("@", "#")):
            for name in names.split(","):
                named[name] = (*named.get(name, ()), (number, line))
                hashed += [(name, (number, line))] if name.startswith(_HASH) else []
    return _Known(named, tuple(hashed), frozenset(revoked))


def _is_hash(hidden: str, name: str) -> bool:
    try:
        return paramiko.HostKeys.hash_host(name, hidden) == hidden
    except (ValueError, IndexError, AssertionError):  # cut off
        return False


def _key(line: str) -> paramiko.PKey | None:
    """The key of a line; none if it cannot be read."""
    with contextlib.suppress(InvalidHostKey, paramiko.SSHException, ValueError):
        entry = HostKeyEntry.from_line(line)
        return entry.key if entry else None
    return None
