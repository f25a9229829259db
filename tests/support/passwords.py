"""The stats page's password that nobody gives."""

from dataclasses import replace
from typing import Any

from tests.support.changes import as_found

from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG

ASKED: dict[str, Any] = {"haproxy": {"stats": {"generate_password": True}}}
"""Data of an inventory that asks for one."""


def passwords(intent: Intent) -> dict[str, str]:
    """Each node's, by its name."""
    return {node.name: node.haproxy.stats.password.get_secret_value() for node in intent.nodes}


def keeping(facts: Facts, line: str) -> Facts:
    """A host whose haproxy.cfg has this line."""
    file = as_found(ConfigFile(HAPROXY_CFG, f"listen stats\n    {line}\n"))
    return replace(facts, files={**facts.files, HAPROXY_CFG: file})
