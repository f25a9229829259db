"""What can go wrong with the lab: leaves of `nornir_kube_ha.errors.KubeHaError`."""

from nornir_kube_ha.errors import KubeHaError


class LabError(KubeHaError, RuntimeError):
    """The lab cannot do what was asked. The message says what was seen and what to do."""


class LabRequiresRootError(LabError, PermissionError):
    """Namespaces, overlays and cgroups are root's."""

    exit_code = 2


class LabRequestError(LabError, ValueError):
    """What was asked of the lab cannot be: a name or an address that does not fit, a host that it has not."""

    exit_code = 2


class LabDownError(LabError):
    """The lab, or the host in it, is not up. Nothing was sent anywhere."""
