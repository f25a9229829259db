"""The guide's own shell loops: each step on one host after the other, with a login for each."""

from pathlib import Path

from benchmarks.contestants.contestant import Contestant
from benchmarks.contestants.floor import FLOOR
from benchmarks.jobs import DEPLOYS, Job
from benchmarks.site import Site

from nornir_kube_ha.planning.plan import PACKAGES

_SCRIPT = Path(__file__).with_name("guide.sh")


def _prepare(site: Site) -> None:
    lines = (f"{target.name} {target.address} {target.vip}\n" for target in site.targets)
    (site.folder / "hosts").write_text("".join(lines))


def _command(site: Site, _job: Job) -> list[str]:
    read = [site.folder / "ssh_config", site.folder / "hosts", site.files]
    return ["sh", str(_SCRIPT), *map(str, read), " ".join(PACKAGES), "eth0"]


GUIDE = Contestant(
    name="the guide",
    words="Its own loops, one host after the other. `apt-get install` replaces its `yum install`; `scp`, `systemctl "
    "restart` and its checks follow. It restarts both daemons each time.",
    jobs=DEPLOYS,
    prepare=_prepare,
    command=_command,
    version=FLOOR.version,
    restarts=True,
)
