"""The tasks by themselves: what each sends to a host, what it makes of the answer, and that a dry run sends nothing."""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import UndefinedError
from nornir.core import Nornir
from nornir.core.task import MultiResult, Task
from rig.samples import DATA, PASSWORD

from nornir_kube_ha.errors import (
    LeaseHeldError,
    LoginRefusedError,
    RefusedConfigError,
    RemoteCommandError,
    UnexpectedReplyError,
)
from nornir_kube_ha.facts import ConfigCheck, Facts
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.intent.names import HAPROXY_CA, HAPROXY_CFG, HAPROXY_DROP_IN, KEEPALIVED_CONF, TMPFILES
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.lease import Lease, Owner, this_process
from nornir_kube_ha.planning.node_files import Render
from nornir_kube_ha.planning.plan import PACKAGES, HostPlan
from nornir_kube_ha.ssh.shell import Completed
from nornir_kube_ha.tasks import (
    change_services,
    commit_config,
    config,
    facts,
    get_facts,
    get_plan,
    install_packages,
    packages,
    render_config,
    services,
    stage_config,
    unstage_config,
    upload_config,
)
from nornir_kube_ha.tasks import lease as lease_tasks
from nornir_kube_ha.tasks import render as render_tasks
from nornir_kube_ha.tasks.lease import take_lease

ASKED = {
    "INTERFACE": "eth0",
    "ADDRESS": "192.0.2.11",
    "HAPROXY_SOCKET": "/run/haproxy-admin.sock",
    "VIP": "192.0.2.10",
    "ALSO": "",
    "PORT": "8443",
    "HEARD": "(ip proto 112 and ip[((ip[0] & 0xf) << 2) + 1] = 68)"
    " or (arp src host 192.0.2.10 and (arp[6:2] = 2 or arp[24:4] = arp[14:4]))",
    "GROUP": "UDP4-RECV:0,ip-add-membership=224.0.0.18:eth0",
    "ASK_BY_ARP": "192.0.2.10",
    "ASK_BY_NDP": "",
    "WATCH": "/etc/keepalived/kube-ha-watch.nft",
    "LISTEN_AT_LEAST": "90",
    "VRIDS": "68",
    "LISTEN_AT_MOST": "360",
    "REMEMBERED": "1000",
    "LISTENED": "",
    "DEADLINE": "29",
    "CA_FILE": HAPROXY_CA,
    "ENDPOINT": "192.0.2.10:8443",
    "SERVED_AT": "192.0.2.10:8443",
    "APISERVERS": "192.0.2.11:6443 192.0.2.12:6443 192.0.2.13:6443",
    "PEERS": "192.0.2.12:8443 192.0.2.13:8443",
    "STATS_URL": "http://192.0.2.10:10080/status",
    "OWN_STATS_URL": "http://127.0.0.1:10080/status",
    "STATS_LOGIN": f'"admin:{PASSWORD}"',
}
GOOD = {"haproxy": (0, "Configuration file is valid"), "keepalived": (0, "")}


@dataclass
class Hosts:
    """What is sent to hosts, and what they answer to it.

    Arguments:
        verdicts: exit status and words of each daemon that judges staged files
        answer: of any other script
    """

    verdicts: Mapping[str, tuple[int, str]] = field(default_factory=lambda: GOOD)
    answer: str = ""
    sent: list[tuple[str, str]] = field(default_factory=list)

    def run_script(self, task: Task, script: str, *, timeout: float) -> Completed:
        assert timeout > 0
        self.sent.append((task.host.name, script))
        if script.endswith("judge\n"):
            nonce = assigned(script, "NONCE")
            verdicts = (f"@{nonce} {daemon} {status}\n{words}\n" for daemon, (status, words) in self.verdicts.items())
            return Completed(0, "motd\n\n" + "\n".join([*verdicts, f"@{nonce} end\n"]), "")
        return Completed(0, self.answer, "")


