"""Checks of the Kubernetes components on the nodes."""
