"""A small inventory, and recorded facts of hosts, for tests."""

from dataclasses import replace
from typing import Any

from nornir_kube_ha.facts import Facts, Package, parse_facts
from rig.lab import ROOT

DATA = ROOT / "tests" / "unit" / "data"
NONCE = "0123456789abcdef"  # in the recorded facts
PASSWORD = "only-for-the-lab"
DEFAULTS: dict[str, Any] = {"haproxy": {"stats": {"password": PASSWORD}}}
GROUP: dict[str, Any] = {
    "cluster": "demo",
    "vip": "192.0.2.10/24",
    "interface": "eth0",
    "virtual_router_id": 68,
    "apiserver_ca": "ca.crt",
    "apiservers": [{"name": f"lb-{number}", "address": f"192.0.2.1{number}"} for number in (1, 2, 3)],
}
HOSTS: dict[str, Any] = {"lb-1": {"role": "master"}, "lb-2": {"role": "backup"}, "lb-3": {"role": "backup"}}


def debian_12() -> Facts:
    """Return facts of a host without any deploy, as far as files depend on them."""
    bare = parse_facts((DATA / "facts-bare.txt").read_text(encoding="utf-8"), NONCE)
    return replace(bare, packages={"haproxy": Package("2.6.12"), "keepalived": Package("2.2.7")})
