"""Check of each apiserver's own health report, which needs a credential."""

from nornir_kube_ha.checks.model import ClusterView, Skipped, Verdict
from nornir_kube_ha.facts import Probe

_FAILED = "[-]"  # prefix of a failed check in an apiserver's `/readyz?verbose`


def healthy(view: ClusterView) -> Verdict | Skipped:
    """Check that each apiserver is ready and alive, and that its etcd answers."""
    expected = "each apiserver is ready and alive, and its etcd answers; asked directly, with the credential"
    if not view.cluster.nodes[0].verify.from_controller:
        return Skipped(expected, "not asked: verify.from_controller is false")
    if view.endpoint is None or not view.endpoint.apiservers:
        words = "not asked: no kubeconfig, or the run ended before this check"
        return Verdict(None, expected, words, "pass --kubeconfig FILE, or set `kubeconfig` in the inventory")
    found = {name: _health(*probes) for name, probes in view.endpoint.apiservers.items()}
    wrong = [f"{name}: {words}" for name, (ok, words) in found.items() if not ok]
    told = {ok for ok, _words in found.values()}
    return Verdict(
        False if False in told else None if None in told else True,
        expected,
        "; ".join(wrong) or f"{', '.join(found)}: ready, etcd answers",
        "etcd failed: read `journalctl -u etcd` of that member, or its container's log. Not reached: the "
        "controller needs access to the apiservers' own port for this check, or pass --skip "
        "apiserver.health",
    )


def _health(ready: Probe, live: Probe) -> tuple[bool | None, str]:
    """Return whether an apiserver is healthy (None if unknown), and why it is not."""
    if not ready.status and not live.status:
        return None, f"not reached: {ready.error}"
    if ready.wants_login or live.wants_login:
        return None, "the credential is rejected"
    if ready.status == live.status == 200:
        return True, ""
    failed = [line.removeprefix(_FAILED).split()[0] for line in ready.body.splitlines() if line.startswith(_FAILED)]
    why = f"not ready: {', '.join(failed)} failed" if failed else f"/readyz {ready}"
    return False, f"{'ready' if ready.status == 200 else why}; {'alive' if live.status == 200 else f'/livez {live}'}"
