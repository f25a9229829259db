"""Checks of the host itself: interface, disk, packet filter, SELinux and AppArmor."""

from collections.abc import Iterator

from nornir_kube_ha.checks.model import HostView, Skipped, Verdict
from nornir_kube_ha.firewall import openings
from nornir_kube_ha.firewall.ruleset import passage

ENOUGH = 2**30  # bytes; on a large disk this is enough, whatever the percentage


def interface(view: HostView) -> Verdict:
    """Check that the interface is up and has the node's address."""
    node = view.node
    link = view.facts.links.get(node.interface)
    there = any(name == node.interface and each.ip == node.address for name, each in view.facts.addresses)
    state = "missing" if link is None else "up" if link.is_up else "down"
    off = node.uses_ipv6 and link is not None and not view.facts.has_ipv6
    return Verdict(
        state == "up" and there and not off,
        f"{node.interface} is up and has {node.address}"
        + (", and IPv6 is enabled for the VIP" if node.uses_ipv6 else ""),
        f"{node.interface} is {state}"
        + ("" if there or link is None else f", without {node.address}")
        + (", and IPv6 is disabled" if off else ""),
        f"enable IPv6: `sysctl net.ipv6.conf.{node.interface}.disable_ipv6=0`, and check /etc/sysctl.d "
        "and the kernel parameter ipv6.disable"
        if off
        else "set `interface` and `address` to what `ip address` shows on the host; if the link is down, "
        "check cable and switch",
    )


def disk(view: HostView) -> Verdict:
    """Check that file systems that the daemons write to are writable and not full."""
    wrong = [*_full(view), *(f"{folder} is not writable" for folder in view.facts.read_only)]
    percent = view.node.verify.disk_free_percent
    seen = ", ".join(each.mounted_on for each in view.facts.filesystems)
    expected = f"{percent} % (or 1 GiB) free on each file system that the daemons write to"
    if not wrong and not seen:
        return Verdict(None, expected, "`df` printed nothing", "run `df` on the host: a file system may hang")
    return Verdict(
        not wrong,
        expected,
        "; ".join(wrong) or seen,
        "free some space: a host with a full disk accepts no new files, and may refuse logins",
    )


def _full(view: HostView) -> Iterator[str]:
    share = view.node.verify.disk_free_percent / 100
    for each in view.facts.filesystems:
        if each.available < min(share * each.size, ENOUGH):
            yield f"{each.mounted_on}: {each.available // 2**20} of {each.size // 2**20} MiB free"
        if each.inodes_available < share * each.inodes:
            yield f"{each.mounted_on}: {each.inodes_available} of {each.inodes} inodes free"


def denials(view: HostView) -> Verdict:
    """Check that neither SELinux nor AppArmor has denied the daemons anything lately."""
    return Verdict(
        not view.facts.denials,
        "nothing denied to haproxy and keepalived in the last hour, since they were last started or reloaded",
        "\n".join(view.facts.denials) or "nothing",
        "allow only the action that was denied (`ausearch -m avc`, /etc/apparmor.d/local), and reload "
        "the daemon; do not disable the protection",
    )


def packet_filter(view: HostView) -> Verdict | Skipped:
    """Check that the host's packet filter lets VRRP and clients through, now and after a boot."""
    expected = (
        "nftables accepts VRRP to and from each peer and new connections to haproxy's port, now and after a reboot"
    )
    try:
        ruleset = view.facts.ruleset
    except ValueError as error:
        return Verdict(None, expected, f"cannot parse the rules: {error}", "run `nft list ruleset` on the host")
    if ruleset is None:
        words = "cannot read the rules: nft is not installed"
        return Verdict(None, expected, words, "run deploy, which installs it", because=view.missing)
    vital = (each for each in openings(view.cluster, view.node) if each.is_vital)
    found = [(each.what, passage(ruleset, each.packet)) for each in vital]
    dropped = [f"{what}: {way.words}" for what, way in found if way.verdict == "drop"]
    unknown = [f"{what}: {way.words}" for what, way in found if way.verdict == "unknown"]
    missing = view.plan.firewall.opened if view.plan.firewall else ()  # absent after a boot
    if unknown and not dropped and not missing:  # the ruleset alone does not decide; checks of the traffic do
        return Skipped(expected, "; ".join(unknown))
    return Verdict(
        not dropped and not missing,
        expected,
        "; ".join(dropped or [f"missing after a reboot: {rule}" for rule in missing]) or "accepted",
        "run deploy, which adds rules to firewalld, ufw or nftables.service's file (unless `firewall: "
        "leave`). If other software manages the rules, accept IP protocol 112 from and to the peers, and "
        "TCP to that port, there",
    )
