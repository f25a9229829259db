"""What a change looks like to a person: every line of it, and never a secret."""

from collections.abc import Callable

import pytest
from nornir.core import Nornir

from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.config_file import ConfigFile
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.planning.diff import MASK, diff, masked
from nornir_kube_ha.planning.plan import FileChange, HostPlan, UnitChange

NornirOf = Callable[..., Nornir]
Render = Callable[..., dict[str, dict[str, ConfigFile]]]
PASSWORD = "only-for-the-lab"


@pytest.fixture(scope="module")
def cfg(nornir_of: NornirOf, render: Render) -> ConfigFile:
    """lb-1's haproxy.cfg as it should be."""
    return render(nornir_of())["lb-1"][HAPROXY_CFG]


def found(path: str, content: str, attributes: str = "0640 root:haproxy") -> FileFact:
    mode, _, owners = attributes.partition(" ")
    owner, _, group = owners.partition(":")
    return FileFact(path, mode, owner, group, content.encode())


def test_line_that_changes_is_shown(intent: Intent, cfg: ConfigFile) -> None:
    old = found(cfg.path, cfg.content.replace("balance leastconn", "balance source", 1))
    lines = diff(old, cfg, intent.nodes[0]).splitlines()
    assert lines[:2] == [f"--- {cfg.path}", f"+++ {cfg.path}"]
    assert [line for line in lines[3:] if line[0] in "+-"] == ["-    balance source", "+    balance leastconn"]


def test_new_file_is_shown_whole(intent: Intent, cfg: ConfigFile) -> None:
    lines = diff(None, cfg, intent.nodes[0]).splitlines()
    assert lines[:2] == ["--- /dev/null", f"+++ {cfg.path}"]
    assert "+    balance leastconn" in lines
    assert lines[-1] == f"+ {cfg.path}: 0640 root:haproxy"


@pytest.mark.parametrize("attributes", ["0644 root:haproxy", "0640 haproxy:haproxy", "0640 root:root"])
def test_mode_and_owner_are_shown(intent: Intent, cfg: ConfigFile, attributes: str) -> None:
    assert diff(found(cfg.path, cfg.content, attributes), cfg, intent.nodes[0]).splitlines() == [
        f"- {cfg.path}: {attributes}",
        f"+ {cfg.path}: 0640 root:haproxy",
    ]


def test_mode_that_stays_is_not_shown(intent: Intent, cfg: ConfigFile) -> None:
    assert "root:haproxy" not in diff(found(cfg.path, "# by hand\n"), cfg, intent.nodes[0])


@pytest.mark.parametrize("change", ["without its last newline", "with carriage returns"])
def test_change_of_line_ends_only_is_shown(intent: Intent, cfg: ConfigFile, change: str) -> None:
    content = cfg.content[:-1] if change == "without its last newline" else cfg.content.replace("\n", "\r\n")
    assert diff(found(cfg.path, content), cfg, intent.nodes[0]) != ""


@pytest.mark.parametrize(
    "line",
    [
        f"    stats auth 'admin:{PASSWORD}'",
        "    stats auth admin:an-older-secret",
        "    stats  auth  admin:an-older-secret",
        "\tstats\tauth\tadmin:an-older-secret",
        "    stats auth admin:an-older-secret   # an-older-secret too",
        "    user alice insecure-password an-older-secret",
        "    user alice password an-older-secret",
        "    http-request auth realm x # only-for-the-lab",
    ],
)
def test_no_password_of_haproxys_file_is_shown(intent: Intent, cfg: ConfigFile, line: str) -> None:
    text = diff(found(cfg.path, f"listen admin_stats\n{line}\n    mode http\n"), cfg, intent.nodes[0])
    assert "an-older-secret" not in text
    assert PASSWORD not in text
    assert "-    mode http" in text or "     mode http" in text  # the lines around it are


def test_no_password_of_keepaliveds_file_is_shown(nornir_of: NornirOf, render: Render, intent: Intent) -> None:
    new = render(nornir_of())["lb-1"][KEEPALIVED_CONF]
    old = found(new.path, "vrrp_instance a {\n  authentication {\n    auth_type PASS\n    auth_pass k8s-1234\n  }\n}\n")
    text = diff(old, new, intent.nodes[0])
    assert "k8s-1234" not in text
    assert "auth_type PASS" in text


def test_change_of_the_password_only_is_said_without_it(intent: Intent, cfg: ConfigFile) -> None:
    old = found(cfg.path, cfg.content.replace(PASSWORD, "an-older-secret"))
    text = diff(old, cfg, intent.nodes[0])
    assert "an-older-secret" not in text
    assert PASSWORD not in text
    assert [line for line in text.splitlines()[2:] if line[0] in "+-"] == [
        f"-    stats auth {MASK}",
        f"+    stats auth {MASK}",
        f"-    user admin insecure-password {MASK}",
        f"+    user admin insecure-password {MASK}",
    ]
    assert "(only a secret changes)" in text


def test_file_with_bytes_that_are_no_text_is_shown(intent: Intent, cfg: ConfigFile) -> None:
    old = FileFact(cfg.path, "0640", "root", "haproxy", b"\xff\xfe\n")
    assert "-\ufffd\ufffd" in diff(old, cfg, intent.nodes[0]).splitlines()


def test_secret_is_masked_wherever_it_stands(intent: Intent) -> None:
    assert masked(f"refused: {PASSWORD}, twice {PASSWORD}", intent.nodes[0]) == f"refused: {MASK}, twice {MASK}"


def test_no_content_is_in_a_repr(cfg: ConfigFile) -> None:
    assert PASSWORD not in repr(cfg) + repr(HostPlan(write=(FileChange(cfg, "+ line"),)))


def test_plan_as_text_says_all_of_it_in_order(cfg: ConfigFile) -> None:
    change = HostPlan(("haproxy",), (FileChange(cfg, "+ line"),), ("/etc/a",), (UnitChange("reload", "haproxy"),))
    assert change.diff == "+ package haproxy\n+ line\n- /etc/a\n+ reload haproxy"
    assert change.steps == ("install haproxy", f"write {cfg.path}", "remove /etc/a", "reload haproxy")
    assert not change.is_empty
