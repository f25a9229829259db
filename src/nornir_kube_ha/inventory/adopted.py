"""The inventories around an adoption: one to log in by, made of a command line; and the adopted one, as a folder."""

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from nornir.core import Nornir
from nornir.core.inventory import Host

from nornir_kube_ha.adoption import Adoption, Reached
from nornir_kube_ha.adoption.document import to_yaml
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.files import read_text, write_file
from nornir_kube_ha.inventory.files import FILES
from nornir_kube_ha.inventory.load import inventory_folder, login_site
from nornir_kube_ha.inventory.login_options import CONNECTION, login_options
from nornir_kube_ha.inventory.login_words import is_host_word, is_user_word
from nornir_kube_ha.inventory.merge import merged_data

SSH_PORT = 22
OF_THE_WAY = ("lab", "lab_suite", "lab_control_plane", "lab_etcd", "host_keys", "firewall")
"""Keys of a host's data that an adopted inventory takes over from the one that was used to log in."""
KEYS = ("id_ed25519", "id_ecdsa", "id_rsa")
"""Names of key files in ~/.ssh, in the order in which they are looked for."""
_TARGET = re.compile(r"(?:([^@]+)@)?(?:\[([^\[\]]+)\]|([^\[\]:]+))(?::([0-9]{1,5}))?")


def targets(given: Collection[str]) -> Mapping[str, Reached]:
    """Return the hosts that a command line names, by their names there.

    Arguments:
        given: `[USER@]HOST[:PORT]` of each

    Raises:
        UsageError: one is not a host
    """
    found: dict[str, Reached] = {}
    for text in given:
        match = _TARGET.fullmatch(text)
        host = (match[2] or match[3]) if match else ""
        port = int(match[4]) if match and match[4] else SSH_PORT
        if not match or not is_host_word(host) or (match[1] and not is_user_word(match[1])) or not 0 < port < 65536:
            raise UsageError(f"expected [USER@]HOST[:PORT], an IPv6 address in brackets; got {text!r:.200}")
        if host in found:
            raise UsageError(f"{host} is named twice")
        found[host] = Reached(host, port if port != SSH_PORT else None, match[1] or "", _own_keys())
    return found


def _own_keys() -> Mapping[str, Any]:
    """Return login options where there is no inventory: the operator's agent, and the first key in ~/.ssh.

    Where an ssh_config file names keys, those count.
    """
    folder = Path("~/.ssh").expanduser()
    config = folder / "config"
    key = next((name for name in KEYS if (folder / name).is_file()), "")
    with suppress(OSError, ValueError):
        if config.exists() and "identityfile" in read_text(config).lower():
            key = ""
    return {"allow_agent": True} | ({"use_keys": True, "key_file": f"~/.ssh/{key}"} if key else {})


@contextmanager
def login_inventory(hosts: Mapping[str, Reached]) -> Iterator[Path]:
    """Yield a folder with an inventory that is good for logins and for nothing else.

    Arguments:
        hosts: by name
    """
    tree: dict[str, object] = {}
    for name, way in hosts.items():
        keys = {"hostname": way.hostname, "port": way.port, "username": way.username or None}
        tree[name] = {key: value for key, value in keys.items() if value is not None} | {
            "connection_options": {CONNECTION: {"extras": dict(way.extras)}}
        }
    with tempfile.TemporaryDirectory(prefix="kube-ha-") as folder:
        write_file(Path(folder) / FILES["host"], to_yaml("For logins.", tree))
        yield Path(folder)


def way_of(nornir: Nornir, host: Host) -> Reached:
    """Return how an inventory reaches a host.

    Arguments:
        nornir: of the inventory, before secrets are fetched
        host: of it
    """
    options = host.get_connection_parameters(CONNECTION)
    data, folder = merged_data(host), inventory_folder(nornir)
    extras = dict(options.extras or {})
    if known_hosts_of(nornir, host):
        extras = {key: value for key, value in extras.items() if key not in {"alt_host_keys", "alt_key_file"}}
    kept: dict[str, Any] = {key: data[key] for key in OF_THE_WAY if key in data}
    login = data.get("login")
    secrets = {key: _source(value, folder) for key, value in (login if isinstance(login, Mapping) else {}).items()}
    if secrets := {key: value for key, value in secrets.items() if value}:
        kept["login"] = secrets
    port = options.port if options.port != SSH_PORT else None
    return Reached(options.hostname or host.name, port, options.username or "", extras, kept)


def _source(value: object, folder: Path) -> Mapping[str, str] | None:
    """Return where a secret comes from, relative to nothing; None for one in clear text, which is not copied."""
    if not isinstance(value, Mapping) or not all(isinstance(each, str) for each in value.values()):
        return None
    return {key: str(folder / Path(each).expanduser()) if key == "file" else each for key, each in value.items()}


def known_hosts_of(nornir: Nornir, host: Host) -> str:
    """Return the text of the known_hosts file in an inventory's folder that a host's login uses; "" if there is none.

    Arguments:
        nornir: of the inventory
        host: of it
    """
    site = login_site(nornir)
    path = login_options(host, merged_data(host), site)["alt_key_file"]
    if not path or not site.folder or not Path(path).resolve().is_relative_to(site.folder.resolve()):
        return ""
    try:
        return read_text(Path(path))
    except (OSError, ValueError):
        return ""


def refuse_full(folder: Path) -> None:
    """Refuse a folder that an inventory cannot be written to.

    Raises:
        UsageError: it is not empty, or no folder
    """
    try:
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise UsageError(f"{folder} is not empty; name a new folder with -o, so that nothing is overwritten")
    except OSError as error:
        raise UsageError(f"{folder} cannot be read: {error.strerror}") from error


@contextmanager
def draft_of(adoption: Adoption, known_hosts: str, folder: Path) -> Iterator[Path]:
    """Write an adopted inventory beside its folder, yield the draft, and put it in the folder's place in the end.

    Only its owner may read it: it may hold lines of the hosts' own files. A failure leaves nothing.

    Arguments:
        adoption: the inventory
        known_hosts: SSH keys of its hosts, "" for none of its own
        folder: its final place, which does not exist yet or is empty

    Raises:
        UsageError: it cannot be written
    """
    refuse_full(folder)
    draft = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for name, file in adoption.files.items():
            write_file(draft / name, file.text, 0o600 if file.is_secret else None)
        if known_hosts:
            write_file(draft / "known_hosts", known_hosts)
        yield draft
        draft.rename(folder)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {os.strerror(error.errno or 0)}") from error
    finally:
        if draft is not None and draft.exists():
            shutil.rmtree(draft)
