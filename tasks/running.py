"""Read what runs on a host, of any origin: the files that haproxy and keepalived load, and its addresses."""

import base64
import binascii
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address

from nornir.core.task import Result, Task

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.adoption.running import Running, SourceFile
from nornir_kube_ha.daemons.text import MOST_PARSED
from nornir_kube_ha.errors import AdoptionError, LoginRefusedError
from nornir_kube_ha.facts.parse_network import addresses
from nornir_kube_ha.sections import sections_about, sections_of
from nornir_kube_ha.ssh.remote import reading, run_script
from nornir_kube_ha.ssh.script import Script

LOOK = Script(("section.sh", "loads.sh", "running.sh"), "nonce most_bytes most_files most_total resolved")
TIMEOUT = 60  # seconds; names are resolved one after the other
MOST_FILES, MOST_TOTAL = 64, 2**21  # files and bytes of each daemon; what is printed stays below `MAX_OUTPUT`
MOST_RESOLVED = 10  # names
MOST_ADDRESSES = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")


def get_running(task: Task) -> Result:
    """Read what runs on a host. Changes nothing, and runs nothing that a file says.

    Returns:
        Result object with the following attributes set:
          * result (:obj:`nornir_kube_ha.adoption.Running`): files, addresses and versions

    Raises:
        AdoptionError: the daemons load more than can be read
        LoginRefusedError: the login is not root
        UnexpectedReplyError: the host's answer cannot be parsed
        HostUnreachableError, RemoteTimeoutError: see `run_script`
    """
    nonce = secrets.token_hex(8)
    stdout = _ask(task, nonce, ())
    with reading(task):
        found = parse_running(task.host.name, stdout, nonce)
    if found is None:
        raise LoginRefusedError(task.host.name, f"{task.host.username} is not root, and sudo has not made it so")
    return Result(host=task.host, result=found)


def get_resolved(task: Task, names: Mapping[str, Iterable[str]]) -> Result:
    """Have a host resolve names. Changes nothing.

    Arguments:
        names: by the name of the host that resolves them; only words that can be a DNS name are sent

    Returns:
        Result object with the following attributes set:
          * result (``dict``): addresses by name

    Raises:
        UnexpectedReplyError: the host's answer cannot be parsed
    """
    asked = [name for name in names.get(task.host.name, ()) if _NAME.fullmatch(name)][:MOST_RESOLVED]
    if not asked:
        return Result(host=task.host, result={})
    nonce = secrets.token_hex(8)
    stdout = _ask(task, nonce, asked)
    with reading(task):
        return Result(host=task.host, result=dict(parse_resolved(stdout, nonce)))


def _ask(task: Task, nonce: str, names: Iterable[str]) -> str:
    script = LOOK.render(
        nonce=nonce,
        most_bytes=str(MOST_PARSED),
        most_files=str(MOST_FILES),
        most_total=str(MOST_TOTAL),
        resolved=" ".join(names),
    )
    return run_script(task, script, timeout=TIMEOUT).stdout


def parse_running(name: str, text: str, nonce: str) -> Running | None:
    """Parse the output of `running.sh`; None if the login is not root.

    Arguments:
        name: of the host
        text: the whole output
        nonce: word that marks section lines

    Raises:
        AdoptionError: the host's daemons load more than can be read
        ValueError: the output is truncated or malformed
    """
    try:
        return _running(name, sections_of(text, nonce))
    except (KeyError, TypeError, AttributeError, RecursionError, binascii.Error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _running(name: str, sections: Mapping[str, str]) -> Running | None:
    if sections["user"] != "0":
        return None
    for (daemon, *path), _ in sections_about("excess", sections):
        words = f"{daemon} loads more than {MOST_FILES} files, or more than {MOST_TOTAL} bytes in all"
        raise AdoptionError(name, f"{words}: {' '.join(path)[:300]} is one too many")
    ca_path, ca = next(((" ".join(words), body) for words, body in sections_about("ca", sections)), ("", ""))
    return Running(
        name=name,
        haproxy=tuple(_files("haproxy", sections)),
        keepalived=tuple(_files("keepalived", sections)),
        addresses=tuple(addresses(sections["addresses"]))[:MOST_ADDRESSES],
        versions={words[0]: body for words, body in sections_about("version", sections) if words},
        ca=ca,
        ca_path=ca_path,
        server=sections.get("server", ""),
        hostname=sections.get("hostname", ""),
    )


def _files(daemon: str, sections: Mapping[str, str]) -> Iterator[SourceFile]:
    for (owner, *path), body in sections_about("file", sections):
        if owner == daemon:
            yield SourceFile(" ".join(path), base64.b64decode(body))


def parse_resolved(text: str, nonce: str) -> Iterator[tuple[str, tuple[IPAddress, ...]]]:
    """Yield each name with its addresses; other words than addresses are skipped.

    Arguments:
        text: the whole output
        nonce: word that marks section lines

    Raises:
        ValueError: the output is truncated
    """
    for (name, *_), body in sections_about("name", sections_of(text, nonce)):
        found = []
        for word in body.split():
            with suppress(ValueError):
                found.append(ip_address(word))
        yield name, tuple(found)
