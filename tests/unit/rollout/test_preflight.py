"""What speaks against changing a host at all."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface

import pytest
from nornir.core import Nornir
from tests.support.changes import fresh, with_vip
from tests.support.world import ALL, World

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.facts import Answer, Certificate, Facts, Heard, Link, Listener
from nornir_kube_ha.facts.model import Clock, Filesystem
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.rollout.preflight import blockers
from nornir_kube_ha.runbooks.deploy import deploy

STRANGER = "02:00:00:00:00:99"


@pytest.fixture
def intent(nornir_of: Callable[..., Nornir]) -> Intent:
    """The lab's inventory."""
    return load_intent(nornir_of())


def words_of(intent: Intent, facts: Mapping[str, Facts], name: str = "lb-2") -> list[str]:
    return [*blockers(intent.cluster_of(name), intent.node(name), facts)]


@pytest.mark.parametrize("host", ALL)
def test_nothing_speaks_against_a_host_that_serves(intent: Intent, healthy: Mapping[str, Facts], host: str) -> None:
    assert words_of(intent, healthy, host) == []


@pytest.mark.parametrize("host", ALL)
def test_nothing_speaks_against_a_bare_host(intent: Intent, facts_from: Callable[[str], Facts], host: str) -> None:
    assert words_of(intent, dict.fromkeys(ALL, facts_from("facts-bare")), host) == []


