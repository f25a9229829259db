"""Deprecated alias: import `nornir_kube_ha.planning.lease` instead."""

import warnings

from nornir_kube_ha.planning.lease import Lease

__all__ = ["Lease"]

warnings.warn("nornir_kube_ha.lease is now nornir_kube_ha.planning.lease", DeprecationWarning, stacklevel=2)
