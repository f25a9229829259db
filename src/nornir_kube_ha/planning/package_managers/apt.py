"""Debian, Ubuntu and their derivatives."""

from nornir_kube_ha.planning.package_managers.model import Family


class Apt(Family):
    """apt-get over dpkg.

    kube-ha uses Debian's package names, and its drop-ins are written for Debian's units.
    """

    name = "apt"
    commands = ("apt-get",)
