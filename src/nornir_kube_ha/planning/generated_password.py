"""The stats page's password where nobody gives one: made up by the first deploy, and kept on the hosts."""

import re
import secrets
from collections.abc import Iterable, Mapping

from pydantic import SecretStr

from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent import Cluster, Intent, Node, weakness_of
from nornir_kube_ha.intent.names import HAPROXY_CFG

_BYTES = 18  # 24 characters
_AUTH = re.compile(
    r"""^[ \t]*stats[ \t]+auth[ \t]+['"]?([^'":\s]{1,200}):([^'"\s]{1,200})['"]?[ \t\r]*$""", re.MULTILINE
)


def new_password() -> SecretStr:
    """One that nobody has had before."""
    return SecretStr(secrets.token_urlsafe(_BYTES))


def with_kept_passwords(intent: Intent, facts: Mapping[str, Facts]) -> Intent:
    """The same, with the passwords that hosts keep in the place of those that were just made up, or not read.

    Arguments:
        intent: what should be
        facts: of its hosts, by name, as many as were looked at
    """
    if not intent.keeps_passwords_on_hosts:
        return intent
    return Intent(tuple(_with_kept_password(cluster, facts) for cluster in intent.clusters))


def _with_kept_password(cluster: Cluster, facts: Mapping[str, Facts]) -> Cluster:
    kept = next(iter(kept_passwords(cluster, facts)), None)
    return Cluster(cluster.name, tuple(_given(node, kept) for node in cluster.nodes)) if kept else cluster


def _given(node: Node, password: SecretStr) -> Node:
    if not node.haproxy.stats.is_kept_on_hosts:
        return node
    stats = node.haproxy.stats.model_copy(update={"password": password})
    return node.model_copy(update={"haproxy": node.haproxy.model_copy(update={"stats": stats})})


def kept_passwords(cluster: Cluster, facts: Mapping[str, Facts]) -> Iterable[SecretStr]:
    """What hosts of a cluster keep, in its own order.

    Arguments:
        cluster: whose
        facts: of its hosts, by name, as many as were looked at
    """
    for node in cluster.nodes:
        file = facts[node.name].files.get(HAPROXY_CFG) if node.name in facts else None
        for user, password in _AUTH.findall(file.content.decode(errors="replace")) if file else ():
            # It is written to the others' files too: it has to be what one from an inventory is.
            if user == node.haproxy.stats.user and not weakness_of(password):
                yield SecretStr(password)
