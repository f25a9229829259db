"""Builds the intent from Nornir's inventory. Everything is parsed once, before the first packet is sent.

Works with any inventory plugin. A host is a node if its data has one of kube-ha's keys; other hosts are ignored.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from nornir.core import Nornir
from nornir.core.inventory import Host
from pydantic import SecretStr, ValidationError
from pydantic_core import ErrorDetails

from nornir_kube_ha.errors import InventoryError, Problem
from nornir_kube_ha.files import read_text
from nornir_kube_ha.intent import Cluster, Intent, Node, Settings, Template
from nornir_kube_ha.intent.haproxy import UNREADABLE
from nornir_kube_ha.intent.vrids import with_vrids
from nornir_kube_ha.inventory.login_options import weaknesses
from nornir_kube_ha.inventory.login_places import Site
from nornir_kube_ha.inventory.secret import read_secret
from nornir_kube_ha.planning.generated_password import new_password

FOREIGN_KEYS = "foreign_keys"  # keys of `data` that belong to other automation
# VRRP's skew time delays a take-over by (256 - priority) / 256 of an advert_int (RFC 5798, 6.1). keepalived removes the
# VIP 4 ms after its priority-0 advert, so below 200 the VIP is gone before another node takes it. Priorities far apart
# let the first node's advert arrive before the next one's skew time ends; close together, two would take over at once.
MASTER_PRIORITY = 180
PRIORITY_STEP = 60
SECRETS = (("haproxy", "stats", "password"), ("login", "password"), ("login", "sudo_password"))
"""Keys whose value may refer to a secret instead of containing it."""
TEMPLATE = ".j2"
MARKS = frozenset({"cluster", "vip", "virtual_router_id", "apiservers"})  # keys that only a node's data have
FOLLOWS = "default_factory_not_called"  # pydantic's error type for a default that depends on an invalid field
PER_HOST_KEYS = frozenset({"name"})  # set from Nornir's host, not from its data


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
            *_read(host.name, raw, base, secrets),
            *_make_up(host.name, raw, made_up),
        ]
        try:
            node = Node.model_validate(raw)
        except ValidationError as error:
            problems += [_problem(host.name, details) for details in _causes(error)]
        else:
            nodes.setdefault(node.cluster, []).append(node)
    if not nodes and not problems:
        problems.append(Problem("", "", f"no host of the inventory has any of: {', '.join(sorted(MARKS))}"))
    intent, unallocated = with_vrids(Intent(tuple(Cluster(name, tuple(members)) for name, members in nodes.items())))
    if not problems:  # a host that failed to parse is missing from its cluster, which would cause false problems
        problems = [*unallocated, *intent.problems()]
    if problems:
        raise InventoryError(problems)
    return intent


def secret_at(data: Mapping[str, Any], path: tuple[str, ...], base: Path) -> SecretStr | None:
    """Return a secret that a host's data contain or refer to; None if the key is absent.

    Arguments:
        data: the host's merged data
        path: the key's path from the top of the data
        base: folder for relative paths

    Raises:
        ValueError: the secret does not exist, or its source is malformed
        OSError: the file cannot be read
    """
    value: object = data
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return None if value is None else read_secret(value, base)


def our_hosts(nornir: Nornir) -> tuple[Host, ...]:
    """Return the hosts whose data have one of kube-ha's keys.

    Arguments:
        nornir: an initialised Nornir; no connection is opened
    """
    return tuple(host for host in nornir.inventory.hosts.values() if _is_ours(merged_data(host)))


def merged_data(host: Host) -> dict[str, Any]:
    """Return a host's data with sections merged from defaults, groups and host; later levels win.

    Nornir itself takes a whole section from the nearest level. Here a host may set one key of a section and inherit
    the others. Lists and single values are replaced.
    """
    levels = [host.defaults.data, *(group.data for group in reversed(list(host.extended_groups()))), host.data]
    data: dict[str, Any] = {}
    for level in levels:
        data = _merge(data, level or {})
    return data


def _merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        inherited = merged.get(key)
        both = isinstance(value, Mapping) and isinstance(inherited, Mapping)
        merged[key] = _merge(inherited, value) if both else value  # type: ignore[arg-type]  # both are mappings
    return merged


def _is_ours(data: Mapping[str, Any]) -> bool:
    keys = set(data) - set(_foreign_keys(data))
    return bool(MARKS & keys)


def _foreign_keys(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys listed in `foreign_keys`; empty if that is not a list."""
    foreign = data.get(FOREIGN_KEYS)
    return tuple(map(str, foreign)) if isinstance(foreign, list | tuple) else ()


