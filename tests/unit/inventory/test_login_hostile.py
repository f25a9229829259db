"""What an inventory may say of a login: nothing that runs or writes here, or goes anywhere else than over SSH."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nornir.core import Nornir
from nornir.core.inventory import ConnectionOptions, Defaults, Group, Host
from rig.loopback.sshserver import Sent, SSHServer

from nornir_kube_ha.cli.selection import refuse_logins
from nornir_kube_ha.errors import InventoryError, LoginRefusedError, Problem, UsageError
from nornir_kube_ha.inventory.load import load_intent, login_problems, login_site
from nornir_kube_ha.inventory.login_extras import ALLOWED, INSTEAD
from nornir_kube_ha.inventory.login_options import login_options
from nornir_kube_ha.inventory.login_places import LABS, known_hosts_problem
from nornir_kube_ha.inventory.login_words import is_host_word, is_linux, is_user_word
from nornir_kube_ha.lab import state
from nornir_kube_ha.runbooks import hostkeys
from nornir_kube_ha.runbooks.hostkeys import run_enroll
from nornir_kube_ha.ssh import login
from nornir_kube_ha.tasks.hostkeys import HostKey, KeyState

NornirOf = Callable[..., Nornir]
ProblemsOf = Callable[[Nornir], tuple[Problem, ...]]
EVIL = (
    "x -oProxyCommand=reboot",
    "-oProxyCommand=reboot",
    "a;b",
    "$(id)",
    "a`id`",
    "a|b",
    "a&b",
    "a\nb",
    "a\x1b[2J",
    "a'b",
)
WHERE = "connection_options.netmiko"


def netmiko(**options: Any) -> dict[str, ConnectionOptions]:  # noqa: ANN401 - as YAML has it
    return {"netmiko": ConnectionOptions(**options)}


def say(nornir: Nornir, level: str, **options: Any) -> None:  # noqa: ANN401 - as YAML has it
    """Give the inventory connection options at one of its levels."""
    inventory = nornir.inventory
    places: dict[str, Host | Group | Defaults] = {
        "host": inventory.hosts["lb-2"],
        "group": inventory.groups["kube"],
        "defaults": inventory.defaults,
    }
    places[level].connection_options = netmiko(**options)


@pytest.mark.field_report(
    "H1",
    "found by trial",
    "an inventory's `auto_connect: true` and a host name with an option in it run a command on the operator's machine",
    "both are inventory errors, and nothing of an inventory reaches a command but as one checked word",
)
@pytest.mark.parametrize("key", sorted({*INSTEAD} | {"auto_connect", "proxy", "look_for_keys", "gss_auth"}))
@pytest.mark.parametrize(
    ("level", "words"), [("host", "host lb-2"), ("group", "group kube"), ("defaults", "the defaults")]
)
def test_extras_that_are_not_listed_are_an_error_that_says_where(
    nornir_of: NornirOf, problems_of: ProblemsOf, level: str, words: str, key: str
) -> None:
    nornir = nornir_of()
    say(nornir, level, extras={key: True})
    problems = problems_of(nornir)
    assert {problem.key for problem in problems} == {f"{WHERE}.extras.{key}"}
    assert len(problems) == (1 if level == "host" else 3)
    assert all(f"(set {'at' if level == 'host' else 'in'} {words})" in problem.message for problem in problems)


@pytest.mark.field_report("H9", "found by trial", "extras such as `host` and `port` are taken", "an inventory error")
@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("host", "`hostname`"),
        ("ip", "`hostname`"),
        ("port", "`port` of the host"),
        ("username", "`username` of the host"),
        ("password", "`login.password`"),
        ("secret", "`login.sudo_password`"),
        ("device_type", "`platform: linux`"),
        ("sock", "ProxyJump"),
        ("key_fille", "did you mean key_file?"),
    ],
)
def test_extras_that_are_refused_say_what_to_use(
    nornir_of: NornirOf, problems_of: ProblemsOf, key: str, instead: str
) -> None:
    nornir = nornir_of()
    say(nornir, "host", extras={key: "192.0.2.66"})
    [problem] = problems_of(nornir)
    assert instead in problem.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("conn_timeout", 0),
        ("conn_timeout", True),
        ("auth_timeout", "30"),
        ("banner_timeout", float("inf")),
        ("use_keys", "yes"),
        ("allow_agent", 1),
        ("key_file", "a\nb"),
        ("pkey", "a key"),
        ("disabled_algorithms", {"kex": "all"}),
        ("alt_key_file", ["known_hosts"]),
        ("fast_cli", {"a": 1}),
    ],
)
def test_extras_of_the_wrong_kind_are_an_error(
    nornir_of: NornirOf, problems_of: ProblemsOf, key: str, value: object
) -> None:
    nornir = nornir_of()
    say(nornir, "host", extras={key: value})
    [problem] = problems_of(nornir)
    assert (problem.key, "must be" in problem.message) == (f"{WHERE}.extras.{key}", True)


def test_extras_that_change_nothing_of_a_login_are_taken(nornir_of: NornirOf) -> None:
    nornir = nornir_of()
    say(nornir, "group", extras={"use_keys": False, "fast_cli": False, "global_delay_factor": 2, "auto_connect": False})
    assert load_intent(nornir)
    assert not any(key in INSTEAD for key in ALLOWED)


def test_what_logs_in_is_netmiko_without_a_connection_of_its_own(nornir_of: NornirOf) -> None:
    nornir = nornir_of()
    say(nornir, "group", extras={"auto_connect": True})
    assert login_options(nornir.inventory.hosts["lb-1"], {}, login_site(nornir))["auto_connect"] is False


@pytest.mark.field_report("H1")
@pytest.mark.parametrize("word", EVIL)
@pytest.mark.parametrize("key", ["hostname", "username"])
@pytest.mark.parametrize("beside", [True, False], ids=["at the host", "in its connection options"])
def test_name_of_several_words_is_an_inventory_error(
    nornir_of: NornirOf, problems_of: ProblemsOf, key: str, word: str, *, beside: bool
) -> None:
    nornir = nornir_of({"lb-2": {"address": "192.0.2.12"}})
    host = nornir.inventory.hosts["lb-2"]
    if beside:
        setattr(host, key, word)
    else:
        host.connection_options = netmiko(**{key: word})
    [problem] = problems_of(nornir)
    assert problem.key == (key if beside else f"{WHERE}.{key}")
    assert "\x1b" not in str(problem)
    with pytest.raises(InventoryError):  # as `hostkeys enroll` and a vantage point do, which are of no cluster
        refuse_logins(nornir, ["lb-2"])


@pytest.mark.field_report("H9")
@pytest.mark.parametrize("value", [[], {}, [1], False], ids=str)
@pytest.mark.parametrize("key", ["hostname", "username", "port", "platform", "password"])
def test_value_of_another_kind_is_an_error_of_the_inventory(
    nornir_of: NornirOf, problems_of: ProblemsOf, key: str, value: object
) -> None:
    nornir = nornir_of({"lb-2": {"address": "192.0.2.12"}})
    setattr(nornir.inventory.hosts["lb-2"], key, value)
    assert [problem.key for problem in problems_of(nornir)] == [key]


@pytest.mark.parametrize("word", EVIL)
def test_words_of_commands(word: str) -> None:
    assert not is_host_word(word)
    assert not is_user_word(word)


@pytest.mark.parametrize("word", ["lb-1", "lb_1.example.org", "192.0.2.11", "2001:db8::11", "::1", "fe80::1%eth0"])
def test_names_of_hosts_are_words(word: str) -> None:
    assert is_host_word(word)


@pytest.mark.parametrize("word", ["root", "ops", "svc.k8s-ha", "ops@example.org", "_apt"])
def test_names_of_users_are_words(word: str) -> None:
    assert is_user_word(word)


@pytest.mark.parametrize("word", ["", None, "fe80::1%e;h", "a" * 300])
def test_no_names_of_hosts(word: object) -> None:
    assert not is_host_word(word)


@pytest.mark.field_report("H1")
@pytest.mark.parametrize("line", ['Match exec "touch {run} %h"', "Host *\n  ProxyCommand touch {run} %h %r"])
@pytest.mark.parametrize("key", ["hostname", "username"])
def test_word_is_checked_before_a_command_of_the_operators_file_sees_it(
    stranger: Nornir, sent_afresh: Sent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, key: str
) -> None:
    """Also where nothing but the login itself looks: `Match exec` runs while the file is read."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (home / ".ssh/config").write_text(line.format(run=tmp_path / "run") + "\n")
    stranger.config.ssh.config_file = str(home / ".ssh/config")
    monkeypatch.setattr(login, "login_problems", lambda *_: ())
    setattr(stranger.inventory.hosts["lb-1"], key, f"x;touch {tmp_path}/run")
    with pytest.raises(LoginRefusedError, match="could become an option of a command"):
        sent_afresh()
    assert not (tmp_path / "run").exists()


