"""Text that would end a word, a line or a block of a configuration file, or be run by a shell, gets into no field.

The fields are found in the models, so that one that is added later is tried too.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from nornir.core import Nornir
from rig.inventories import HOSTILE
from tests.support.inventories import TEXT_FIELDS

from nornir_kube_ha.errors import InventoryError
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.load import load_intent

NornirOf = Callable[..., Nornir]

# haproxy's own syntax, which the owner of the inventory writes as it is: it needs quotes and braces. One line it stays.
LINES = {
    "kubeconfig",  # a path on this machine, in which much may stand
    "haproxy.log",
    "haproxy.stats.log",
    "haproxy.global_lines",
    "haproxy.defaults_lines",
    "haproxy.listener_lines",
    "haproxy.listeners.lines",
}
NO_LINE = {"newline", "final newline", "carriage return", "NUL", "escape", "line separator", "final blank"}
# keepalived's: a command line with arguments, or a line; nothing that opens a block, a string or a comment.
KEEPALIVED_LINES = {"keepalived.check.script", "keepalived.global_lines", "keepalived.instance_lines"}
NO_KEEPALIVED_LINE = NO_LINE | {
    *("double quote", "single quote", "brace", "block", "variable", "template", "comment", "backslash")
}
# A good value, where the lab's inventory has none.
GOOD = {
    "additional_vips": "192.0.2.20/24",
    "virtual_routers.vip": "192.0.2.30/24",
    "virtual_routers.additional_vips": "192.0.2.31/24",
    "virtual_routers.master": "lb-2",
    "control_plane_endpoint": "192.0.2.10:8443",
    "kubeconfig": "admin.conf",
    "lab": "demo",
    "haproxy.global_lines": "maxconn 9",
    "haproxy.defaults_lines": "backlog 9",
    "haproxy.listener_lines": "backlog 9",
    "haproxy.listeners.balance": "source",
    "haproxy.listeners.check": "http",
    "haproxy.listeners.check_path": "/ready",
    "haproxy.listeners.lines": "backlog 9",
    "haproxy.listeners.mode": "http",
    "haproxy.listeners.send_proxy": "v2",
    "haproxy.listeners.servers.address": "192.0.2.31",
    "haproxy.listeners.servers.name": "worker-1",
    "haproxy.listeners.sources": "198.51.100.0/24",
    "keepalived.global_lines": "dynamic_interfaces",
    "keepalived.instance_lines": "accept",
    "verify.kubeconfigs": "/home/*/.kube/config",
    "verify.direct_clients": "k3s-server",
}


def refused(path: str) -> set[str]:
    """The hostile texts that may not stand there."""
    return NO_LINE if path in LINES else NO_KEEPALIVED_LINE if path in KEEPALIVED_LINES else set(HOSTILE)


def good(intent: Intent, path: str) -> str:
    """What may stand there."""
    if path.startswith(("virtual_routers.", "haproxy.listeners.", "verify.")):
        return GOOD[path]
    value: Any = intent.node("lb-3")
    for part in path.split("."):
        value = getattr(value[0] if isinstance(value, tuple) else value, part)
    return GOOD.get(path) or str(value[0] if isinstance(value, tuple) else value)


def data_with(path: str, value: str) -> dict[str, Any]:
    """The data that has a value at a dotted path."""
    head, *rest = path.split(".")
    if head == "apiservers":
        return {"apiservers": [{"address": "192.0.2.11", rest[0]: value}, {"address": "192.0.2.12"}]}
    if head == "virtual_routers":
        router = {"virtual_router_id": 69, "vip": "192.0.2.30/24", "master": "lb-2"}
        return {"virtual_routers": [{**router, rest[0]: [value] if rest[0] == "additional_vips" else value}]}
    if path.startswith("haproxy.listeners."):
        return {"haproxy": {"listeners": {"web": _listener_with(rest[1:], value)}}}
    # `log` of the stats page is one line, `log` of haproxy is several.
    is_list = path.endswith("_lines") or path.startswith("verify.") or path in {"additional_vips", "haproxy.log"}
    data: Any = [value] if is_list else value
    for key in reversed(rest):
        data = {key: data}
    return {head: data}


def _listener_with(place: list[str], value: str) -> dict[str, Any]:
    key = place[-1]
    server = {"address": "192.0.2.31", **({key: value} if place[0] == "servers" else {})}
    own = {key: [value] if key in {"lines", "sources"} else value} if place[0] != "servers" else {}
    return {"port": 443, "servers": [server], **own}


def test_fields_are_found() -> None:
    assert {"cluster", "interface", "vip", "apiservers.name", "haproxy.balance", "haproxy.timeouts.check"} <= set(
        TEXT_FIELDS
    )
    assert set(TEXT_FIELDS) >= LINES | KEEPALIVED_LINES


def refusals(nornir: Nornir, path: str) -> list[str]:
    """What is said of a value at a path, of itself: not because it is unlike the other nodes'."""
    try:
        load_intent(nornir)
    except InventoryError as error:
        found = [
            each for each in error.problems if each.host == "lb-3" and re.sub(r"\.\d+|\.web\b", "", each.key) == path
        ]
        rules = r"differs from|is also|one node|expected port"  # which a value comes to only once it is taken
        return [each.message for each in found if not re.search(rules, each.message)]
    return []


@pytest.mark.parametrize("path", TEXT_FIELDS)
def test_hostile_text_is_refused(nornir_of: NornirOf, intent: Intent, path: str) -> None:
    value = good(intent, path)
    assert refusals(nornir_of({"lb-3": data_with(path, value)}), path) == []
    taken = {
        name for name, end in HOSTILE.items() if not refusals(nornir_of({"lb-3": data_with(path, value + end)}), path)
    }
    assert taken == set(HOSTILE) - refused(path)


@pytest.mark.parametrize("path", TEXT_FIELDS)
@pytest.mark.parametrize("value", ["", " "], ids=["nothing", "blank"])
def test_invalid_text_is_refused(nornir_of: NornirOf, path: str, value: str) -> None:
    assert refusals(nornir_of({"lb-3": data_with(path, value)}), path)


@pytest.mark.parametrize("path", TEXT_FIELDS)
def test_refusal_shows_no_control_character(nornir_of: NornirOf, path: str) -> None:
    messages = refusals(nornir_of({"lb-3": data_with(path, "a\x1b[31m\nb")}), path)
    assert messages
    assert all(message.isprintable() for message in messages), messages


def test_lines_of_ones_own_may_use_haproxys_syntax(nornir_of: NornirOf) -> None:
    line = 'http-request set-header X-Peer "%[src]" if { src 10.0.0.0/8 } # ours'
    intent = load_intent(nornir_of(group={"haproxy": {"listener_lines": [line]}}))
    assert intent.nodes[0].haproxy.listener_lines == (line,)