def assigned(script: str, name: str) -> str:
    match = re.search(rf"^{name}='?([^'\n]*)", script, re.MULTILINE)
    assert match
    return match[1]


def written(script: str) -> list[str]:
    """Paths that a commit puts in place."""
    return re.findall(r"^(?:WRITE=')?[0-9a-f]{64} (\S+?)'?$", script, re.MULTILINE)


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    """Hosts that take every script."""
    world = Hosts()
    for module in (config, facts, packages, services):
        monkeypatch.setattr(module, "run_script", world.run_script)
    return world


@dataclass(frozen=True)
class Bench:
    """lb-1 of the lab's inventory, whose haproxy.cfg is not as it should be."""

    nornir: Nornir
    intent: Intent
    facts: Mapping[str, Facts]

    def run(self, task: Callable[..., Any], **arguments: Any) -> MultiResult:  # noqa: ANN401 - the task's own
        self.nornir.data.reset_failed_hosts()
        return self.nornir.filter(name="lb-1").run(task, **arguments)["lb-1"]

    def plans(self) -> dict[str, HostPlan]:
        return {"lb-1": self.run(get_plan, intent=self.intent, facts=self.facts)[0].result}


@pytest.fixture
def bench(nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]) -> Bench:
    nornir = nornir_of()
    files = dict(healthy["lb-1"].files)
    files[HAPROXY_CFG] = replace(files[HAPROXY_CFG], content=b"# by hand\n")
    return Bench(nornir, load_intent(nornir), {"lb-1": replace(healthy["lb-1"], files=files)})


def test_staged_files_are_sent_whole(hosts: Hosts, bench: Bench) -> None:
    outcome = bench.run(stage_config, intent=bench.intent, plans=bench.plans())[0]
    ((host, script),) = hosts.sent
    assert host == "lb-1"
    nonce = assigned(script, "NONCE")
    match = re.search(rf"^stage (.*) <<'{nonce}'\n(.*?)^{nonce}$", script, re.MULTILINE | re.DOTALL)
    assert match
    wanted = bench.plans()["lb-1"].write[0].file
    assert match[1] == f"{HAPROXY_CFG} 0640 root haproxy {wanted.sha256}"
    assert base64.b64decode(match[2]).decode() == wanted.content
    assert (outcome.changed, outcome.result) == (False, "Configuration file is valid")
    assert "-# by hand" in outcome.diff


@pytest.mark.parametrize(
    ("daemon", "status", "words"),
    [
        ("haproxy", 1, "[ALERT] config : parsing [/etc/haproxy/haproxy.cfg:35] : unknown keyword 'nonsense'"),
        ("keepalived", 5, "(/etc/keepalived/keepalived.conf: Line 7) Unknown keyword 'nonsense'"),
        ("keepalived", 0, "Disabling track script check-haproxy since not found/accessible"),  # keepalived#2069
    ],
)
def test_refusal_of_a_daemon_names_file_and_words_and_cleans_up(
    hosts: Hosts, bench: Bench, daemon: str, *, status: int, words: str
) -> None:
    hosts.verdicts = {**GOOD, daemon: (status, words)}
    error = bench.run(stage_config, intent=bench.intent, plans=bench.plans())[0].exception
    assert isinstance(error, RefusedConfigError)
    assert {"haproxy": HAPROXY_CFG, "keepalived": KEEPALIVED_CONF}[daemon] in str(error)
    assert words in str(error)
    assert f"exit status {status}" in str(error)
    assert [assigned(script, "WRITE") for _, script in hosts.sent[1:]] == [HAPROXY_CFG]  # the staged ones are gone


@pytest.mark.parametrize(("status", "restores", "passes"), [(6, True, True), (6, False, False), (5, True, False)])
def test_files_from_before_kube_ha_may_run_scripts_as_they_did(
    hosts: Hosts, bench: Bench, *, status: int, restores: bool, passes: bool
) -> None:
    hosts.verdicts = {**GOOD, "keepalived": (status, "SECURITY VIOLATION - scripts are being executed")}
    plans = {"lb-1": replace(bench.plans()["lb-1"], restores=restores)}
    error = bench.run(stage_config, intent=bench.intent, plans=plans)[0].exception
    assert isinstance(error, RefusedConfigError) is not passes


