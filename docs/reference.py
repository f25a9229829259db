"""Write the pages that are generated from the code: `python -m docs.reference`.

settings.md comes from the models that read the inventory, checks.md from the checks, other pages from `reference_*`.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from docs.reference_cli import cli_page
from docs.reference_errors import errors_page
from docs.reference_faults import faults_page
from docs.reference_field_reports import field_reports_page
from docs.reference_schema import schema_page
from pydantic import SecretStr
from pydantic.fields import FieldInfo

import nornir_kube_ha.snapshots
from nornir_kube_ha.checks import CLUSTER_CHECKS, HOST_CHECKS, LISTENER_CHECKS, Check
from nornir_kube_ha.cli.options.setup import KINDS
from nornir_kube_ha.cli.setup.schema import FOLDER
from nornir_kube_ha.intent import Apiserver, Backend, Listener, Node, Settings, Template, VirtualRouter
from nornir_kube_ha.inventory.problems import PER_HOST_KEYS
from nornir_kube_ha.snapshots import Production

HERE = Path(__file__).parent
INTRODUCTION = """\
# Every setting of the inventory

Written by `make docs` from the models that read the inventory. All keys stand in `data` of a host, of a group or of the
defaults; [inventory.md](inventory.md) says how these are merged.

"""
FROM_HOST = {
    "address": "the host's `hostname`",
    "keepalived.router_id": "the host's name",
    "keepalived.priority": "180 for the master; 120 and 60 for two backups, closer together for more",
    "keepalived.state": "BACKUP; with `preempt` MASTER for the master",
    "keepalived.advert_int": "by `timers`: 0.05 or 0.02",
    "keepalived.down_timer_adverts": "16; 3 where `advert_int` is 0.3 or more",
    "apiservers.name": "its address",
    "haproxy.listeners": "none",
    "haproxy.listeners.servers.name": "its address",
}


CHECKS_INTRODUCTION = """\
# Every check

Written by `make docs` from the checks themselves; `kube-ha checks` prints the same. A `critical` check that does not
hold fails, and with it the run; a `warning` only warns. Five depend on what they see. `apiserver.certificates` and
`apiserver.ca_certificate` warn first, and fail with few days left. `haproxy.load` fails once haproxy is full.
`vip.stats` only warns where the page does not answer, `listener.servers_up` where each listener has a server left. A
check that could not be made is `unknown`, and the run has not
passed; [report.md](report.md) lists the cases in which it is skipped instead. The thresholds are in section `verify` of
[settings.md](settings.md).

"""


def checks_page() -> str:
    """Return checks.md."""
    parts = [CHECKS_INTRODUCTION, "## Of each host", "", *_check_rows(HOST_CHECKS), ""]
    parts += ["## Of each host of a cluster with `haproxy.listeners`", "", *_check_rows(LISTENER_CHECKS), ""]
    return "\n".join([*parts, "## Of all hosts of a cluster together", "", *_check_rows(CLUSTER_CHECKS), ""])


def _check_rows(checks: Iterable[Check[Any]]) -> Iterator[str]:
    yield "| id | severity | holds when |"
    yield "|---|---|---|"
    for check in checks:
        yield f"| `{check.id}` | {check.severity} | {check.meaning} |"


def settings_page() -> str:
    """Return settings.md."""
    parts = [INTRODUCTION, _table("A host", "", Node)]
    for key, model in _sections("", Node):
        parts.append(_table(f"`{key}`", f"{key}.", model))
    parts.append(_table("An item of `apiservers`", "apiservers.", Apiserver))
    parts.append(_table("An item of `virtual_routers`", "virtual_routers.", VirtualRouter))
    parts.append(_table("A listener in `haproxy.listeners`", "haproxy.listeners.", Listener))
    parts.append(_table("An item of a listener's `servers`", "haproxy.listeners.servers.", Backend))
    return "\n".join(parts)


def _sections(prefix: str, model: type[Settings]) -> Iterator[tuple[str, type[Settings]]]:
    for name, field in model.model_fields.items():
        if inner := _model_of(field):
            yield f"{prefix}{name}", inner
            yield from _sections(f"{prefix}{name}.", inner)


def _model_of(field: FieldInfo) -> type[Settings] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Settings) else None


def _table(title: str, prefix: str, model: type[Settings]) -> str:
    rows = [f"## {title}", "", "| key | type | default | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        if _model_of(field) or (model is Node and name in PER_HOST_KEYS):
            continue
        default = FROM_HOST.get(f"{prefix}{name}") or _default(field)
        meaning = " ".join(model.meaning(name).split())
        rows.append(f"| `{name}` | {_type(field.annotation)} | {default} | {meaning} |")
    return "\n".join([*rows, ""])


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    if field.default_factory:
        raise LookupError(f"FROM_HOST has no words for what {field.default_factory} makes")
    value = field.default
    if isinstance(value, tuple):
        return ", ".join(f"`{item}`" for item in value) or "none"
    return "none" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _type(kind: object) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin in {Union, UnionType}:
        return " or ".join(dict.fromkeys(_type(each) for each in arguments if each is not NoneType))
    if kind == tuple[Template, ...]:
        return "path"
    if origin in {tuple, Annotated}:
        return f"{'list of ' if origin is tuple else ''}{_type(arguments[0])}"
    if origin is Mapping:
        return "mappings by name"
    names = {bool: "true or false", int: "number", float: "number", str: "text", SecretStr: "secret"}
    names |= dict.fromkeys((Apiserver, Backend, VirtualRouter), "mappings")
    names |= dict.fromkeys((IPv4Network, IPv6Network), "network")
    names |= dict.fromkeys((IPv4Address, IPv6Address), "address")
    names |= dict.fromkeys((IPv4Interface, IPv6Interface), "address/prefix")
    return names[kind]  # type: ignore[index]  # a type that no table names is an error here


def snapshot_schema() -> str:
    """Return the JSON Schema of a snapshot."""
    return f"{json.dumps(Production.model_json_schema(), indent=1)}\n"


PAGES: Mapping[Path, Callable[[], str]] = {
    HERE / "settings.md": settings_page,
    HERE / "checks.md": checks_page,
    HERE / "faults.md": faults_page,
    HERE / "field-reports.md": field_reports_page,
    HERE / "cli.md": cli_page,
    HERE / "exit-codes.md": errors_page,
    Path(nornir_kube_ha.snapshots.__file__).parent / "schema.json": snapshot_schema,
    **{FOLDER / f"{kind}.json": partial(schema_page, kind) for kind in KINDS},
}

if __name__ == "__main__":
    for path, page in PAGES.items():
        path.write_text(page(), encoding="utf-8")
        sys.stderr.write(f"wrote {path.name}\n")
