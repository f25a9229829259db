"""The edge: Nornir's inventory in, intent out. Everything is parsed once, before the first packet is sent.

Any inventory plugin will do. A host is ours when its data holds one of our keys; others are left alone.
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

FOREIGN_KEYS = "foreign_keys"  # keys of `data` that belong to somebody else's automation
# VRRP makes a node wait a little before it takes over, the longer the lower its priority is: (256 - priority) / 256 of
# an advert_int. Below 200, who says goodbye has taken the VIP off by then: keepalived does so 4 ms later. Far apart,
# the first has told the others before they are ready; close by, two would take over at once.
MASTER_PRIORITY = 180
PRIORITY_STEP = 60
SECRETS = (("haproxy", "stats", "password"), ("login", "password"), ("login", "sudo_password"))
"""Where the inventory may name a secret instead of holding it."""
STATS_PASSWORD = SECRETS[0]
TEMPLATE = ".j2"
MARKS = frozenset({"cluster", "vip", "virtual_router_id", "apiservers"})  # what only a load-balancer node has
FOLLOWS = "default_factory_not_called"  # pydantic's word for a default that another error keeps from being made
PER_HOST_KEYS = frozenset({"name"})  # what Nornir itself says of a host, not its data


def load_intent(nornir: Nornir, *, read_files: bool = True, stats_password: bool = True) -> Intent:
    """Parse every cluster of an inventory.

    Give it the whole inventory, not a filtered one: a node's files name its peers.

    Arguments:
        nornir: an initialised Nornir; its connections are not opened
        read_files: whether what the inventory names is read, a password and a CA; without it nothing can be rendered
        stats_password: whether the stats page's password is read where it is only named; without it the one that the
            hosts keep stands in, once they were looked at

    Returns:
        What should be, on every host that is ours

    Raises:
        InventoryError: with all that is wrong, not only the first
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
    if not problems:  # a host that could not be parsed is missing from its cluster: its rules would be misjudged
        problems = [*unallocated, *intent.problems()]
    if problems:
        raise InventoryError(problems)
    return intent


def secret_at(data: Mapping[str, Any], path: tuple[str, ...], base: Path) -> SecretStr | None:
    """A secret that a host's data hold, or name; none if they do neither.

    Arguments:
        data: the host's, merged
        path: of the key, from the top of the data
        base: folder that the path of a file starts at

    Raises:
        ValueError: it is not there, or the inventory says it wrongly
        OSError: its file cannot be read
    """
    value: object = data
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return None if value is None else read_secret(value, base)


def our_hosts(nornir: Nornir) -> tuple[Host, ...]:
    """The hosts of an inventory that are ours: their data holds one of our keys.

    Arguments:
        nornir: an initialised Nornir; its connections are not opened
    """
    return tuple(host for host in nornir.inventory.hosts.values() if _is_ours(merged_data(host)))


def merged_data(host: Host) -> dict[str, Any]:
    """A host's data, its sections merged from defaults over groups to the host.

    Nornir itself takes a whole section from the nearest level; here a host may give one key of a section and inherit
    the others. Lists and single values are replaced.

    Arguments:
        host: a host of the inventory
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
    """Keys that the inventory says are somebody else's; none while it does not say so rightly."""
    foreign = data.get(FOREIGN_KEYS)
    return tuple(map(str, foreign)) if isinstance(foreign, list | tuple) else ()


def inventory_folder(nornir: Nornir) -> Path:
    """Where relative paths of the inventory start: beside its host file, or here for other plugins.

    Arguments:
        nornir: an initialised Nornir
    """
    return _folder_of_files(nornir) or Path.cwd()


def login_site(nornir: Nornir) -> Site:
    """Where an inventory lives, for what it says of logins.

    Arguments:
        nornir: an initialised Nornir
    """
    return Site(_folder_of_files(nornir), nornir.config.ssh.config_file or "")


def login_problems(nornir: Nornir, host: Host, data: Mapping[str, Any] | None = None) -> Iterator[Problem]:
    """Yield what the inventory says of a host's login that may not be; the host may be anybody's.

    Arguments:
        nornir: an initialised Nornir
        host: of its inventory
        data: the host's, merged, if that was done already
    """
    yield from weaknesses(host, merged_data(host) if data is None else data, login_site(nornir))


def _folder_of_files(nornir: Nornir) -> Path | None:
    host_file = nornir.config.inventory.options.get("host_file")
    return Path(host_file).expanduser().resolve().parent if host_file else None


def _backup_priorities(count: int) -> Iterator[int]:
    """Of the backups of a cluster, in the inventory's order."""
    step = max(1, min(PRIORITY_STEP, (MASTER_PRIORITY - 1) // count))
    return (max(1, MASTER_PRIORITY - number * step) for number in range(1, count + 1))


def _complete(
    host: Host, data: dict[str, Any], priorities: Mapping[str, Iterator[int]]
) -> tuple[dict[str, Any], list[Problem]]:
    """Add to a host's data what follows from the host itself."""
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
    """Put in the place of its name what the data names: a secret, a CA, templates. Without a base, nothing is read.

    Of the secrets only those that are listed are read.
    """
    problems = [
        problem for path in SECRETS for problem in _read_secret(host, raw, path, base if path in secrets else None)
    ]
    if base and isinstance(raw.get("apiserver_ca"), str):
        try:
            raw["apiserver_ca"] = _read_certificates(base / raw["apiserver_ca"])
        except (OSError, ValueError) as error:
            problems.append(Problem(host, "apiserver_ca", str(error)))
    kubeconfig = raw.get("kubeconfig")  # the file is read by who needs it: a deploy does not
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
    """Give the stats page a password, the same on all nodes of a cluster, where the inventory asks for one."""
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
    """Put a secret in the place of what names it. Text stays: the model takes it."""
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
    """What role and place in the inventory say of keepalived."""
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
    """What pydantic found, without what only follows: of a section that one of its items has spoilt."""
    found = error.errors()
    locations = [details["loc"] for details in found]
    for details in found:
        depth = len(details["loc"])
        spoilt = any(len(other) > depth and other[:depth] == details["loc"] for other in locations)
        if details["type"] != FOLLOWS and not spoilt:
            yield details


def _problem(host: str, details: ErrorDetails) -> Problem:
    """One of pydantic's findings in the inventory's words."""
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
    # What stands where a section should may be the secret that belongs into it.
    may_be_shown = isinstance(value, str | int | float) and not (field and _model_in(field.annotation))
    shown = f"{value!r} " if may_be_shown and not any("password" in str(part) for part in location) else ""
    return Problem(host, key, f"{shown}{reason}{hint}")


def _models_along(location: tuple[int | str, ...]) -> Iterator[type[Settings]]:
    """The models that a location passes through, from `Node` down to the one that holds its last key."""
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