def inventory_folder(nornir: Nornir) -> Path:
    """Return the folder for relative paths: that of the host file, or the working directory for other plugins."""
    return _folder_of_files(nornir) or Path.cwd()


def login_site(nornir: Nornir) -> Site:
    """Return the inventory's folder and Nornir's SSH settings, for the validation of logins."""
    return Site(_folder_of_files(nornir), nornir.config.ssh.config_file or "")


def login_problems(nornir: Nornir, host: Host, data: Mapping[str, Any] | None = None) -> Iterator[Problem]:
    """Yield the problems of a host's login settings; the host need not be a node.

    Arguments:
        nornir: an initialised Nornir
        host: a host of its inventory
        data: the host's merged data; None merges them here
    """
    yield from weaknesses(host, merged_data(host) if data is None else data, login_site(nornir))


def _folder_of_files(nornir: Nornir) -> Path | None:
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
    foreign = _foreign_keys(data)
    problems = []
    if not isinstance(data.pop(FOREIGN_KEYS, ()), list | tuple):
        problems.append(Problem(host.name, FOREIGN_KEYS, "must be a list of keys, as [site, rack]"))
    raw = {key: value for key, value in data.items() if key not in foreign}
    if "name" in raw:
        problems.append(Problem(host.name, "name", f"is no key of the data: Nornir calls this host {host.name}"))
    raw["name"] = host.name
    raw.setdefault("address", host.hostname)
    if isinstance(raw.setdefault("keepalived", {}), Mapping):
        raw["keepalived"] = {**_keepalived_defaults(host.name, raw, priorities), **raw["keepalived"]}
    return raw, problems


def _read(host: str, raw: dict[str, Any], base: Path | None, secrets: Collection[tuple[str, ...]]) -> list[Problem]:
    """Replace references in the data by what they refer to: secrets, CA, templates. Without a base, nothing is read.

    Of the secrets, only those in `secrets` are read.
    """
    problems = [
        problem for path in SECRETS for problem in _read_secret(host, raw, path, base if path in secrets else None)
    ]
    if base and isinstance(raw.get("apiserver_ca"), str):
        try:
            raw["apiserver_ca"] = _read_certificates(base / raw["apiserver_ca"])
        except (OSError, ValueError) as error:
            problems.append(Problem(host, "apiserver_ca", str(error)))
    kubeconfig = raw.get("kubeconfig")  # read later, by the runbooks that need it
    if base and isinstance(kubeconfig, str) and kubeconfig.strip():
        try:
            raw["kubeconfig"] = str(base / Path(kubeconfig).expanduser())
        except RuntimeError as error:
            problems.append(Problem(host, "kubeconfig", str(error)))
    if isinstance(raw.get("templates"), str):
        folder, raw["templates"] = raw["templates"], []
        try:
            raw["templates"] = _read_templates(base / folder) if base else []
        except (OSError, ValueError) as error:
            problems.append(Problem(host, "templates", str(error)))
    return problems


def _make_up(host: str, raw: dict[str, Any], made_up: dict[object, SecretStr]) -> Iterator[Problem]:
    """Generate a stats password, the same for all nodes of a cluster, if `generate_password` is set."""
    haproxy = raw.get("haproxy")
    if not isinstance(haproxy, Mapping) or not isinstance(stats := haproxy.get("stats"), Mapping):
        return
    if stats.get("generate_password") is not True:
        return
    if "password" in stats:
        yield Problem(host, "haproxy.stats.generate_password", "makes one up, and `password` gives one: leave one out")
        return
    password = made_up.setdefault(str(raw.get("cluster")), new_password())
    raw["haproxy"] = {**haproxy, "stats": {**stats, "password": password}}


