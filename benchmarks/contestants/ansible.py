"""Ansible, with the settings that make it fast."""

import json
import shutil
from pathlib import Path

from benchmarks import peers
from benchmarks.contestants.contestant import Contestant
from benchmarks.jobs import DEPLOYS, Job
from benchmarks.site import Site

from nornir_kube_ha.planning.plan import PACKAGES

_PLAYBOOK = Path(__file__).with_name("ansible_playbook.yml")
# Modules and files go through one persistent connection; hosts do not wait for each other.
_SETTINGS = """\
[defaults]
forks = {hosts}
strategy = free
gathering = explicit
interpreter_python = /usr/bin/python3
local_tmp = {folder}/tmp
nocows = true
[ssh_connection]
pipelining = true
transfer_method = piped
ssh_args = -F {ssh_config} -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = {folder}/control
"""


def _prepare(site: Site) -> None:
    folder = site.folder / "ansible"
    shutil.rmtree(folder, ignore_errors=True)  # with the connections of the run before: each run begins without any
    folder.mkdir()
    settings = _SETTINGS.format(hosts=len(site.names), folder=folder, ssh_config=site.folder / "quick_ssh_config")
    (folder / "ansible.cfg").write_text(settings)
    hosts = {
        target.name: {"ansible_host": target.address, "files": str(site.files / target.name)} for target in site.targets
    }
    inventory = {"all": {"vars": {"ansible_user": "root", "packages": PACKAGES}, "hosts": hosts}}
    (folder / "inventory.json").write_text(json.dumps(inventory))


def _command(site: Site, _job: Job) -> list[str]:
    folder = site.folder / "ansible"
    settings = f"ANSIBLE_CONFIG={folder / 'ansible.cfg'}"
    return ["env", settings, peers.program("ansible-playbook"), "-i", str(folder / "inventory.json"), str(_PLAYBOOK)]


ANSIBLE = Contestant(
    name="ansible-core",
    words="`ansible-playbook` with pipelining, strategy free, and the floor's key exchange. Each host has a fork and a "
    "connection that stays (ControlPersist). No facts are gathered. All hosts at once, no checks, no gate.",
    jobs=DEPLOYS,
    prepare=_prepare,
    command=_command,
    version=lambda: peers.version("ansible-core"),
)
