"""An inventory's copy for a lab: the same hosts and settings, with the lab's logins, passwords and CA.

No secret is read. Whatever refers to one, or leads to a production host, is replaced or left out.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nornir.core import Nornir
from nornir.core.inventory import Host
from pydantic import SecretStr
from ruamel.yaml import YAML

from nornir_kube_ha.errors import InventoryError, Problem
from nornir_kube_ha.intent import Apiserver
from nornir_kube_ha.inventory.files import FILES
from nornir_kube_ha.inventory.load import inventory_folder
from nornir_kube_ha.inventory.login_places import KNOWN_HOSTS, LABS
from nornir_kube_ha.inventory.merge import FOREIGN_KEYS, foreign_keys, merged_data, our_hosts
from nornir_kube_ha.inventory.references import read_certificates
from nornir_kube_ha.planning.generated_password import new_password

LEFT_OUT = frozenset({"login", "kubeconfig", "host_keys", FOREIGN_KEYS})
"""Keys of a host's data that concern production's logins and credentials only."""
OWN, STRANGER, BOTH = "ca.crt", "stranger.crt", "both.crt"
"""CA files of a rehearsal: the lab's own CA, one that signed nothing, and the two in one file."""
MOST_OF_VRRP = 8  # characters of a password in VRRP version 2 (RFC 2338, 5.3.10)
_CERTIFICATE = re.compile("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_ENTERPRISE = re.compile(r"almalinux|alma|centos|el[0-9]|el$|fedora|ol[0-9]|oracle|red ?hat|rhel|rocky")
_DEBIAN = re.compile(r"debian.*?(?<!\d)(11|12|13)(?!\d)|(bullseye|bookworm|trixie)")
_RELEASES = {"11": "bullseye", "12": "bookworm", "13": "trixie"}


@dataclass(slots=True)
class StandIns:
    """The lab's values that stand for production's. One value has the same stand-in in each state of an inventory.

    Arguments:
        lab: the lab's name
        folder: the folder of the rehearsal's CA files
        passwords: by production's source of the password
        known: certificates of the CAs that the first state trusts, by cluster
    """

    lab: str
    folder: Path
    passwords: dict[str, str] = field(default_factory=dict)
    known: dict[str, set[str]] = field(default_factory=dict)

    def password(self, source: object) -> str:
        """Return the password that stands for a source; where the source changes, the password changes too."""
        key = source.get_secret_value() if isinstance(source, SecretStr) else json.dumps(source, sort_keys=True)
        return self.passwords.setdefault(key, new_password().get_secret_value())

    def vrrp_password(self, source: object) -> str:
        """Return the `auth_pass` that stands for a source: VRRP has 8 characters for it."""
        return self.password(source)[:MOST_OF_VRRP]

    def ca(self, cluster: str, certificates: Iterable[str]) -> Path:
        """Return the CA file that stands for certificates: the lab's for those that the first state trusts."""
        known = self.known.get(cluster, set())
        found = {each in known for each in certificates}
        return self.folder / (OWN if found == {True} else STRANGER if found == {False} else BOTH)


def lab_copy(
    nornir: Nornir, stand_ins: StandIns, control_plane: str | None = None, *, is_first: bool
) -> dict[str, Any]:
    """Return the content of a hosts.yaml: each host that is ours, with its merged data.

    Arguments:
        nornir: production's inventory, whole and valid
        stand_ins: the rehearsal's; it learns what the first state trusts
        control_plane: `real` or `stand-in` for all clusters; None: as the inventory says
        is_first: whether this is the first state: its CAs are taken for right

    Raises:
        InventoryError: a CA file cannot be read
    """
    folder, hosts = inventory_folder(nornir), our_hosts(nornir)
    trusted = _certificates(hosts, folder)
    for host in hosts if is_first else _of_new_trust(hosts, stand_ins):
        cluster = str(merged_data(host).get("cluster"))
        stand_ins.known.setdefault(cluster, set()).update(trusted.get(host.name, ()))
    return {host.name: _copied(host, folder, stand_ins, trusted, control_plane) for host in hosts}


def _of_new_trust(hosts: Iterable[Host], stand_ins: StandIns) -> list[Host]:
    """Return the hosts of clusters for which the first state trusts no CA: nothing says that theirs is wrong."""
    return [host for host in hosts if not stand_ins.known.get(str(merged_data(host).get("cluster")))]


def _certificates(hosts: Iterable[Host], folder: Path) -> dict[str, tuple[str, ...]]:
    """Return the certificates of each host's CA file, by host name; hosts without one are left out."""
    found: dict[str, tuple[str, ...]] = {}
    problems: list[Problem] = []
    for host in hosts:
        if isinstance(path := merged_data(host).get("apiserver_ca"), str):
            try:
                text = read_certificates(folder / path)
            except (OSError, ValueError) as error:
                problems.append(Problem(host.name, "apiserver_ca", str(error)))
            else:
                found[host.name] = certificates_in(text)
    if problems:
        raise InventoryError(problems)
    return found


def certificates_in(text: str) -> tuple[str, ...]:
    """Return the certificates in a text, each without white space."""
    return tuple("".join(each.split()) for each in _CERTIFICATE.findall(text))


def _copied(
    host: Host,
    folder: Path,
    stand_ins: StandIns,
    trusted: Mapping[str, tuple[str, ...]],
    control_plane: str | None,
) -> dict[str, Any]:
    data = merged_data(host)
    left_out = {*LEFT_OUT, *foreign_keys(data)}
    data = {key: value for key, value in data.items() if key not in left_out}
    data["lab"] = stand_ins.lab
    data.setdefault("lab_suite", suite_of(host.platform))
    if control_plane:
        data["lab_control_plane"] = control_plane
    if host.name in trusted:
        data["apiserver_ca"] = str(stand_ins.ca(str(data.get("cluster")), trusted[host.name]))
    if isinstance(data.get("templates"), str):
        data["templates"] = str(folder / data["templates"])
    haproxy = data.get("haproxy") or {}
    if "password" in (stats := haproxy.get("stats") or {}):
        stats = {**stats, "password": stand_ins.password(stats["password"])}
        haproxy = {**haproxy, "stats": stats}
    if listeners := haproxy.get("listeners"):
        haproxy = {**haproxy, "listeners": _served_by_apiservers(listeners, data["apiservers"])}
    if haproxy:
        data["haproxy"] = haproxy
    if (keepalived := data.get("keepalived") or {}).get("auth_pass") is not None:
        data["keepalived"] = {**keepalived, "auth_pass": stand_ins.vrrp_password(keepalived["auth_pass"])}
    address = str(data.get("address", host.hostname))
    plain: dict[str, Any] = json.loads(json.dumps(data, default=str))
    return {"hostname": address, "port": 22, **_login(stand_ins.lab), "data": plain}


def _served_by_apiservers(
    listeners: Mapping[str, Mapping[str, Any]], apiservers: Iterable[object]
) -> dict[str, dict[str, Any]]:
    """Return further listeners with the apiservers as servers, since the lab has no ingress and no registry.

    The apiservers answer neither the listeners' own health checks nor a PROXY header.
    """
    found = [Apiserver.model_validate(each) for each in apiservers]
    servers = [{"name": each.name, "address": str(each.address), "port": each.port} for each in found]
    left_out = {"check", "check_path", "check_port", "send_proxy"}
    return {
        name: {key: value for key, value in each.items() if key not in left_out} | {"servers": servers}
        for name, each in listeners.items()
    }


def _login(lab: str) -> dict[str, Any]:
    """Return the way into a lab's hosts."""
    extras = {
        "ssh_strict": True,
        "system_host_keys": False,
        "alt_host_keys": True,
        "alt_key_file": str(LABS / lab / KNOWN_HOSTS),
        "use_keys": True,
        "key_file": str(LABS / lab / "id_ed25519"),
        "auto_connect": False,
    }
    return {"username": "root", "platform": "linux", "connection_options": {"netmiko": {"extras": extras}}}


def suite_of(platform: object) -> str:
    """Return the lab's image for a platform as inventories name it, such as `debian 13`; Debian 12 for all others."""
    text = str(platform or "").lower()
    if found := _DEBIAN.search(text):
        return _RELEASES.get(found[1] or "", found[2] or "")
    return "dnf" if _ENTERPRISE.match(text) else "bookworm"


def names_release(platform: object) -> bool:
    """Return whether a platform names a release that the lab has an image for."""
    text = str(platform or "").lower()
    return bool(_DEBIAN.search(text) or _ENTERPRISE.match(text))


def write_inventory(hosts: Mapping[str, Any], folder: Path) -> Path:
    """Write hosts.yaml to a new folder that only its owner can read, and return the folder."""
    folder.mkdir(mode=0o700, parents=True)
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment] # the order decides priorities
    with (folder / FILES["host"]).open("w", encoding="utf-8") as file:
        yaml.dump(dict(hosts), file)
    return folder
