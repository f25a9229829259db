"""Inputs of `selinux.sh`."""

from nornir_kube_ha.intent.names import SCRIPTS
from nornir_kube_ha.planning.generations import FOLDER


def selinux() -> dict[str, str]:
    """Return the inputs of `selinux.sh`."""
    return {"scripts": " ".join(SCRIPTS), "set_here": f"{FOLDER}/selinux"}
