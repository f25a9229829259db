"""The README's whole way, as a user who is not root, whom sudo asks for a password."""

from rig.lab import BACKUPS, MASTER, Lab
from rig.users import DEMAND_PASSWORD, PASSWORD, allow


def test_the_readmes_whole_way_is_gone_by_sudo(ops: Lab) -> None:
    allow(ops, DEMAND_PASSWORD, password=PASSWORD)
    ops.set("login.sudo_password", PASSWORD)
    ops.set("haproxy.balance", "source")
    for command in (
        ("deploy", "--dry-run", "--diff"),
        ("deploy",),
        ("verify", "--filter", "role=backup"),
        ("rollback", "--list"),
        ("upgrade", "--dry-run"),
        ("failover-test", "--fault", "haproxy-kill", "--yes"),
        ("vip", "move", "--to", MASTER),
        ("drain", BACKUPS[0], "--for", "1m"),
        ("ready", BACKUPS[0]),
        ("rollback",),
        ("remove", "--yes"),
        ("deploy",),
    ):
        completed = ops.kube_ha(*command, "-i", str(ops.inventory))
        assert completed.status == 0, (command, completed.stdout, completed.stderr)