def heard_of(facts: Facts, mac: str) -> Facts:
    heard = facts.heard or Heard(frozenset(), frozenset())
    answer = Answer(IPv4Address("192.0.2.10"), mac)
    return replace(facts, heard=replace(heard, answers=heard.answers | {answer}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda facts: replace(facts, links={"ens3": Link("02:00:00:00:00:01", is_up=True)}),
            "expected interface eth0, which does not exist; found: ens3",
        ),
        (
            lambda facts: replace(facts, links={"eth0": replace(facts.links["eth0"], is_up=False)}),
            "interface eth0 is down or has no carrier",
        ),
        (
            lambda facts: with_vip(fresh(facts), "eth1"),
            (
                "192.0.2.10 is already an address of this host, and not set by keepalived; the VIP must "
                "be an unused address"
            ),
        ),
        (lambda facts: heard_of(facts, STRANGER), f"another machine already has 192.0.2.10: {STRANGER} answers for it"),
        (
            lambda facts: replace(facts, heard=Heard(frozenset(), frozenset(), excess="300 packets")),
            "too much traffic on eth0 to see all routers with its VRID: 300 packets",
        ),
        (
            lambda facts: replace(facts, listeners=(Listener("127.0.0.1", 8443, "nginx"),)),
            "port 8443 is used by nginx on 127.0.0.1",
        ),
        (lambda facts: replace(facts, listeners=(Listener("*", 10080, "nginx"),)), "port 10080 is used by nginx on *"),
        (lambda facts: replace(facts, filesystems=(Filesystem("/", 2**30, 2**20, 0, 0),)), "/ has 1024 KiB free"),
        (lambda facts: replace(facts, filesystems=(Filesystem("/", 2**40, 2**39, 10**6, 3),)), "/ has 3 inodes free"),
        (lambda facts: replace(facts, read_only=("/etc", "/var/log")), "/etc is not writable"),
        (
            lambda facts: replace(facts, clock=Clock(0, 0, (301.2, 301.4))),
            "its clock is 301 s ahead of the controller's",
        ),
        (
            lambda facts: replace(facts, clock=Clock(0, 0, (-400.4, -400.2))),
            "its clock is 400 s behind the controller's",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_hindrance_is_named(
    intent: Intent, healthy: Mapping[str, Facts], change: Callable[[Facts], Facts], words: str
) -> None:
    assert words_of(intent, {**healthy, "lb-2": change(healthy["lb-2"])}) == [words]


def test_new_vip_must_be_in_a_network_of_the_interface(intent: Intent, healthy: Mapping[str, Facts]) -> None:
    elsewhere = (("eth0", IPv4Interface("198.51.100.12/24")),)
    facts = {name: replace(fresh(each), addresses=elsewhere) for name, each in healthy.items()}
    assert words_of(intent, facts) == ["192.0.2.10 is outside the networks of eth0: 198.51.100.0/24"]
    facts["lb-1"] = with_vip(facts["lb-1"], "eth0")  # it serves from there: it is not for us to say that it cannot
    assert words_of(intent, facts) == []


def test_whose_answer_it_is_is_only_known_when_all_were_seen(intent: Intent, healthy: Mapping[str, Facts]) -> None:
    assert words_of(intent, {"lb-2": heard_of(healthy["lb-2"], STRANGER)}) == []


def test_one_hindrance_on_one_host_stops_all_before_any_change(stale: World, run_of: Callable[..., Run]) -> None:
    stale.facts["lb-3"] = replace(stale.facts["lb-3"], listeners=(Listener("*", 8443, "nginx"),), read_only=("/etc",))
    report = deploy(run_of("deploy"))
    assert {step for _, step in stale.steps} == {"look"}
    failure = report.hosts["lb-3"].failure
    assert failure
    assert failure.type == "PreflightError"
    assert failure.message == "port 8443 is used by nginx on *; /etc is not writable; nothing was changed"
    assert (report.exit_code, report.changed) == (1, False)


def test_port_of_a_further_listener_must_be_free(
    nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]
) -> None:
    web = {"port": 443, "servers": [{"address": "192.0.2.31"}]}
    intent = load_intent(nornir_of(group={"haproxy": {"listeners": {"web": web}}}))
    assert words_of(intent, healthy) == []
    taken = replace(healthy["lb-2"], listeners=(Listener("192.0.2.12", 443, "nginx"),))
    assert words_of(intent, {**healthy, "lb-2": taken}) == ["port 443 is used by nginx on 192.0.2.12"]


def certified(facts: Mapping[str, Facts], *names: str) -> dict[str, Facts]:
    """The same hosts, which see these names in every apiserver's certificate; none where no apiserver answers."""
    shown = Certificate("0 (ok)", facts["lb-1"].clock.now + 10**7, names) if names else Certificate("", None, ())
    seen = {f"192.0.2.1{number}:6443": shown for number in (1, 2, 3)}
    return {name: replace(each, reachable=replace(each.reachable, certificates=seen)) for name, each in facts.items()}


@pytest.mark.field_report(
    "J8",
    "kubeone#4060",
    "clients refuse the address, since no certificate names it",
    "a VIP that an apiserver's certificate lacks is refused before it goes live",
)
def test_vip_that_is_in_no_certificate_does_not_go_live(intent: Intent, healthy: Mapping[str, Facts]) -> None:
    bare = {name: fresh(facts) for name, facts in healthy.items()}
    [words] = words_of(intent, certified(bare, "IP Address:192.0.2.11", "DNS:kubernetes"))
    assert words.startswith(
        "192.0.2.10 is missing from the certificate of apiserver lb-1, lb-2, lb-3: add it to apiServer.certSANs"
    )
    assert words_of(intent, certified(bare, "IP Address:192.0.2.10")) == []
    assert words_of(intent, certified(bare)) == []  # before `kubeadm init`


@pytest.mark.field_report("J8")
def test_cluster_that_serves_with_such_a_certificate_may_be_changed(
    intent: Intent, healthy: Mapping[str, Facts]
) -> None:
    assert words_of(intent, certified(healthy, "DNS:kubernetes")) == []


@pytest.mark.field_report("J8")
@pytest.mark.parametrize(("name", "refused"), [("DNS:k8s.example.org", 0), ("IP Address:192.0.2.10", 1)])
def test_name_of_the_endpoint_counts_where_clients_use_it(
    nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts], name: str, refused: int
) -> None:
    intent = load_intent(nornir_of(group={"control_plane_endpoint": "k8s.example.org:8443"}))
    bare = {host: fresh(facts) for host, facts in healthy.items()}
    assert len(words_of(intent, certified(bare, name))) == refused
    assert words_of(intent, certified(healthy, name)) == []