@pytest.mark.field_report(
    "H2",
    "found by trial",
    "with `platform: cisco_ios_telnet` the password goes out in clear text",
    "any platform but Linux over SSH is an inventory error before anything is sent",
)
@pytest.mark.parametrize("level", ["host", "group", "defaults"])
@pytest.mark.parametrize(
    "platform", ["cisco_ios_telnet", "linux_telnet", "generic_telnet", "ios", "linux_serial", "eos"]
)
def test_platform_that_is_not_linux_is_an_error(
    nornir_of: NornirOf, problems_of: ProblemsOf, level: str, platform: str
) -> None:
    nornir = nornir_of()
    say(nornir, level, platform=platform)
    assert {problem.key for problem in problems_of(nornir)} == {f"{WHERE}.platform"}


@pytest.mark.parametrize("level", ["host", "group", "defaults"])
def test_platform_is_judged_wherever_it_stands(nornir_of: NornirOf, problems_of: ProblemsOf, level: str) -> None:
    nornir = nornir_of()
    inventory = nornir.inventory
    inventory.defaults.platform = None
    place = {"host": inventory.hosts["lb-2"], "group": inventory.groups["kube"], "defaults": inventory.defaults}[level]
    place.platform = "vyos"
    problems = problems_of(nornir)
    assert {problem.key for problem in problems} == {"platform"}
    assert "'vyos' must be Linux" in problems[0].message


