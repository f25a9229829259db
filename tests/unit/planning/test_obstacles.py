"""What would make a change fail half-way, or not reach its daemon, is found before anything is changed."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.support.changes import Change, facts, unit

from nornir_kube_ha.facts import Command, Facts, Folder, Loaded, LoadedFile, Obstacle
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.planning.obstacles import obstacles
from nornir_kube_ha.planning.plan import FileChange, HostPlan

OTHER = Command(("/usr/sbin/haproxy", "-f", "/etc/haproxy/lb.cfg"), (LoadedFile("/etc/haproxy/lb.cfg", 0),))
CHANGE = HostPlan(write=(FileChange(ConfigFile(HAPROXY_CFG, ""), ""),))


@pytest.mark.field_report(
    "A2",
    "ansible-haproxy#129",
    "The guide's file is changed, and the daemon goes on with another one.",
    "Pre-flight refuses, and haproxy.up_to_date fails; both name the file of the daemon's command line.",
)
@pytest.mark.field_report(
    "A3",
    "ansible-keepalived#154",
    "Hosts are changed one by one until the masked unit's start fails.",
    "Pre-flight and the dry run name the masked unit and the command that unmasks it.",
)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (unit("keepalived", load_state="masked"), "keepalived.service is masked; run `systemctl unmask keepalived`"),
        (unit("haproxy", load_state="bad-setting"), "systemd cannot load haproxy.service (bad-setting)"),
        (unit("haproxy", load_state="not-found"), "systemd cannot load haproxy.service (not-found)"),
        (
            unit("haproxy", loaded=Loaded(start=OTHER)),
            "haproxy -f /etc/haproxy/lb.cfg`, which reads /etc/haproxy/lb.cfg instead of /etc/haproxy/haproxy.cfg",
        ),
        (unit("haproxy", loaded=Loaded(running=OTHER)), "haproxy runs as `/usr/sbin/haproxy -f /etc/haproxy/lb.cfg`"),
        (facts(obstacles=(Obstacle("mounted", HAPROXY_CFG),)), f"{HAPROXY_CFG} is a mount point"),
        (facts(obstacles=(Obstacle("immutable", HAPROXY_CFG),)), f"`chattr -ia {HAPROXY_CFG}`"),
        (facts(obstacles=(Obstacle("immutable", "/etc/haproxy"),)), "/etc/haproxy is immutable"),
        (
            facts(obstacles=(Obstacle("kind", HAPROXY_CFG, "directory"),)),
            f"{HAPROXY_CFG}: expected a file, got a directory",
        ),
        (
            facts(folders=(Folder("/etc", "0757", "root", "root"),)),
            "users other than root can write to /etc (0757 root:root)",
        ),
        (facts(folders=(Folder("/etc", "0755", "ops", "root"),)), "`chmod go-w /etc` or `chown root /etc`"),
    ],
)
def test_what_stands_in_the_way_is_named(healthy: Mapping[str, Facts], change: Change, words: str) -> None:
    [found] = obstacles(CHANGE, change(healthy["lb-1"]))
    assert words in found


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(facts(), id="nothing"),
        pytest.param(facts(obstacles=(Obstacle("link", HAPROXY_CFG, "../x"),)), id="a link, which the plan replaces"),
        pytest.param(facts(obstacles=(Obstacle("mounted", KEEPALIVED_CONF),)), id="a file that is not written"),
        pytest.param(facts(folders=(Folder("/etc", "0775", "root", "root"),)), id="a folder of root's own group"),
    ],
)
def test_harmless_state_is_not_an_obstacle(healthy: Mapping[str, Facts], change: Change) -> None:
    assert not [*obstacles(CHANGE, change(healthy["lb-1"]))]


def test_unit_of_a_package_that_is_not_there_yet_is_no_obstacle(healthy: Mapping[str, Facts]) -> None:
    bare = unit("haproxy", load_state="not-found")(replace(healthy["lb-1"], packages={}))
    assert not [*obstacles(CHANGE, bare)]
