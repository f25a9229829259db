"""What a daemon really loads, and where our files really are: a deploy judges and changes these, or nothing."""

import pytest
from rig.lab import Lab, on_all

HAPROXY_CFG = "/etc/haproxy/haproxy.cfg"
FINGERPRINT = f"sha256sum {HAPROXY_CFG} /etc/keepalived/keepalived.conf; ls -A /etc/haproxy /etc/keepalived"
# Also what loads.sh makes of an environment file: the unit's own arguments come from there.
EXTRA = """
mkdir /etc/haproxy/conf.d
printf 'backend extra\\n  server one example.invalid:1 resolvers dns init-addr none\\n' >/etc/haproxy/conf.d/extra.cfg
printf '\\nresolvers dns\\n  nameserver one 127.0.0.1:53\\n' >>/etc/haproxy/haproxy.cfg
cp /etc/default/haproxy /root/default && echo 'EXTRAOPTS="-f /etc/haproxy/conf.d"' >>/etc/default/haproxy
"""
LINKED = "mv /etc/haproxy /srv/haproxy && ln -s ../srv/haproxy /etc/haproxy"
UNLINKED = "rm /etc/haproxy && mv /srv/haproxy /etc/haproxy"


def errors(report: dict[str, dict[str, dict[str, dict[str, str]]]]) -> dict[str, str]:
    return {name: host["error"]["message"] for name, host in report["hosts"].items() if host.get("error")}


@pytest.mark.field_report("A2")
@pytest.mark.field_report("A3")
@pytest.mark.field_report("B3")
def test_what_a_change_would_not_reach_is_refused_in_the_dry_run_too(deployed: Lab) -> None:
    deployed.set("haproxy.balance", "source")
    deployed.run("lb-1", "cp /etc/default/haproxy /root/default; echo CONFIG=/srv/lb.cfg >>/etc/default/haproxy")
    deployed.run("lb-2", f"mount --bind {HAPROXY_CFG} {HAPROXY_CFG}")
    deployed.run("lb-3", "systemctl mask --runtime keepalived")
    try:
        completed = deployed.deploy("--dry-run", "--output", "json")
    finally:
        deployed.run("lb-1", "mv /root/default /etc/default/haproxy")
        deployed.run("lb-2", f"umount {HAPROXY_CFG}")
        deployed.run("lb-3", "systemctl unmask --runtime keepalived")
    assert completed.status == 1
    found = errors(completed.report)
    assert "which reads /srv/lb.cfg instead of /etc/haproxy/haproxy.cfg" in found["lb-1"]
    assert "/etc/haproxy/haproxy.cfg is a mount point" in found["lb-2"]
    assert "keepalived.service is masked; run `systemctl unmask keepalived`" in found["lb-3"]


@pytest.mark.field_report(
    "A1",
    "infra-ansible#279, sap_install#898",
    "The check reads one file, the unit reads a folder too: the restart fails.",
    "New files are judged by the unit's own command; a set that it would not start with is refused on all hosts.",
)
def test_new_files_are_judged_with_all_that_the_unit_loads(deployed: Lab) -> None:
    deployed.set("haproxy.balance", "source")
    deployed.run("lb-3", EXTRA)
    try:
        before = on_all(deployed, FINGERPRINT)
        completed = deployed.deploy("--output", "json")
        assert on_all(deployed, FINGERPRINT) == before
    finally:
        deployed.run("lb-3", "mv /root/default /etc/default/haproxy; rm -r /etc/haproxy/conf.d")
    assert (completed.status, completed.report["changed"]) == (1, False)
    assert "unable to find required resolvers 'dns'" in errors(completed.report)["lb-3"]


@pytest.mark.field_report(
    "B2",
    "haproxy-docker-alpine#1",
    "The file is written through the link, whatever the check says.",
    "The daemons judge copies of what a linked folder holds; a refused file never becomes live.",
)
def test_files_in_a_folder_that_is_a_link_are_judged_before_they_are_live(deployed: Lab) -> None:
    deployed.set("haproxy.global_lines", ["nonsense here"])
    deployed.run("lb-2", LINKED)
    try:
        before = deployed.run("lb-2", FINGERPRINT)
        completed = deployed.deploy("--output", "json")
        assert deployed.run("lb-2", FINGERPRINT) == before
    finally:
        deployed.run("lb-2", UNLINKED)
    assert (completed.status, completed.report["changed"]) == (1, False)
    assert "unknown keyword 'nonsense'" in errors(completed.report)["lb-2"]


@pytest.mark.field_report("A4")
@pytest.mark.field_report("B1")
@pytest.mark.field_report(
    "B4",
    "keepalived#1372",
    "keepalived drops its script without a word, and the VIP no longer moves.",
    "files.intended names the folder, its mode and its owner; deploy takes the right to write from others.",
)
def test_links_folders_and_replaced_libraries_are_put_right(deployed: Lab) -> None:
    library = deployed.run("lb-3", "ldconfig -p | sed -n 's/.*libssl.so.3 .*=> //p' | xargs readlink -f").strip()
    deployed.run("lb-1", "chmod g+w /etc/keepalived")
    deployed.run("lb-2", f"mkdir -p /srv/h && mv {HAPROXY_CFG} /srv/h/x && ln -s ../../srv/h/x {HAPROXY_CFG}")
    deployed.run("lb-3", f"cp -a {library} /root/library && mv /root/library {library}")
    red = deployed.runbook("verify", "--output", "json", "--check", "files.intended", "--check", "*.up_to_date")
    assert red.red_checks() == {
        "lb-1": ["files.intended"],
        "lb-2": ["files.intended"],
        "lb-3": ["haproxy.up_to_date", "keepalived.up_to_date"],
    }
    completed = deployed.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    assert deployed.run("lb-1", "stat -c %a /etc/keepalived").strip() == "755"
    deployed.run("lb-2", f"test -f /srv/h/x && test ! -L {HAPROXY_CFG}")
