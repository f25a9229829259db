"""Before `kubeadm init`: no apiserver answers yet, and an outage is never taken for that."""

import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from nornir.core.task import Task
from tests.support.changes import Change, Clusters, Hosts, facts, findings_of, fresh, reachable, together
from tests.support.reports import PASSED, host, report_of
from tests.support.world import ALL, World

from nornir_kube_ha.checks import Finding, Status
from nornir_kube_ha.checks.bootstrap import AWAITED
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.facts import Bootstrap, Certificate, Facts, Probe
from nornir_kube_ha.facts.bootstrap import bootstrap
from nornir_kube_ha.facts.files import FileFact
from nornir_kube_ha.facts.origin import Origin
from nornir_kube_ha.intent.names import KEEPALIVED_CONF
from nornir_kube_ha.report.formats.json import to_json
from nornir_kube_ha.report.formats.junit import to_junit
from nornir_kube_ha.report.formats.markdown import to_markdown
from nornir_kube_ha.report.formats.nagios import to_nagios
from nornir_kube_ha.report.formats.prometheus import to_prometheus
from nornir_kube_ha.rollout.bootstrap import new_clusters
from nornir_kube_ha.runbooks.deploy import deploy
from nornir_kube_ha.ssh.script import assignments, load_script
from nornir_kube_ha.ssh.shell import Completed

CUT = Probe(0, "curl: (35) OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to 192.0.2.10:8443")
UNSEEN = Certificate("", None, ())
SEEN = Bootstrap("seen")
BY_HOST = {"haproxy.apiservers_up", "vip.readyz", "vip.version"}


def down(check: str) -> Change:
    """No apiserver is up in haproxy's eyes."""

    def change(found: Facts) -> Facts:
        servers = tuple(replace(each, status="DOWN", check=check) for each in found.servers or ())
        return replace(found, servers=servers)

    return change


def silent(state: Bootstrap, check: str = "L4CON Connection refused", probe: Probe = CUT) -> Change:
    """No apiserver answers."""

    def peers(found: Facts) -> Facts:
        others = dict.fromkeys(found.reachable.peers, probe)
        certificates = dict.fromkeys(found.reachable.certificates, UNSEEN)
        return reachable(readyz=probe, version=probe, peers=others, certificates=certificates)(found)

    return together(down(check), peers, facts(bootstrap=state))


@pytest.mark.field_report(
    "J3",
    "found by trial",
    "nothing says whether the address is ready for `kubeadm init`",
    "a first deploy says that no apiserver answers yet, and an outage later is never called that",
)
def test_before_the_first_apiserver_all_that_only_it_can_answer_warns(host_view: Hosts, cluster_view: Clusters) -> None:
    host = findings_of(host_view(change=silent(SEEN)))
    assert {each.id for each in host.values() if each.status is Status.WARN} == BY_HOST
    assert all(host[each].seen.startswith("no apiserver answers yet: ") for each in BY_HOST)
    cluster = findings_of(cluster_view(dict.fromkeys(ALL, silent(SEEN))))
    assert {each.id for each in cluster.values() if each.status is Status.WARN} == {
        "haproxy.reached_by_peers",
        "apiserver.certificates",
    }
    assert not [each for each in (*host.values(), *cluster.values()) if each.status is Status.FAIL]


@pytest.mark.field_report("J3")
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(silent(Bootstrap()), id="an outage"),
        pytest.param(silent(SEEN, check="L4TOUT"), id="wrong addresses"),
        pytest.param(silent(SEEN, probe=Probe(0, "curl: (28) Connection timed out")), id="no way to the VIP"),
    ],
)
def test_what_is_no_time_before_is_red(host_view: Hosts, change: Change) -> None:
    assert findings_of(host_view(change=change))["vip.readyz"].status is Status.FAIL


@pytest.mark.field_report("J3")
def test_operator_may_say_that_silent_addresses_are_to_come(host_view: Hosts) -> None:
    view = host_view(change=silent(Bootstrap("told"), check="L4TOUT"))
    assert findings_of(view)["haproxy.apiservers_up"].status is Status.WARN


@pytest.mark.field_report("J3")
def test_one_node_that_does_not_wait_makes_the_cluster_red(cluster_view: Clusters) -> None:
    found = findings_of(cluster_view({**dict.fromkeys(ALL, silent(SEEN)), "lb-2": silent(Bootstrap())}))
    assert found["haproxy.reached_by_peers"].status is Status.FAIL
    assert {*found} & AWAITED


def new(found: Facts) -> Facts:
    """A host that nothing was deployed to, and that no apiserver answers."""
    return replace(silent(Bootstrap())(fresh(found)), servers=None)


def by_a_template(found: Facts) -> Facts:
    """Its keepalived.conf came of a template of the inventory, which has no header of ours."""
    file = FileFact(KEEPALIVED_CONF, "0600", "root", "root", b"global_defs {\n}\n")
    return replace(found, files={KEEPALIVED_CONF: file}, origins={KEEPALIVED_CONF: Origin("written", "demo")})


