"""From the framed text that `facts.sh` prints to facts. Pure."""

import base64
import binascii
import csv
import json
import re
from collections.abc import Iterator
from ipaddress import IPv4Interface
from typing import Any

from nornir_kube_ha.config import FileFact
from nornir_kube_ha.facts.model import VRRP_STATES, Facts, Listener, Package, Probe, Server, Unit, VRRPInstance


def parse_facts(text: str, nonce: str) -> Facts:
    """Read what `facts.sh` printed.

    Arguments:
        text: its whole output, whatever a login shell printed around it
        nonce: the word that its section lines begin with

    Raises:
        ValueError: the output is cut short or not what the script prints
    """
    try:
        return _facts(_sections(text, nonce))
    except (AttributeError, IndexError, KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _sections(text: str, nonce: str) -> dict[str, str]:
    sections: dict[str, str] = {}
    name = ""
    body: list[str] = []
    for line in text.splitlines():
        if line.startswith(f"@{nonce} "):
            sections[name] = "\n".join(body).strip("\n")
            name, body = line.removeprefix(f"@{nonce} "), []
        else:
            body.append(line)
    if name != "end":
        raise ValueError(f"the output ends in section {name or '(none)'}")
    return sections


def _facts(sections: dict[str, str]) -> Facts:
    named = {name: body for name, body in sections.items() if name.startswith(("file ", "journal "))}
    return Facts(
        os=_os_name(sections["os"]),
        is_root=sections["user"] == "0",
        package_manager=sections["package_manager"].rpartition("/")[2],
        packages=dict(_packages(sections["packages"], sections["candidates"])),
        files={fact.path: fact for fact in _files(named)},
        units={unit.name: unit for unit in _units(sections["units"], named)},
        has_run_folder=sections["run_folder"] == "there",
        pending=tuple(sections["pending"].split()),
        addresses=tuple(_addresses(sections["addresses"])),
        listeners=tuple(_listeners(sections["listeners"])),
        servers=_servers(sections["haproxy"]),
        vrrp=_vrrp(sections["keepalived"]),
        vip_answers_ping=sections["ping"] == "answered",
        **{name: _probe(sections[name]) for name in ("readyz", "stats_open", "stats_login") if name in sections},
    )


def _os_name(os_release: str) -> str:
    match = re.search(r'^PRETTY_NAME="?([^"\n]*)', os_release, re.MULTILINE)
    return match[1] if match else "unknown"


def _packages(installed: str, policy: str) -> Iterator[tuple[str, Package]]:
    for line in installed.splitlines():
        name, _, rest = line.partition(" ")
        version, _, status = rest.rpartition(" ")
        if status == "installed":
            yield name, Package(version)
    for name, candidate in re.findall(r"^(\S+):\n  Installed: .*\n  Candidate: (.*)$", policy, re.MULTILINE):
        yield name, Package(None, None if candidate == "(none)" else candidate)


def _files(named: dict[str, str]) -> Iterator[FileFact]:
    for name, body in named.items():
        kind, *words = name.split()
        if kind == "file":
            path, mode, owner, group = words
            yield FileFact(path, mode, owner, group, base64.b64decode(body, validate=False))


def _units(shown: str, named: dict[str, str]) -> Iterator[Unit]:
    for block in shown.split("\n\n"):
        values = dict(line.split("=", 1) for line in block.splitlines())
        name = values["Id"].removesuffix(".service")
        yield Unit(
            name=name,
            exists=values["LoadState"] == "loaded",
            active_state=values["ActiveState"],
            sub_state=values["SubState"],
            enabled=values["UnitFileState"] == "enabled",
            needs_daemon_reload=values["NeedDaemonReload"] == "yes",
            journal=tuple(named.get(f"journal {name}", "").splitlines()),
        )


def _addresses(text: str) -> Iterator[tuple[str, IPv4Interface]]:
    for link in json.loads(text):
        for info in link.get("addr_info", ()):
            if info["family"] == "inet":
                yield link["ifname"], IPv4Interface(f"{info['local']}/{info['prefixlen']}")


def _listeners(text: str) -> Iterator[Listener]:
    for line in text.splitlines():
        _state, _received, _sent, local, _peer, *rest = line.split()
        address, _, port = local.rpartition(":")
        process = re.search(r'"([^"]+)"', " ".join(rest))
        yield Listener(address, int(port), process[1] if process else "")


def _servers(text: str) -> tuple[Server, ...] | None:
    if not text:
        return None
    rows = csv.DictReader(text.removeprefix("# ").splitlines())
    return tuple(
        Server(row["svname"], row["status"], " ".join(filter(None, (row["check_status"], row["last_chk"]))))
        for row in rows
        if row["pxname"] == "kube-apiserver" and row["svname"] not in {"FRONTEND", "BACKEND"}
    )


def _vrrp(text: str) -> tuple[VRRPInstance, ...] | None:
    if not text:
        return None
    try:
        return tuple(_vrrp_instance(each["data"]) for each in json.loads(text))
    except (ValueError, LookupError, TypeError):  # of another version, or cut short: it has not answered us
        return None


def _vrrp_instance(data: dict[str, Any]) -> VRRPInstance:
    return VRRPInstance(data["iname"], VRRP_STATES[data["state"]], data["effective_priority"])


def _probe(text: str) -> Probe:
    error, _, status = text.rpartition("status ")
    return Probe(int(status), error.strip())
