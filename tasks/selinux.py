"""Variables of `selinux.sh`."""

from nornir_kube_ha.intent.names import SCRIPTS
from nornir_kube_ha.planning.generations import FOLDER


def selinux() -> dict[str, str]:
    """Return the variables of `selinux.sh`, for `assignments`."""
    return {"scripts": " ".join(SCRIPTS), "set_here": f"{FOLDER}/selinux"}