def test_host_that_leaves_out_a_daemons_verdict_is_an_error(hosts: Hosts, bench: Bench) -> None:
    hosts.verdicts = {"haproxy": GOOD["haproxy"]}
    error = bench.run(stage_config, intent=bench.intent, plans=bench.plans())[0].exception
    assert isinstance(error, UnexpectedReplyError)
    assert str(error) == "lb-1: cannot parse the host's answer: no verdict from keepalived"


@pytest.mark.parametrize("statuses", [(0, 1, 2), (1, 0), (1,), (0, 0)])
def test_first_command_by_which_a_daemon_rejects_decides(statuses: tuple[int, ...]) -> None:
    said = "".join(f"\n@n haproxy {status}\nwords {status}\n" for status in statuses)
    found = config.worst_verdicts(f"{said}\n@n keepalived 0\n\n\n@n end\n", "n")
    worst = next((status for status in statuses if status), 0)
    assert found == {
        "haproxy": ConfigCheck("haproxy", worst, f"words {worst}"),
        "keepalived": ConfigCheck("keepalived", 0, ""),
    }


def test_refusal_does_not_show_the_password(hosts: Hosts, bench: Bench) -> None:
    hosts.verdicts = {**GOOD, "haproxy": (1, f"parsing [haproxy.cfg:30] : 'stats auth' : 'admin:{PASSWORD}'")}
    error = bench.run(stage_config, intent=bench.intent, plans=bench.plans())[0].exception
    assert isinstance(error, RefusedConfigError)
    assert PASSWORD not in str(error)


def test_warning_of_haproxy_is_passed_on(hosts: Hosts, bench: Bench) -> None:
    hosts.verdicts = {**GOOD, "haproxy": (0, "[WARNING] config : a word")}
    assert bench.run(stage_config, intent=bench.intent, plans=bench.plans())[0].result == "[WARNING] config : a word"


@pytest.mark.parametrize("daemon", ["haproxy", "keepalived"])
def test_verdict_that_is_missing_is_no_consent(hosts: Hosts, bench: Bench, daemon: str) -> None:
    hosts.verdicts = {name: verdict for name, verdict in GOOD.items() if name != daemon}
    error = bench.run(stage_config, intent=bench.intent, plans=bench.plans())[0].exception
    assert isinstance(error, UnexpectedReplyError)
    assert daemon in str(error)


def test_words_of_one_daemon_are_not_the_verdict_of_the_other(hosts: Hosts, bench: Bench) -> None:
    hosts.verdicts = {"haproxy": (1, "keepalived 0\n\n@0123456789abcdef keepalived 0")}
    assert bench.run(stage_config, intent=bench.intent, plans=bench.plans())[0].failed


@pytest.mark.parametrize(
    ("paths", "variables"),
    [
        ([HAPROXY_CFG], {"STALE": "haproxy"}),
        ([HAPROXY_CA], {"STALE": "haproxy"}),
        ([HAPROXY_CFG, KEEPALIVED_CONF], {"STALE": "haproxy keepalived"}),
        ([HAPROXY_DROP_IN], {"STALE": ""}),
        ([TMPFILES], {"STALE": ""}),
    ],
)
def test_commit_script_names_files_and_units(
    hosts: Hosts, bench: Bench, healthy: Mapping[str, Facts], paths: list[str], variables: dict[str, str]
) -> None:
    files = {path: file for path, file in healthy["lb-1"].files.items() if path not in paths}
    stale = {"lb-1": replace(healthy["lb-1"], files=files)}
    plans = {"lb-1": bench.run(get_plan, intent=bench.intent, facts=stale)[0].result}
    outcome = bench.run(commit_config, plans=plans)[0]
    ((_, script),) = hosts.sent
    assert written(script) == sorted(paths)
    assert {name: assigned(script, name) for name in variables} == variables
    assert outcome.changed


