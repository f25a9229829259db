"""Data of inventories other than the lab's: IPv6, both families, two virtual routers; and the fields that take text."""

from typing import Any

from rig.inventories import text_fields
from rig.samples import HOSTS

from nornir_kube_ha.intent import Node

OF_IPV6 = {name: {"address": f"2001:db8::1{number}"} for number, name in enumerate(HOSTS, 1)}
IPV6: dict[str, Any] = {
    "vip": "2001:db8::10/64",
    "apiservers": [{"name": name, "address": f"2001:db8::1{number}"} for number, name in enumerate(HOSTS, 1)],
}
DUAL = {"additional_vips": ["192.0.2.20/24", "2001:db8::10/64"]}
SECOND_ROUTER: dict[str, Any] = {"virtual_router_id": 69, "vip": "192.0.2.20/24", "master": "lb-2"}
TWO_ROUTERS = {"virtual_routers": [SECOND_ROUTER]}
# Read as paths and as secrets: test_errors.py and test_passwords.py of the inventory's tests, and test_templating.py.
ELSEWHERE = {
    "apiserver_ca",
    "templates.name",
    "templates.text",
    "haproxy.stats.password",
    "keepalived.auth_pass",
    "login.password",
    "login.sudo_password",
}
PER_HOST = {"name"}  # not of the data
TEXT_FIELDS = sorted(set(text_fields(Node)) - ELSEWHERE - PER_HOST)
"""Dotted paths of what takes text that gets into a file."""
