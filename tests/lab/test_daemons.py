"""The real daemons take the files that are held in tests/config/golden for their versions."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest
from rig.lab import MASTER, ROOT, Lab

from nornir_kube_ha.intent.names import CLIENTS

GOLDEN = ROOT / "tests" / "config" / "golden"
BOOKWORM = sorted(GOLDEN.glob("*/*/haproxy-2.6.12-keepalived-2.2.7"))

# In a mount namespace of its own, so that the host's live files stay.
JUDGE = """unshare --mount --propagation private sh -c '
    mount -t tmpfs tmpfs /mnt && tar --extract --directory /mnt --no-same-owner || exit
    mount --bind /mnt/etc/haproxy /etc/haproxy && mount --bind /mnt/etc/keepalived /etc/keepalived || exit
    haproxy -c -f /etc/haproxy/haproxy.cfg && keepalived --config-test --use-file /etc/keepalived/keepalived.conf
' 2>&1"""


def packed(folder: Path) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(folder / "etc", "etc")
        tar.add(ROOT / "templates" / "clients.py", CLIENTS.lstrip("/"))  # is its template, as it stands
    return archive.getvalue()


def test_there_are_files_for_bookworms_daemons() -> None:
    assert BOOKWORM


@pytest.fixture(scope="module")
def host(shared_lab: Lab) -> str:
    """A host with all that the files speak of; its live ones are left as they are."""
    shared_lab.run(MASTER, "apt-get --quiet --yes install psmisc 2>&1")  # the guide's `killall`
    return MASTER


@pytest.mark.parametrize("folder", BOOKWORM, ids=lambda folder: f"{folder.parts[-3]}-{folder.parts[-2]}")
def test_bookworms_daemons_take_their_files(shared_lab: Lab, host: str, folder: Path) -> None:
    done = subprocess.run(
        shared_lab.ssh_command(host, JUDGE), input=packed(folder), capture_output=True, check=False, timeout=60
    )
    words = done.stdout.decode()
    assert done.returncode == 0, words
    assert "Line" not in words