def test_no_password_is_sent_to_another_platform(fresh_server: SSHServer, stranger: Nornir, sent_afresh: Sent) -> None:
    host = stranger.inventory.hosts["lb-1"]
    host.platform, host.data["login"] = "cisco_ios_telnet", {"password": "open sesame"}
    with pytest.raises(LoginRefusedError, match=r"platform: 'cisco_ios_telnet' must be Linux.*nothing was sent"):
        sent_afresh()
    assert fresh_server.transports == []


@pytest.mark.field_report(
    "J6",
    "nornir_netbox#29",
    'the platform is "Debian 12" as NetBox has it, and the login is refused',
    "taken for linux",
)
@pytest.mark.parametrize(
    "platform",
    [
        *(
            "Debian 12",
            "Ubuntu 22.04",
            "Rocky Linux 9",
            "debian",
            "linux",
            None,
            "",
            "debian-12",
            "ubuntu-22-04",
            "RHEL9",
        ),
        *(
            "Red Hat Enterprise Linux 9.4",
            "Debian GNU/Linux 12 (bookworm)",
            "Ubuntu 24.04.1 LTS",
            "Rocky Linux 9.3 (Blue Onyx)",
        ),
    ],
)
def test_names_of_linux_are_taken_for_it(stranger: Nornir, sent_afresh: Sent, platform: str | None) -> None:
    stranger.inventory.hosts["lb-1"].platform = platform
    assert sent_afresh().status == 0


@pytest.mark.parametrize(
    "platform", ["Cumulus Linux", "ovs_linux", "linux telnet", "arista_eos", "Windows Server 2022", 5]
)
def test_names_of_others_are_not(platform: object) -> None:
    assert not is_linux(platform)


@pytest.mark.parametrize(
    ("key", "value"), [("port", True), ("port", 0), ("port", "22 -oProxyCommand=x"), ("port", 65536), ("hostname", 5)]
)
def test_value_that_cannot_be_is_an_error(
    nornir_of: NornirOf, problems_of: ProblemsOf, key: str, value: object
) -> None:
    nornir = nornir_of({"lb-2": {"address": "192.0.2.12"}})
    setattr(nornir.inventory.hosts["lb-2"], key, value)
    [problem] = problems_of(nornir)
    assert problem.key == key


@pytest.mark.parametrize("beside", [True, False], ids=["at the host", "in its connection options"])
def test_password_of_nornirs_own_is_text(nornir_of: NornirOf, problems_of: ProblemsOf, *, beside: bool) -> None:
    nornir = nornir_of()
    host, named = nornir.inventory.hosts["lb-2"], {"env": "SSH_PASSWORD"}
    if beside:
        host.password = named  # type: ignore[assignment] # as YAML may have it
    else:
        host.connection_options = netmiko(password=named)
    [problem] = problems_of(nornir)
    assert (problem.key, "`login.password`" in problem.message) == ("password", True)
    assert "SSH_PASSWORD" not in problem.message