@pytest.mark.field_report("J8")
def test_further_vip_is_held_against_the_certificates_by_itself(
    nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]
) -> None:
    intent = load_intent(nornir_of(group={"additional_vips": ["192.0.2.20/24"]}))
    [words] = words_of(intent, certified(healthy, "DNS:kubernetes"))
    assert words.startswith("192.0.2.20 is missing from the certificate of apiserver lb-1, lb-2, lb-3: ")


NO_ISSUER = "20 (unable to get local issuer certificate)"
LIVE_CA = "/etc/haproxy/kube-apiserver-ca.crt"


def presenting(facts: Mapping[str, Facts], verification: str, issuer: str, *apiservers: int) -> dict[str, Facts]:
    """The same hosts, which see such a certificate of apiservers by the last number of their names."""

    def change(found: Facts) -> Facts:
        old = found.reachable.certificates
        places = [f"192.0.2.1{number}:6443" for number in apiservers]
        new = {place: replace(old[place], verification=verification, issuer=issuer) for place in places}
        return replace(found, reachable=replace(found.reachable, certificates={**old, **new}))

    return {name: change(each) for name, each in facts.items()}


def with_live_ca(facts: Mapping[str, Facts], content: bytes | None) -> dict[str, Facts]:
    """The same hosts with another CA's file, or with none."""

    def change(found: Facts) -> Facts:
        files = {path: file for path, file in found.files.items() if path != LIVE_CA}
        if content is not None:
            files[LIVE_CA] = replace(found.files[LIVE_CA], content=content)
        return replace(found, files=files)

    return {name: change(each) for name, each in facts.items()}


@pytest.mark.parametrize("live", [None, b"an older CA"], ids=["a first deploy", "a new CA"])
def test_new_ca_that_signed_no_apiservers_certificate_is_refused(
    intent: Intent, healthy: Mapping[str, Facts], live: bytes | None
) -> None:
    facts = presenting(with_live_ca(healthy, live), NO_ISSUER, "CN=etcd-ca", 1, 3)
    [words] = words_of(intent, facts)
    assert words.startswith(
        "apiserver_ca (CN=kubernetes) does not verify the certificate of apiserver lb-1 (192.0.2.11:6443), lb-3 "
        "(192.0.2.13:6443), issued by CN=etcd-ca: unable to get local issuer certificate. Set apiserver_ca to"
    )
    assert "/etc/kubernetes/pki/ca.crt" in words
    facts = presenting(with_live_ca(healthy, live), NO_ISSUER, "CN=kubernetes", 2)
    [words] = words_of(intent, facts)
    assert "issued by another CA called CN=kubernetes" in words
    facts = presenting(presenting(with_live_ca(healthy, live), NO_ISSUER, "CN=a", 1), NO_ISSUER, "", 2)
    assert ["CN=a" in words or "an unknown CA" in words for words in words_of(intent, facts)] == [True, True]


@pytest.mark.parametrize(
    "verification", ["0 (ok)", "", "10 (certificate has expired)", "9 (certificate is not yet valid)"]
)
def test_ca_is_not_blamed_for_other_errors_nor_for_silent_apiservers(
    intent: Intent, healthy: Mapping[str, Facts], verification: str
) -> None:
    assert words_of(intent, presenting(with_live_ca(healthy, b"old"), verification, "CN=x", 1, 2, 3)) == []
    gone = {name: replace(each, reachable=replace(each.reachable, certificates={})) for name, each in healthy.items()}
    assert words_of(intent, with_live_ca(gone, b"old")) == []


def test_ca_that_is_live_already_blocks_no_other_change(intent: Intent, healthy: Mapping[str, Facts]) -> None:
    assert words_of(intent, presenting(healthy, NO_ISSUER, "CN=x", 2)) == []


def test_without_a_ca_any_issuer_will_do(nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts]) -> None:
    intent = load_intent(nornir_of(without=["apiserver_ca"]))
    assert words_of(intent, presenting(healthy, NO_ISSUER, "CN=x", 2)) == []
