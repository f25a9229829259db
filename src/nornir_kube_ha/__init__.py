"""One address for a Kubernetes control plane: keepalived and haproxy, deployed and verified with Nornir.

`deploy`, `verify` and the others here are the runbooks, as functions on a Nornir of your own: docs/embedding.md. What
stands behind a name is imported when somebody asks for it.
"""

from typing import TYPE_CHECKING

from nornir_kube_ha.lazy import exports

if TYPE_CHECKING:
    from nornir_kube_ha.api import deploy, failover_test, remove, rollback, upgrade, verify
    from nornir_kube_ha.errors import KubeHaError
    from nornir_kube_ha.intent import Intent
    from nornir_kube_ha.inventory.load import load_intent
    from nornir_kube_ha.report import Report
    from nornir_kube_ha.rollout.policy import RollOut, Share

_WHERE = {
    "Intent": "intent",
    "KubeHaError": "errors",
    "Report": "report",
    "RollOut": "rollout.policy",
    "Share": "rollout.policy",
    "deploy": "api",
    "failover_test": "api",
    "load_intent": "inventory.load",
    "remove": "api",
    "rollback": "api",
    "upgrade": "api",
    "verify": "api",
}

if not TYPE_CHECKING:  # which would take any name for one of ours
    __getattr__ = exports(__name__, {name: f"{__name__}.{module}:{name}" for name, module in _WHERE.items()})

__all__ = [
    "Intent",
    "KubeHaError",
    "Report",
    "RollOut",
    "Share",
    "deploy",
    "failover_test",
    "load_intent",
    "remove",
    "rollback",
    "upgrade",
    "verify",
]
