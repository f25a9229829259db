"""Logins by an ssh_config file, with OpenSSH on both ends: through a jump host, and by certificates."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.lab import BACKUPS, HOSTS, MASTER, ROOT, Completed, Lab, on_all
from ruamel.yaml import YAML

from nornir_kube_ha.lab.hosts import read_layout
from nornir_kube_ha.lab.network import NETNS, control_namespace
from nornir_kube_ha.lab.state import LabFiles

JUMP, COMMAND, CERTIFICATE = (
    block.partition("\n```")[0] for block in (ROOT / "docs/login.md").read_text().split("```\n# ssh_config\n")[1:]
)
"""The page's examples, which are for the demo's lab."""
ALONE = """table inet alone {
    chain in { type filter hook input priority 0; ip saddr %s tcp dport 22 reject with tcp reset; }
}"""
TRUST = "/etc/ssh/sshd_config.d/ca.conf"
RELOADED = "sshd -t && systemctl reload ssh"


def say(lab: Lab, **extras: object) -> None:
    """Put something into the `extras` of all hosts; `None` takes it out."""
    groups, yaml = lab.inventory / "groups.yaml", YAML()
    tree = yaml.load(groups)
    own = tree["lab"]["connection_options"]["netmiko"]["extras"]
    for key, value in extras.items():
        own[key] = value
        if value is None:
            del own[key]
    yaml.dump(tree, groups)


@pytest.fixture(autouse=True)
def _tidy(shared_lab: Lab) -> Iterator[None]:
    yield
    _ssh_config_of(shared_lab).unlink(missing_ok=True)


def _ssh_config_of(lab: Lab) -> Path:
    """Among the operator's own, where alone an inventory may choose."""
    return Path.home() / f".ssh/kube-ha-lab-{lab.name}"


def write_ssh_config(lab: Lab, text: str) -> Path:
    file = _ssh_config_of(lab)
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(text.replace("/lab/demo/", f"/lab/{lab.name}/"))
    say(lab, ssh_config_file=str(file))
    return file


def errors(completed: Completed) -> dict[str, dict[str, str]]:
    hosts = completed.report["hosts"]
    return {name: host["error"] for name, host in hosts.items() if host["error"]}


@pytest.fixture
def apart(deployed: Lab) -> Iterator[Lab]:
    """The hosts, of which only the first lets the controller in."""
    [controller] = read_layout(deployed.name).control_addresses
    for host in BACKUPS:
        deployed.run(host, f"nft '{ALONE % controller.ip}'")
    yield deployed
    for host in BACKUPS:
        deployed.run(host, "nft delete table inet alone")


def test_hosts_behind_a_jump_host_are_reached_through_it(apart: Lab) -> None:
    alone = apart.runbook("verify", "--output", "json")
    assert alone.status == 4
    assert list(errors(alone)) == BACKUPS
    file = write_ssh_config(apart, JUMP)
    os.chown(file, 65534, -1)
    foreign = apart.runbook("verify", "--output", "json")
    assert foreign.status == 6
    assert "is writable by other users" in errors(foreign)["lb-2"]["message"]
    os.chown(file, 0, -1)
    assert apart.runbook("verify").status == 0
    assert not apart.deploy("--output", "json").report["changed"]
    apart.set("haproxy.balance", "source")
    changed = apart.deploy("--output", "json")
    assert changed.status == 0, changed.stdout
    assert [host["changed"] for host in changed.report["hosts"].values()] == [True] * len(HOSTS)


def test_keys_of_hosts_behind_a_jump_host_are_enrolled_through_it(apart: Lab) -> None:
    write_ssh_config(apart, JUMP)
    known = apart.inventory / "known_hosts"
    say(apart, alt_key_file=str(known))
    refused = apart.runbook("verify", "--output", "json")
    assert {error["type"] for error in errors(refused).values()} == {"HostKeyUnknownError"}
    enrolled = apart.kube_ha("hostkeys", "enroll", "-i", str(apart.inventory), "--yes")
    assert enrolled.status == 0, enrolled.stderr
    assert sorted(known.read_text().splitlines()) == sorted(LabFiles(apart.name).known_hosts.read_text().splitlines())
    assert apart.runbook("verify").status == 0


def test_command_leads_to_a_host_and_stays_in_the_lab(apart: Lab) -> None:
    place = apart.inventory.parent / "place"
    script = apart.inventory.parent / "leads"
    script.write_text(f'#!/bin/sh\nreadlink /proc/self/ns/net >>{place}\nexec "$@"\n')
    script.chmod(0o755)
    write_ssh_config(apart, COMMAND.replace("ProxyCommand ssh", f"ProxyCommand {script} ssh"))
    completed = apart.runbook("verify", "--output", "json")
    assert completed.status == 0, completed.stdout
    inside = (NETNS / control_namespace(apart.name)).stat().st_ino
    assert place.read_text().splitlines() == [f"net:[{inside}]"] * len(BACKUPS)


@pytest.mark.parametrize(
    ("key", "kind"),
    [("", "HostKeyUnknownError"), ("{name} {other}\n", "HostKeyChangedError")],
    ids=["unknown", "changed"],
)
def test_jump_host_that_is_another_is_refused_whatever_the_file_says(apart: Lab, key: str, kind: str) -> None:
    lines = dict(line.split(" ", 1) for line in LabFiles(apart.name).known_hosts.read_text().splitlines())
    (name, _), (_, other), *_ = lines.items()
    known = apart.inventory.parent / "known_hosts"
    known.write_text(key.format(name=name, other=other))
    text = JUMP.replace("/var/lib/kube-ha/lab/demo/known_hosts", str(known))
    write_ssh_config(apart, f"{text}\n    StrictHostKeyChecking no\n")
    before = apart.run(MASTER, "journalctl --boot --unit ssh --output cat | grep -c Accepted")
    completed = apart.runbook("verify", "--output", "json", "--limit", ",".join(BACKUPS))
    assert completed.status == 6, completed.stdout
    assert {name: error["type"] for name, error in errors(completed).items()} == dict.fromkeys(BACKUPS, kind)
    assert apart.run(MASTER, "journalctl --boot --unit ssh --output cat | grep -c Accepted") == before


