"""Errors of the lab: leaves of `nornir_kube_ha.errors.KubeHaError`."""

from nornir_kube_ha.errors import KubeHaError


class LabError(KubeHaError, RuntimeError):
    """The lab cannot do what was requested. The message says what was seen and what to do."""


class LabRequiresRootError(LabError, PermissionError):
    """The lab needs root, for namespaces, mounts and cgroups."""

    exit_code = 2


class LabRequestError(LabError, ValueError):
    """The request is invalid: a name or an address that does not fit, or a host that the lab does not have."""

    exit_code = 2


class LabDownError(LabError):
    """The lab, or the host in it, is not up. Nothing was sent anywhere."""