def test_services_are_asked_in_the_order_of_the_plan(hosts: Hosts, bench: Bench, healthy: Mapping[str, Facts]) -> None:
    units = {
        name: replace(unit, enabled=False, active_state="inactive") for name, unit in healthy["lb-1"].units.items()
    }
    stopped = {"lb-1": replace(healthy["lb-1"], units=units)}
    plans = {"lb-1": bench.run(get_plan, intent=bench.intent, facts=stopped)[0].result}
    outcome = bench.run(change_services, intent=bench.intent, plans=plans)[0]
    ((_, script),) = hosts.sent
    assert assigned(script, "CHANGES") == "enable haproxy"  # of four lines, the first
    assert "\nstart haproxy\nenable keepalived\nstart keepalived'\n" in script
    assert (outcome.changed, outcome.diff.splitlines()[0]) == (True, "+ enable haproxy")


def test_packages_that_are_missing_are_installed_at_once(
    hosts: Hosts, bench: Bench, facts_from: Callable[[str], Facts]
) -> None:
    outcome = bench.run(install_packages, intent=bench.intent, facts={"lb-1": facts_from("facts-bare")})[0]
    ((_, script),) = hosts.sent
    assert "\nWANTED='{}'\n".format("\n".join(PACKAGES)) in script
    assert (outcome.changed, outcome.result) == (True, PACKAGES)


def test_host_without_a_package_manager_is_an_error(
    hosts: Hosts, bench: Bench, facts_from: Callable[[str], Facts]
) -> None:
    bare = replace(facts_from("facts-bare"), package_manager="", os="Alpine Linux v3.20")
    error = bench.run(install_packages, intent=bench.intent, facts={"lb-1": bare})[0].exception
    assert isinstance(error, RemoteCommandError)
    assert "expected one of apt-get or dnf or yum" in str(error)
    assert "Alpine Linux v3.20" in str(error)
    assert hosts.sent == []


@pytest.mark.parametrize("how", ["argument", "nornir"])
def test_dry_run_sends_nothing_and_says_what_would_change(
    hosts: Hosts, bench: Bench, facts_from: Callable[[str], Facts], how: str
) -> None:
    bench.nornir.data.dry_run = how == "nornir"
    arguments: dict[str, Any] = {"dry_run": True} if how == "argument" else {}
    bare = {"lb-1": facts_from("facts-bare")}
    plans = {"lb-1": bench.run(get_plan, intent=bench.intent, facts=bare)[0].result}
    outcomes = [
        bench.run(install_packages, intent=bench.intent, facts=bare, **arguments)[0],
        bench.run(commit_config, plans=plans, **arguments)[0],
        bench.run(change_services, intent=bench.intent, plans=plans, **arguments)[0],
        bench.run(upload_config, intent=bench.intent, facts=bare, **arguments)[0],
    ]
    assert [(outcome.changed, bool(outcome.diff)) for outcome in outcomes] == [(True, True)] * 4
    bench.run(unstage_config, plans=plans, **arguments)
    staged = bench.run(stage_config, intent=bench.intent, plans=plans, **arguments)[0]
    assert (staged.changed, bool(staged.diff)) == (False, True)
    assert hosts.sent == []
    assert PASSWORD not in "".join(outcome.diff for outcome in outcomes)


def test_nornirs_dry_run_can_be_overruled(hosts: Hosts, bench: Bench) -> None:
    bench.nornir.data.dry_run = True
    bench.run(commit_config, plans=bench.plans(), dry_run=False)
    assert len(hosts.sent) == 1