def test_jump_host_that_rejects_the_login_refuses_and_one_that_gets_nowhere_is_unreachable(apart: Lab) -> None:
    write_ssh_config(apart, JUMP.replace("User root", "User nobody"))
    refused = apart.runbook("verify", "--output", "json", "--limit", "lb-2")
    assert refused.status == 6, refused.stdout
    assert errors(refused)["lb-2"]["type"] == "LoginRefusedError"
    assert "Permission denied" in errors(refused)["lb-2"]["message"]
    write_ssh_config(apart, JUMP.replace("    ProxyJump", "    Port 23\n    ProxyJump"))
    lost = apart.runbook("verify", "--output", "json", "--limit", "lb-2")
    assert lost.status == 4, lost.stdout
    assert "Connection refused" in errors(lost)["lb-2"]["message"]


def keygen(*arguments: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True, capture_output=True)


@pytest.fixture
def authority(deployed: Lab, tmp_path: Path) -> Iterator[Path]:
    """A CA whose certificates all hosts let in; and a key that they know nothing of."""
    authority = tmp_path / "ca"
    for file in (authority, tmp_path / "id"):
        keygen("-t", "ed25519", "-N", "", "-f", str(file))
    public = authority.with_suffix(".pub").read_text()
    on_all(
        deployed, f"echo '{public}' >/etc/ssh/ca.pub && echo TrustedUserCAKeys /etc/ssh/ca.pub >{TRUST} && {RELOADED}"
    )
    say(deployed, key_file=str(tmp_path / "id"))
    yield authority
    on_all(deployed, f"rm -f {TRUST} /etc/ssh/ca.pub /etc/ssh/ssh_host_*-cert.pub && {RELOADED}")


def certify(authority: Path, *, valid: str = "-1h:+1h", who: str = "root") -> Path:
    """A certificate of the key, beside it."""
    key = authority.with_name("id")
    keygen("-s", str(authority), "-I", "a test", "-n", who, "-V", valid, f"{key}.pub")
    return key.with_name("id-cert.pub")


def test_certificate_beside_the_key_logs_in(deployed: Lab, authority: Path) -> None:
    refused = deployed.runbook("verify", "--output", "json")
    assert refused.status == 6  # the key alone
    certify(authority)
    assert deployed.runbook("verify").status == 0
    assert not deployed.deploy("--output", "json").report["changed"]


def test_certificate_of_the_ssh_config_file_logs_in(deployed: Lab, authority: Path, tmp_path: Path) -> None:
    elsewhere = certify(authority).rename(tmp_path / "today-cert.pub")
    text = CERTIFICATE.replace("~/.ssh/id_ed25519", str(tmp_path / "id")).replace(
        "~/.ssh/today-cert.pub", str(elsewhere)
    )
    write_ssh_config(deployed, text)
    say(deployed, use_keys=None, key_file=None)
    completed = deployed.runbook("verify", "--output", "json")
    assert completed.status == 0, errors(completed)


@pytest.mark.parametrize("unlike", [{"valid": "20200101:20200102"}, {"who": "ops"}], ids=["expired", "another user's"])
def test_certificate_that_is_not_good_is_refused(deployed: Lab, authority: Path, unlike: dict[str, str]) -> None:
    certify(authority, **unlike)
    completed = deployed.runbook("verify", "--output", "json")
    assert completed.status == 6, completed.stdout
    assert {error["type"] for error in errors(completed).values()} == {"LoginRefusedError"}


def test_host_with_only_a_certificate_is_unknown(
    deployed: Lab, authority: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    certify(authority)
    theirs = tmp_path / "theirs.pub"
    name = "/etc/ssh/ssh_host_ed25519_key"
    theirs.write_text(deployed.run(MASTER, f"cat {name}.pub"))
    keygen("-s", str(authority), "-I", "lb-1", "-h", "-n", "192.0.2.11", str(theirs))
    certificate = theirs.with_name("theirs-cert.pub").read_text()
    deployed.run(
        MASTER, f"echo '{certificate}' >{name}-cert.pub && echo HostCertificate {name}-cert.pub >>{TRUST} && {RELOADED}"
    )
    known = deployed.inventory / "known_hosts_of_an_authority"  # elsewhere no inventory may have keys pinned
    request.addfinalizer(known.unlink)
    known.write_text(f"@cert-authority 192.0.2.* {authority.with_suffix('.pub').read_text()}")
    say(deployed, alt_key_file=str(known))
    completed = deployed.runbook("verify", "--output", "json", "--limit", MASTER)
    assert completed.status == 6, completed.stdout
    assert errors(completed)[MASTER]["type"] == "HostKeyUnknownError"
    assert "@cert-authority" in errors(completed)[MASTER]["message"]
    enrolled = deployed.kube_ha("hostkeys", "enroll", "-i", str(deployed.inventory), "--yes", MASTER)
    assert enrolled.status == 0, enrolled.stderr
    assert errors(deployed.runbook("verify", "--output", "json", "--limit", MASTER)) == {}
