"""Debian, Ubuntu and what is made of them."""

from nornir_kube_ha.planning.package_managers.model import Family


class Apt(Family):
    """apt-get, over dpkg. Our own words are Debian's, and its units are those that ours were made for."""

    name = "apt"
    commands = ("apt-get",)
