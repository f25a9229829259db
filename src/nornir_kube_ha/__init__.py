"""One address for a Kubernetes control plane: keepalived and haproxy, deployed and verified with Nornir.

`deploy`, `verify` and the others here are the runbooks, as functions on a Nornir of your own: docs/embedding.md. What
stands behind a name is imported when somebody asks for it.
"""

from typing import TYPE_CHECKING

from nornir_kube_ha.lazy import exports

if TYPE_CHECKING:
    from nornir_kube_ha.errors import KubeHaError
    from nornir_kube_ha.intent import Intent
    from nornir_kube_ha.inventory import load_intent
    from nornir_kube_ha.report import Report
    from nornir_kube_ha.runbooks.api import deploy, failover_test, remove, rollback, upgrade, verify
    from nornir_kube_ha.runbooks.roll_out import RollOut, Share

_WHERE = {
    "Intent": "intent",
    "KubeHaError": "errors",
    "Report": "report",
    "RollOut": "runbooks.rollout_options",
    "Share": "runbooks.rollout_options",
    "deploy": "runbooks.api",
    "failover_test": "runbooks.api",
    "load_intent": "inventory",
    "remove": "runbooks.api",
    "rollback": "runbooks.api",
    "upgrade": "runbooks.api",
    "verify": "runbooks.api",
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
