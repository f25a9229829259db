"""Section `packages` of the inventory: pinned versions of the daemons' packages."""

from nornir_kube_ha.intent.fields import PackageVersion, Settings


class Packages(Settings):
    """Pinned versions. Without a pin, the version that the host's package sources prefer is installed."""

    haproxy: PackageVersion | None = None
    """Full package version, as `verify` shows it: `2.6.12-1+deb12u2`, `2.8.14-1.el9`."""
    keepalived: PackageVersion | None = None
    """Full package version, with its epoch if it has one: `1:2.2.7-1+b2`."""

    def pin_of(self, package: str) -> str:
        """Return the pinned version of a package; "" if it is not pinned."""
        return {"haproxy": self.haproxy, "keepalived": self.keepalived}.get(package) or ""
