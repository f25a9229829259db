"""The job as pyinfra's own operations. Each host's files come with the inventory, as our renderer makes them."""

from pyinfra import host
from pyinfra.operations import apt, files, server, systemd
from pyinfra.operations.util import any_changed

apt.packages(name="Packages", packages=host.data.packages, no_recommends=True)

PUT = {
    file["path"]: files.put(
        name=f"Put {file['path']}",
        src=file["src"],
        dest=file["path"],
        mode=file["mode"],
        user=file["owner"],
        group=file["group"],
    )
    for file in host.data.files
}


def changed(folder: str) -> object:
    """Return whether any file below a folder was put."""
    return any_changed(*(put for path, put in PUT.items() if path.startswith(folder)))


server.shell(
    name="What the units need",
    commands=["systemctl daemon-reload", "systemd-tmpfiles --create kube-ha.conf"],
    _if=any_changed(*(put for path, put in PUT.items() if "systemd" in path or "tmpfiles" in path)),
)
for unit in ("haproxy", "keepalived"):
    systemd.service(name=f"Start {unit}", service=unit, running=True, enabled=True)
    systemd.service(name=f"Reload {unit}", service=unit, reloaded=True, _if=changed(f"/etc/{unit}/"))
