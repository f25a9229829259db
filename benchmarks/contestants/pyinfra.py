"""pyinfra, with the settings that make it fast."""

from pathlib import Path

from benchmarks import peers
from benchmarks.contestants.contestant import Contestant
from benchmarks.jobs import DEPLOYS, Job
from benchmarks.site import Site, Target

from nornir_kube_ha.planning.plan import PACKAGES

_DEPLOY = Path(__file__).with_name("pyinfra_deploy.py")


def _prepare(site: Site) -> None:
    hosts = [(target.name, _data(site, target)) for target in site.targets]
    (site.folder / "pyinfra_inventory.py").write_text(f"hosts = {hosts!r}\n")


def _data(site: Site, target: Target) -> dict[str, object]:
    own = site.files / target.name
    return {
        "ssh_hostname": target.address,
        "ssh_user": "root",
        "ssh_key": str(site.keys.private_key),
        "ssh_known_hosts_file": str(site.keys.known_hosts),
        "ssh_strict_host_key_checking": "yes",
        "ssh_allow_agent": False,
        "ssh_look_for_keys": False,
        "packages": list(PACKAGES),
        "files": [
            {"src": f"{own}{file.path}", "path": file.path, "mode": file.mode, "owner": file.owner, "group": file.group}
            for file in target.files
        ],
    }


def _command(site: Site, _job: Job) -> list[str]:
    how = ["--yes", "--no-wait", "--parallel", str(len(site.names))]
    return [peers.program("pyinfra"), *how, str(site.folder / "pyinfra_inventory.py"), str(_DEPLOY)]


PYINFRA = Contestant(
    name="pyinfra",
    words="`pyinfra --yes --no-wait --parallel HOSTS`. All hosts at once, no checks, no gate.",
    jobs=DEPLOYS,
    prepare=_prepare,
    command=_command,
    version=lambda: peers.version("pyinfra"),
)