@pytest.mark.field_report("J3")
@pytest.mark.parametrize(
    ("name", "change", "waits"),
    [
        ("lb-2", new, True),
        ("lb-2", silent(Bootstrap()), False),
        ("lb-2", together(new, by_a_template), False),
        ("lb-3", together(new, facts(bootstrap=Bootstrap("", ("/etc/kubernetes/admin.conf",)))), False),
        ("lb-3", together(new, reachable(certificates={})), False),
        ("lb-1", lambda found: replace(new(found), reachable=found.reachable), False),
    ],
    ids=[
        "new",
        "deployed before",
        "deployed by a template",
        "served before",
        "could not ask",
        "one answers",
    ],
)
def test_only_a_first_deploy_without_any_answer_detects_it(
    run_of: Callable[..., Run], healthy: Mapping[str, Facts], name: str, change: Change, *, waits: bool
) -> None:
    run = run_of("deploy")
    seen = {**{host: new(each) for host, each in healthy.items()}, name: change(healthy[name])}
    run.snapshot = replace(run.snapshot, facts=seen)
    assert new_clusters(run, told=False) == ({"demo": "seen"} if waits else {})
    run.snapshot = replace(run.snapshot, facts={host: each for host, each in seen.items() if host != "lb-1"})
    assert new_clusters(run, told=False) == {}


@pytest.mark.field_report("J3")
@pytest.mark.parametrize("told", [False, True])
def test_deploy_of_a_new_cluster_passes_at_once_and_marks_nothing_as_good(
    world: World, run_of: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, *, told: bool
) -> None:
    world.facts = {host: new(each) for host, each in world.facts.items()}
    world.healthy = {host: silent(Bootstrap())(each) for host, each in world.healthy.items()}
    marked: list[str] = []
    run_script = world.run_script

    def sending(task: Task, script: str, *, timeout: float) -> Completed:
        if "\nmark_good\n" in script:
            marked.append(task.host.name)
        if "WHY=" in script:
            state = Bootstrap("told" if "WHY=told" in script else "seen")
            world.facts[task.host.name] = replace(world.facts[task.host.name], bootstrap=state)
            return Completed(0, "", "")
        return run_script(task, script, timeout=timeout)

    monkeypatch.setattr("nornir_kube_ha.tasks.first_apiserver.run_script", sending)
    monkeypatch.setattr("nornir_kube_ha.tasks.lease.run_script", sending)
    report = deploy(run_of("deploy"), bootstrap=told)
    assert {name: host.status for name, host in report.hosts.items()} == dict.fromkeys(ALL, "passed")
    assert {each.bootstrap.waits for each in world.facts.values()} == {"told" if told else "seen"}
    assert marked == []


@pytest.mark.field_report("J3")
def test_cluster_that_has_served_is_never_new(world: World, run_of: Callable[..., Run]) -> None:
    world.facts = {host: silent(Bootstrap())(each) for host, each in world.facts.items()}
    served = Bootstrap("", ("/var/lib/kube-ha/good",))
    world.facts["lb-2"] = replace(world.facts["lb-2"], bootstrap=served)
    report = deploy(run_of("deploy"), bootstrap=True)
    assert report.exit_code == 1
    failure = report.hosts["lb-2"].failure
    assert failure
    assert "this one has: /var/lib/kube-ha/good. Run `verify` instead; nothing was changed" in failure.message
    assert {step for _, step in world.steps} == {"look"}


@pytest.mark.field_report("J3")
def test_host_waits_until_the_first_answer_and_never_again_says_that_none_came(tmp_path: Path) -> None:
    path = tmp_path / "bin"
    path.mkdir()
    stat = "kube-apiserver,lb-1" + ",0" * 34
    for name, text in {
        "systemd-run": 'while [ "$1" != sh ]; do shift; done; setsid "$@" </dev/null >/dev/null 2>&1 &',
        "systemctl": "true",
        "socat": f'echo "{stat},$(cat {tmp_path}/answer)"',
        "sleep": "exec /bin/sleep 0.05",
    }.items():
        (path / name).write_text(f"#!/bin/sh\n{text}\n")
        (path / name).chmod(0o755)
    (tmp_path / "answer").write_text("* L4CON")
    waits, served = tmp_path / "waits", tmp_path / "lib/served"
    variables = assignments(
        waits=str(waits), why="seen", haproxy_socket="/nowhere", listener="kube-apiserver", served=str(served)
    )
    script = variables + load_script("first_apiserver.sh").replace("PATH=/usr/sbin", f"PATH={path}:/usr/sbin")
    for _ in range(2):  # the second finds that it waits already
        done = subprocess.run(["sh", "-u"], input=script, capture_output=True, text=True, check=False, timeout=10)
        assert (done.returncode, done.stderr) == (0, "")
        assert waits.read_text() == "seen\n"
    assert subprocess.run(["flock", "--nonblock", waits, "true"], check=False).returncode == 1
    assert not served.exists()
    (tmp_path / "answer").write_text("L7OK")
    deadline = time.monotonic() + 5
    while waits.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert served.exists()


def test_lines_that_are_none_say_nothing() -> None:
    assert bootstrap("waits \nwaits for ever\nserved\nserved /a b\nwaits seen\nserved /a") == Bootstrap("seen", ("/a",))
    assert bootstrap("") == Bootstrap()


@pytest.mark.field_report("J3")
def test_reports_for_people_and_machines_say_it_in_their_first_words() -> None:
    yet = Finding("vip.readyz", Status.WARN, "HTTP 200", "no apiserver answers yet: curl: (35)", "kubeadm init")
    report = report_of(host(PASSED, yet))
    assert report.awaiting == ("demo",)
    assert report.exit_code == 0
    assert to_nagios(report).startswith("KUBE-HA WARNING - no apiserver answers yet (demo): ")
    assert 'kube_ha_no_apiserver_yet{cluster="demo"} 1.0\n' in to_prometheus(report)
    assert "no apiserver answers yet" in to_json(report)
    assert "no apiserver answers yet" in to_junit(report)
    assert "no apiserver answers yet" in to_markdown(report)
    assert "kube_ha_no_apiserver_yet" not in to_prometheus(report_of(host(PASSED)))