def _read_secret(host: str, raw: dict[str, Any], path: tuple[str, ...], base: Path | None) -> Iterator[Problem]:
    """Replace a reference to a secret by the secret. Plain text stays, since the model accepts it."""
    *sections, key = path
    section = raw
    for name in sections:
        inner = section.get(name)
        if not isinstance(inner, Mapping):
            return
        section[name] = section = dict(inner)
    if not isinstance(section.get(key), Mapping):
        return
    source, section[key] = section[key], UNREADABLE
    if base:
        try:
            section[key] = read_secret(source, base)
        except (OSError, ValueError) as error:
            yield Problem(host, ".".join(path), str(error))


def _keepalived_defaults(name: str, raw: Mapping[str, Any], priorities: Mapping[str, Iterator[int]]) -> dict[str, Any]:
    """Return keepalived's defaults that depend on the role and on the order in the inventory."""
    is_master = raw.get("role") == "master"
    priority = MASTER_PRIORITY if is_master else next(priorities[str(raw.get("cluster"))])
    preempts = raw["keepalived"].get("preempt", False)
    return {"router_id": name, "priority": priority, "state": "MASTER" if is_master and preempts else "BACKUP"}


def _read_certificates(path: Path) -> str:
    text = read_text(path)
    if "-----BEGIN CERTIFICATE-----" not in text or "PRIVATE KEY" in text:
        raise ValueError(f"{path} must hold certificates in PEM, and no key")
    return text.strip() + "\n"


def _read_templates(folder: Path) -> list[Template]:
    found = [_read_template(path) for path in sorted(folder.iterdir()) if path.suffix == TEMPLATE]
    if not found:
        raise ValueError(f"{folder} holds no template: no file of it is called *{TEMPLATE}")
    return found


def _read_template(path: Path) -> Template:
    try:
        return Template(name=path.name, text=read_text(path))
    except ValidationError as error:
        words = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{path} {words}") from None


def _causes(error: ValidationError) -> Iterator[ErrorDetails]:
    """Yield pydantic's errors without consequential ones, like a section's error caused by an error in its item."""
    found = error.errors()
    locations = [details["loc"] for details in found]
    for details in found:
        depth = len(details["loc"])
        spoilt = any(len(other) > depth and other[:depth] == details["loc"] for other in locations)
        if details["type"] != FOLLOWS and not spoilt:
            yield details


def _problem(host: str, details: ErrorDetails) -> Problem:
    """Return a pydantic error as a problem with the inventory's key and the field's docstring."""
    location = details["loc"]
    key = ".".join(str(part) for part in location)
    models = list(_models_along(location))
    if details["type"] == "extra_forbidden":
        return Problem(host, key, _unknown_key(str(location[-1]), models[-1], top_level=len(location) == 1))
    field = models[-1].model_fields.get(str(location[-1])) if location else None
    meaning = models[-1].meaning(str(location[-1])) if field else ""
    hint = f" ({meaning})" if meaning else ""
    if details["type"] == "missing":
        return Problem(host, key, f"is missing{hint}")
    reason = details["msg"].removeprefix("Value error, ").removeprefix("Input ").replace("valid tuple", "list")
    value = details["input"]
    # A value in the place of a section may be the secret that belongs into it.
    may_be_shown = isinstance(value, str | int | float) and not (field and _model_in(field.annotation))
    shown = f"{value!r} " if may_be_shown and not any("password" in str(part) for part in location) else ""
    return Problem(host, key, f"{shown}{reason}{hint}")


def _models_along(location: tuple[int | str, ...]) -> Iterator[type[Settings]]:
    """Yield the models along a location, from `Node` down to the one with the last key."""
    model: type[Settings] = Node
    yield model
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        inner = _model_in(field.annotation) if field else None
        if inner:
            model = inner
            yield model


def _model_in(annotation: object) -> type[Settings] | None:
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, Settings):
            return candidate
    return None


def _unknown_key(key: str, model: type[Settings], *, top_level: bool) -> str:
    known = sorted(set(model.model_fields) - (PER_HOST_KEYS if top_level else set()))
    nearest = get_close_matches(key, known, n=1, cutoff=0)
    message = f"is unknown; did you mean {nearest[0]}?"
    return f"{message} (if it belongs to other automation, list it under {FOREIGN_KEYS})" if top_level else message