def test_host_without_drift_gets_no_files(hosts: Hosts, bench: Bench, healthy: Mapping[str, Facts]) -> None:
    plans = {"lb-1": bench.run(get_plan, intent=bench.intent, facts=healthy)[0].result}
    outcomes = [
        bench.run(install_packages, intent=bench.intent, facts=healthy)[0],
        bench.run(stage_config, intent=bench.intent, plans=plans)[0],
        bench.run(commit_config, plans=plans)[0],
        bench.run(change_services, intent=bench.intent, plans=plans)[0],
        bench.run(upload_config, intent=bench.intent, facts=healthy)[0],
    ]
    assert [(outcome.changed, outcome.diff) for outcome in outcomes] == [(False, "")] * 5
    assert hosts.sent == []


def test_upload_stages_before_it_commits(hosts: Hosts, bench: Bench) -> None:
    outcome = bench.run(upload_config, intent=bench.intent, facts=bench.facts)[0]
    staged, committed = (script for _, script in hosts.sent)
    assert staged.endswith("judge\n")
    assert written(committed) == [HAPROXY_CFG]
    assert outcome.changed
    assert [str(unit) for unit in outcome.result.units] == ["reload haproxy"]


def test_upload_of_a_refused_file_commits_nothing(hosts: Hosts, bench: Bench) -> None:
    hosts.verdicts = {**GOOD, "haproxy": (1, "no")}
    assert isinstance(bench.run(upload_config, intent=bench.intent, facts=bench.facts)[0].exception, RefusedConfigError)
    assert not any("STALE=" in script for _, script in hosts.sent)


