"""One address for a Kubernetes control plane: keepalived and haproxy, deployed and verified with Nornir.

`deploy`, `verify` and the other runbooks are functions that take your own Nornir object (docs/embedding.md). `rehearse`
takes the path of an inventory, `adopt` a Nornir with any hosts. Each name is imported on first access.
"""

from typing import TYPE_CHECKING

from nornir_kube_ha.lazy import exports

if TYPE_CHECKING:
    from nornir_kube_ha.api import deploy, failover_test, remove, rollback, snapshot, upgrade, verify
    from nornir_kube_ha.errors import KubeHaError
    from nornir_kube_ha.intent import Intent
    from nornir_kube_ha.inventory.load import load_intent
    from nornir_kube_ha.report import Report
    from nornir_kube_ha.rollout.policy import RollOut, Share
    from nornir_kube_ha.runbooks.adopt import adopt
    from nornir_kube_ha.runbooks.rehearse import rehearse

_WHERE = {
    "Intent": "intent",
    "KubeHaError": "errors",
    "Report": "report",
    "RollOut": "rollout.policy",
    "Share": "rollout.policy",
    "adopt": "runbooks.adopt",
    "deploy": "api",
    "failover_test": "api",
    "load_intent": "inventory.load",
    "rehearse": "runbooks.rehearse",
    "remove": "api",
    "rollback": "api",
    "snapshot": "api",
    "upgrade": "api",
    "verify": "api",
}

if not TYPE_CHECKING:  # with a module __getattr__, type checkers accept any attribute name
    __getattr__ = exports(__name__, {name: f"{__name__}.{module}:{name}" for name, module in _WHERE.items()})

__all__ = [
    "Intent",
    "KubeHaError",
    "Report",
    "RollOut",
    "Share",
    "adopt",
    "deploy",
    "failover_test",
    "load_intent",
    "rehearse",
    "remove",
    "rollback",
    "snapshot",
    "upgrade",
    "verify",
]
