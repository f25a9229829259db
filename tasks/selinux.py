"""What the scripts beside this one are told for SELinux."""

from nornir_kube_ha.intent.names import SCRIPTS
from nornir_kube_ha.planning.generations import FOLDER


def selinux() -> dict[str, str]:
    """What `selinux.sh` works on, as `assignments` wants it."""
    return {"scripts": " ".join(SCRIPTS), "set_here": f"{FOLDER}/selinux"}