def test_template_with_an_undefined_name_is_an_error(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def without_values(_cluster: object, _node: object, _features: object, render: Render, _: object) -> str:
        return render("tmpfiles.conf.j2", {})

    monkeypatch.setattr(render_tasks, "config_files", without_values)
    error = bench.run(render_config, intent=bench.intent, facts=bench.facts)[0].exception
    assert isinstance(error, UndefinedError)
    assert "run_folder" in str(error)


def test_facts_are_asked_for_once_and_read(hosts: Hosts, bench: Bench, recorded: Callable[[str], str]) -> None:
    def answer(task: Task, script: str, *, timeout: float) -> Completed:
        hosts.run_script(task, script, timeout=timeout)
        return Completed(0, recorded("facts-master").replace("0123456789abcdef", assigned(script, "NONCE")), "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts, "run_script", answer)
        outcome = bench.run(get_facts, intent=bench.intent)[0]
    ((_, script),) = hosts.sent
    assert outcome.result.reachable.ping
    assert not outcome.changed
    assert {name: assigned(script, name) for name in ASKED} == ASKED
    assert f"AUTHORITY='{(DATA / 'ca.crt').read_text()}'" in script


def test_look_asks_for_no_more_than_the_inventory_has(hosts: Hosts, nornir_of: Callable[..., Nornir]) -> None:
    group = {"haproxy": {"stats": {"bind": "127.0.0.1"}}, "keepalived": {"advert_int": 5}}
    nornir = nornir_of(group=group, without=["apiserver_ca"])
    nornir.filter(name="lb-2").run(get_facts, intent=load_intent(nornir))
    ((_, script),) = hosts.sent
    asked = {
        name: assigned(script, name) for name in ("CA_FILE", "STATS_URL", "OWN_STATS_URL", "LISTEN_AT_LEAST", "PEERS")
    }
    assert asked == {
        "CA_FILE": "",
        "STATS_URL": "http://127.0.0.1:10080/status",
        "OWN_STATS_URL": "http://127.0.0.1:10080/status",
        "LISTEN_AT_LEAST": "600",  # one advert at least, in hundredths of a second
        "PEERS": "192.0.2.11:8443 192.0.2.13:8443",
    }


def test_look_asks_by_the_endpoints_name_at_the_vip(hosts: Hosts, nornir_of: Callable[..., Nornir]) -> None:
    group = {"control_plane_endpoint": "k8s.example.org:8443", "haproxy": {"stats": {"bind": "192.0.2.12"}}}
    nornir = nornir_of(group=group)
    nornir.filter(name="lb-2").run(get_facts, intent=load_intent(nornir))
    ((_, script),) = hosts.sent
    asked = {name: assigned(script, name) for name in ("ENDPOINT", "SERVED_AT", "OWN_STATS_URL")}
    assert asked == {
        "ENDPOINT": "k8s.example.org:8443",
        "SERVED_AT": "192.0.2.10:8443",
        "OWN_STATS_URL": "http://192.0.2.12:10080/status",
    }


@pytest.mark.parametrize(("listen", "seconds"), [(1.2, 32), (9.5, 40)])
def test_host_is_given_up_after_it_would_have_given_up_itself(
    nornir_of: Callable[..., Nornir], monkeypatch: pytest.MonkeyPatch, listen: float, seconds: int
) -> None:
    waited = []

    def answer(_task: Task, script: str, *, timeout: float) -> Completed:
        waited.append((int(assigned(script, "DEADLINE")), timeout))
        return Completed(0, "", "")

    monkeypatch.setattr(facts, "run_script", answer)
    nornir = nornir_of(group={"verify": {"listen": listen}})
    nornir.filter(name="lb-1").run(get_facts, intent=load_intent(nornir))
    assert waited == [(seconds - 5, seconds)]


def test_password_is_quoted_for_curls_own_config(hosts: Hosts, nornir_of: Callable[..., Nornir]) -> None:
    nornir = nornir_of(defaults={"haproxy": {"stats": {"password": 'with"a\\backslash'}}})
    nornir.filter(name="lb-1").run(get_facts, intent=load_intent(nornir))
    ((_, script),) = hosts.sent
    assert assigned(script, "STATS_LOGIN") == '"admin:with\\"a\\\\backslash"'


def test_clock_is_known_to_within_the_answers_way(
    bench: Bench, recorded: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The host begins at 347.53 and ends at 349.06, by its own clock; the controller asks at 300 and hears at 302."""
    times = iter((1795415300.0, 1795415302.0))

    def answer(_task: Task, script: str, *, timeout: float) -> Completed:
        assert timeout > 0
        return Completed(0, recorded("facts-master").replace("0123456789abcdef", assigned(script, "NONCE")), "")

    monkeypatch.setattr(facts, "run_script", answer)
    monkeypatch.setattr(facts, "time", SimpleNamespace(time=lambda: next(times)))
    at_least, at_most = bench.run(get_facts, intent=bench.intent)[0].result.clock.ahead
    assert (at_least, at_most) == (pytest.approx(47.06, abs=0.01), pytest.approx(47.53, abs=0.01))


LEASE = Lease("aaaaaaaaaaaa", this_process())
LIVE = Owner("ops@noc-2", "0123456789abcdef", 4711, 12345)
DEAD = replace(this_process(), started=1)


@pytest.mark.parametrize("owner", [LIVE, DEAD], ids=["alive", "dead"])
def test_look_of_a_run_that_means_to_change_the_host_ends_at_one_that_is_at_work_there(
    hosts: Hosts, bench: Bench, recorded: Callable[[str], str], owner: Owner
) -> None:
    def answer(task: Task, script: str, *, timeout: float) -> Completed:
        hosts.run_script(task, script, timeout=timeout)
        nonce = assigned(script, "NONCE")
        if assigned(script, "GONE") != "bbbbbbbbbbbb":
            return Completed(0, f"motd\n@{nonce} held\nbbbbbbbbbbbb 87 {owner}\n@{nonce} end\n", "")
        return Completed(0, recorded("facts-master").replace("0123456789abcdef", nonce), "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts, "run_script", answer)
        outcome = bench.run(get_facts, intent=bench.intent, lease=LEASE)[0]
    if owner is LIVE:
        assert isinstance(outcome.exception, LeaseHeldError)
        words = "run bbbbbbbbbbbb of ops@noc-2, process 4711 holds the lease, which ends in 87 s"
        assert words in str(outcome.exception)
    else:
        assert outcome.result.reachable.ping
    assert len(hosts.sent) == (1 if owner is LIVE else 2)


@pytest.mark.field_report("G1")
@pytest.mark.parametrize("task", ["look", "take"])
def test_lease_that_names_one_dead_run_after_the_other_is_not_asked_for_ever(
    hosts: Hosts, bench: Bench, task: str
) -> None:
    numbers = iter(range(1000))

    def answer(task: Task, script: str, *, timeout: float) -> Completed:
        hosts.run_script(task, script, timeout=timeout)
        nonce, how = assigned(script, "NONCE"), "held" if "section held" in script else "75"
        return Completed(0, f"@{nonce} {how}\n{next(numbers):012d} 87 {DEAD}\n@{nonce} end\n", "")

    with pytest.MonkeyPatch.context() as patch:
        for module in (facts, lease_tasks):
            patch.setattr(module, "run_script", answer)
        called = (
            bench.run(get_facts, intent=bench.intent, lease=LEASE)
            if task == "look"
            else bench.run(take_lease, lease=LEASE)
        )
    assert isinstance(called[0].exception, UnexpectedReplyError)
    assert "/run/kube-ha-lease names another run" in str(called[0].exception)
    assert len(hosts.sent) == 3


@pytest.mark.field_report(
    "G4",
    "found by trial",
    "nothing there tells two operators apart",
    "what a host keeps of us and cannot be read costs its own row: file and remedy are named, and the others go on",
)
@pytest.mark.parametrize("words", ["", "garbage", "a b c d e f", "run 9 u m pid 1", "run soon u m 1 1"])
def test_lease_that_cannot_be_read_is_named_with_what_to_do(bench: Bench, words: str) -> None:
    def answer(_task: Task, script: str, *, timeout: float) -> Completed:  # noqa: ARG001
        nonce, how = assigned(script, "NONCE"), "held" if "section held" in script else "2"
        return Completed(0, f"@{nonce} {how}\n{words}\n@{nonce} end\n", "")

    for looks in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(facts if looks else lease_tasks, "run_script", answer)
            called = (
                bench.run(get_facts, intent=bench.intent, lease=LEASE) if looks else bench.run(take_lease, lease=LEASE)
            )
        error = called[0].exception
        assert isinstance(error, UnexpectedReplyError)
        assert "cannot parse its lease file /run/kube-ha-lease" in str(error)
        assert "run `rm /run/kube-ha-lease` there" in str(error)


def test_login_that_is_not_roots_is_an_error(hosts: Hosts, bench: Bench, recorded: Callable[[str], str]) -> None:
    def answer(task: Task, script: str, *, timeout: float) -> Completed:
        hosts.run_script(task, script, timeout=timeout)
        text = recorded("facts-master").replace("0123456789abcdef", assigned(script, "NONCE"))
        return Completed(0, re.sub(r"(?<= user\n)0", "1000", text), "")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(facts, "run_script", answer)
        error = bench.run(get_facts, intent=bench.intent)[0].exception
    assert isinstance(error, LoginRefusedError)
    assert "is not root" in str(error)


def test_answer_that_cannot_be_read_is_an_error_of_the_host(hosts: Hosts, bench: Bench) -> None:
    hosts.answer = "bash: sh: command not found\n"
    error = bench.run(get_facts, intent=bench.intent)[0].exception
    assert isinstance(error, UnexpectedReplyError)
    assert str(error).startswith("lb-1: cannot parse the host's answer")


def test_no_result_shows_the_password(hosts: Hosts, bench: Bench) -> None:
    outcomes = [
        bench.run(get_plan, intent=bench.intent, facts=bench.facts),
        bench.run(stage_config, intent=bench.intent, plans=bench.plans()),
        bench.run(commit_config, plans=bench.plans()),
        bench.run(upload_config, intent=bench.intent, facts=bench.facts),
    ]
    assert hosts.sent
    shown = [f"{result.result} {result.result!r} {result.diff}" for outcome in outcomes for result in outcome]
    assert [text for text in shown if PASSWORD in text] == []
