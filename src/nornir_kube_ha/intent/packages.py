"""Which versions of the daemons' packages are wanted: section `packages` of the inventory."""

from nornir_kube_ha.intent.fields import PackageVersion, Settings


class Packages(Settings):
    """The daemons' packages, pinned. One that is not is installed as the host's package sources have it."""

    haproxy: PackageVersion | None = None
    """The whole version, as `verify` shows it: `2.6.12-1+deb12u2`, `2.8.14-1.el9`."""
    keepalived: PackageVersion | None = None
    """The same: with its epoch, if it has one."""

    def pin_of(self, package: str) -> str:
        """The version that a package should have, "" if any will do.

        Arguments:
            package: its name
        """
        return {"haproxy": self.haproxy, "keepalived": self.keepalived}.get(package) or ""