@pytest.mark.field_report("H1")
@pytest.mark.parametrize("name", ["{folder}/ssh_config", "ssh_config", "/etc/passwd"])
def test_ssh_config_of_nornirs_configuration_is_the_operators_too(
    stranger: Nornir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    file = name.format(folder=tmp_path)
    stranger.config.ssh.config_file = file
    host = stranger.inventory.hosts["lb-1"]
    [problem] = login_problems(stranger, host)
    assert (problem.key, "NORNIR_SSH_CONFIG_FILE" in problem.message) == ("ssh.config_file", True)
    monkeypatch.setenv("NORNIR_SSH_CONFIG_FILE", file)
    assert not [*login_problems(stranger, host)]


def test_operators_own_config_may_be_a_link(stranger: Nornir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (tmp_path / "dotfiles").write_text("")
    (home / ".ssh/config").symlink_to(tmp_path / "dotfiles")
    monkeypatch.setenv("HOME", str(home))
    stranger.config.ssh.config_file = "~/.ssh/config"
    host = stranger.inventory.hosts["lb-1"]
    assert not [*login_problems(stranger, host)]
    (home / ".ssh/other").symlink_to(tmp_path / "dotfiles")  # which an inventory has no business with
    stranger.config.ssh.config_file = "~/.ssh/other"
    assert [*login_problems(stranger, host)]


@pytest.fixture
def inventory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an inventory, of an operator who has a home."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home/.ssh").mkdir(parents=True)
    (tmp_path / "inventory").mkdir()
    return tmp_path / "inventory"


@pytest.mark.field_report(
    "H3",
    "found by trial",
    "`alt_key_file` has `hostkeys enroll` append to any file and make folders",
    "keys go to a known_hosts below the inventory, or the operator's own",
)
@pytest.mark.parametrize(
    "name",
    [
        "../home/.bashrc",
        "deploy.sh",
        "link_known_hosts",
        "../known_hosts",
        "/etc/known_hosts",
        "../home/.ssh/known_hosts2",
    ],
)
def test_keys_go_nowhere_else(inventory: Path, name: str) -> None:
    (inventory / "link_known_hosts").symlink_to("../home/.bashrc")
    assert "host keys are allowed only there" in known_hosts_problem(inventory / name, inventory, None)


@pytest.mark.parametrize(
    "name", ["known_hosts", "keys/known_hosts.prod", "link_known_hosts", "../home/.ssh/known_hosts"]
)
def test_places_of_keys(inventory: Path, name: str) -> None:
    (inventory / "link_known_hosts").symlink_to("../home/.ssh/known_hosts")
    assert not known_hosts_problem(inventory.joinpath(name).resolve(), inventory, None, to_write=True)


def test_keys_of_all_users_are_read_and_a_labs_own_are_its_hosts(inventory: Path) -> None:
    system = Path("/etc/ssh/ssh_known_hosts")
    assert not known_hosts_problem(system, inventory, None)
    assert known_hosts_problem(system, inventory, None, to_write=True)
    lab = LABS / "demo/known_hosts"
    assert state.LABS == LABS
    assert not known_hosts_problem(lab, inventory, "demo", to_write=True)
    assert not known_hosts_problem(lab, None, None)  # root's, whoever reads it
    assert known_hosts_problem(lab, inventory, "other", to_write=True)
    assert known_hosts_problem(LABS / "demo/id_ed25519", inventory, "demo")
    # A lab's name becomes a part of a path.
    assert known_hosts_problem(Path("/etc/x/known_hosts"), inventory, "/etc/x", to_write=True)


@pytest.mark.parametrize("kind", ["pipe", "loop"])
def test_place_of_keys_that_cannot_be_read_is_an_error(inventory: Path, kind: str) -> None:
    file = inventory / "known_hosts"
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("known_hosts")
    assert known_hosts_problem(file, inventory, None)


@pytest.mark.field_report("H3")
def test_enroll_writes_nowhere_else_and_asks_no_question(
    fresh_server: SSHServer, stranger: Nornir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("of the operator")
    extras = stranger.inventory.hosts["lb-1"].connection_options["netmiko"].extras
    assert extras is not None
    extras["alt_key_file"] = str(victim)
    monkeypatch.setattr(hostkeys, "find_inventory", lambda _: tmp_path)
    monkeypatch.setattr(hostkeys, "open_inventory", lambda *_, **__: stranger)
    with pytest.raises(InventoryError, match="alt_key_file"):
        run_enroll(_enroll())
    assert (victim.read_text(), fresh_server.transports) == ("of the operator", [])


@pytest.mark.field_report("H3")
def test_key_is_not_pinned_through_a_link_that_came_meanwhile(
    stranger: Nornir, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "victim").touch()
    (tmp_path / "known_hosts").unlink()
    (tmp_path / "known_hosts").symlink_to("victim")
    new = HostKey("192.0.2.11", "ssh-ed25519", "AAAA", "SHA256:x", KeyState.NEW, tmp_path / "known_hosts")
    monkeypatch.setattr(hostkeys, "find_inventory", lambda _: tmp_path)
    monkeypatch.setattr(hostkeys, "open_inventory", lambda *_, **__: stranger)
    monkeypatch.setattr(hostkeys, "refuse_logins", lambda *_: None)
    monkeypatch.setattr(hostkeys, "_look", lambda *_: ({"lb-1": new}, []))
    with pytest.raises(UsageError, match="nothing was pinned"):
        run_enroll(_enroll())
    assert (tmp_path / "victim").read_text() == ""


def _enroll() -> Any:  # noqa: ANN401 - what argparse makes
    return type("Arguments", (), {"inventory": None, "hosts": ("lb-1",), "yes": True})
