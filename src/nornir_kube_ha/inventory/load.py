"""Builds the intent from Nornir's inventory. Everything is parsed once, before the first packet is sent.

Works with any inventory plugin. A host is a node if its data has one of kube-ha's keys; other hosts are ignored.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nornir.core import Nornir
from nornir.core.inventory import Host
from pydantic import SecretStr, ValidationError

from nornir_kube_ha.errors import InventoryError, Problem
from nornir_kube_ha.intent import Cluster, Intent, Node
from nornir_kube_ha.intent.vrids import with_vrids
from nornir_kube_ha.inventory.login_options import weaknesses
from nornir_kube_ha.inventory.login_places import Site
from nornir_kube_ha.inventory.merge import FOREIGN_KEYS, MARKS, foreign_keys, merged_data, our_hosts
from nornir_kube_ha.inventory.problems import problems_of
from nornir_kube_ha.inventory.references import SECRETS, read_references
from nornir_kube_ha.planning.generated_password import new_password

# VRRP's skew time delays a take-over by (256 - priority) / 256 of an advert_int (RFC 5798, 6.1). keepalived removes the
# VIP 4 ms after its priority-0 advert, so below 200 the VIP is gone before another node takes it. Priorities far apart
# let the first node's advert arrive before the next one's skew time ends; close together, two would take over at once.
MASTER_PRIORITY = 180
PRIORITY_STEP = 60


def load_intent(nornir: Nornir, *, read_files: bool = True, stats_password: bool = True) -> Intent:
    """Parse all clusters of an inventory.

    The inventory must be whole, not filtered: a node's files name its peers.

    Arguments:
        nornir: an initialised Nornir; no connection is opened
        read_files: read the secrets, CAs and templates that the inventory refers to; without them no file can be
            rendered
        stats_password: read a stats password that the inventory refers to. Otherwise a look at the hosts supplies the
            one that they have

    Returns:
        The intended state of all nodes

    Raises:
        InventoryError: with all problems, not only the first
    """
    base = inventory_folder(nornir) if read_files else None
    site = login_site(nornir)
    secrets = SECRETS if stats_password else SECRETS[1:]
    problems: list[Problem] = []
    made_up: dict[object, SecretStr] = {}
    nodes: dict[str, list[Node]] = {}
    hosts = {host.name: (host, merged_data(host)) for host in our_hosts(nornir)}
    backups = Counter(str(data.get("cluster")) for _, data in hosts.values() if data.get("role") != "master")
    priorities = {cluster: _backup_priorities(count) for cluster, count in backups.items()}
    for host, data in hosts.values():
        raw, wrong = _complete(host, data, priorities)
        problems += [
            *weaknesses(host, data, site),
            *wrong,
            *read_references(host.name, raw, base, secrets),
            *_make_up(host.name, raw, made_up),
        ]
        try:
            node = Node.model_validate(raw)
        except ValidationError as error:
            problems += problems_of(host.name, error)
        else:
            nodes.setdefault(node.cluster, []).append(node)
    if not nodes and not problems:
        problems.append(
            Problem("", "", f"expected a host whose data has any of: {', '.join(sorted(MARKS))}; found none")
        )
    intent, unallocated = with_vrids(Intent(tuple(Cluster(name, tuple(members)) for name, members in nodes.items())))
    if not problems:  # a host that failed to parse is missing from its cluster, which would cause false problems
        problems = [*unallocated, *intent.problems()]
    if problems:
        raise InventoryError(problems)
    return intent


def inventory_folder(nornir: Nornir) -> Path:
    """Return the folder for relative paths: that of the host file, or the working directory for other plugins."""
    return folder_of_files(nornir) or Path.cwd()


def login_site(nornir: Nornir) -> Site:
    """Return the inventory's folder and Nornir's SSH settings, for the validation of logins."""
    return Site(folder_of_files(nornir), nornir.config.ssh.config_file or "")


def login_problems(nornir: Nornir, host: Host, data: Mapping[str, Any] | None = None) -> Iterator[Problem]:
    """Yield the problems of a host's login settings; the host need not be a node.

    Arguments:
        nornir: an initialised Nornir
        host: a host of its inventory
        data: the host's merged data; None merges them here
    """
    yield from weaknesses(host, merged_data(host) if data is None else data, login_site(nornir))


def folder_of_files(nornir: Nornir) -> Path | None:
    """Return the folder that an inventory was read from; None if it does not come from files."""
    host_file = nornir.config.inventory.options.get("host_file")
    return Path(host_file).expanduser().resolve().parent if host_file else None


def _backup_priorities(count: int) -> Iterator[int]:
    """Return the default priorities of a cluster's backups, in the inventory's order."""
    step = max(1, min(PRIORITY_STEP, (MASTER_PRIORITY - 1) // count))
    return (max(1, MASTER_PRIORITY - number * step) for number in range(1, count + 1))


def _complete(
    host: Host, data: dict[str, Any], priorities: Mapping[str, Iterator[int]]
) -> tuple[dict[str, Any], list[Problem]]:
    """Return a host's data with defaults that depend on the host, and the problems found."""
    foreign = foreign_keys(data)
    problems = []
    if not isinstance(data.pop(FOREIGN_KEYS, ()), list | tuple):
        problems.append(Problem(host.name, FOREIGN_KEYS, "must be a list of keys, for example [site, rack]"))
    raw = {key: value for key, value in data.items() if key not in foreign}
    if "name" in raw:
        problems.append(
            Problem(host.name, "name", f"is not a valid key of the data: Nornir calls this host {host.name}")
        )
    raw["name"] = host.name
    raw.setdefault("address", host.hostname)
    if isinstance(raw.setdefault("keepalived", {}), Mapping):
        raw["keepalived"] = {**_keepalived_defaults(host.name, raw, priorities), **raw["keepalived"]}
    return raw, problems


def _make_up(host: str, raw: dict[str, Any], made_up: dict[object, SecretStr]) -> Iterator[Problem]:
    """Generate a stats password, the same for all nodes of a cluster, if `generate_password` is set."""
    haproxy = raw.get("haproxy")
    if not isinstance(haproxy, Mapping) or not isinstance(stats := haproxy.get("stats"), Mapping):
        return
    if stats.get("generate_password") is not True:
        return
    if "password" in stats:
        yield Problem(
            host, "haproxy.stats.generate_password", "cannot be set together with `password`: remove one of them"
        )
        return
    password = made_up.setdefault(str(raw.get("cluster")), new_password())
    raw["haproxy"] = {**haproxy, "stats": {**stats, "password": password}}


def _keepalived_defaults(name: str, raw: Mapping[str, Any], priorities: Mapping[str, Iterator[int]]) -> dict[str, Any]:
    """Return keepalived's defaults that depend on the role and on the order in the inventory."""
    is_master = raw.get("role") == "master"
    priority = MASTER_PRIORITY if is_master else next(priorities[str(raw.get("cluster"))])
    preempts = raw["keepalived"].get("preempt", False)
    return {"router_id": name, "priority": priority, "state": "MASTER" if is_master and preempts else "BACKUP"}
