"""The apiservers' certificates, as the nodes see them."""

from dataclasses import replace

import pytest
from tests.support.changes import Change, Clusters, assert_red, assert_unmade, findings_of, reachable, together

from nornir_kube_ha.checks import Status
from nornir_kube_ha.facts import Certificate, Facts

HOSTS = ("lb-1", "lb-2", "lb-3")
LB_2 = "192.0.2.12:6443"
DAY = 86400
UNSEEN = Certificate("", None, ())
NAMED = {"control_plane_endpoint": "k8s.example.org:8443"}


def certificate(address: str, days: float | None = None, **changes: object) -> Change:
    """Another certificate of one apiserver, with so many days left."""

    def change(found: Facts) -> Facts:
        old = found.reachable.certificates[address]
        expires = old.expires if days is None else found.clock.now + days * DAY
        new = replace(old, **{"expires": expires, **changes})  # type: ignore[arg-type] # fields of Certificate
        return reachable(certificates={**found.reachable.certificates, address: new})(found)

    return change


def named(*names: str) -> Change:
    """Each apiserver's certificate has these names."""
    return together(*(certificate(f"192.0.2.1{number}:6443", names=names) for number in (1, 2, 3)))


def everywhere(change: Change) -> dict[str, Change]:
    return dict.fromkeys(HOSTS, change)


def test_days_left_are_shown(cluster_view: Clusters) -> None:
    finding = findings_of(cluster_view())["apiserver.certificates"]
    assert finding.seen == "lb-1: 364 days left; lb-2: 364 days left; lb-3: 364 days left"
    assert finding.expected == "each names 192.0.2.10, is valid for 30 more days, and is signed by the CA"


@pytest.mark.parametrize(
    ("change", "seen", "status"),
    [
        pytest.param(certificate(LB_2, 29.9), "lb-2: 29 days left", Status.WARN, id="soon"),
        pytest.param(certificate(LB_2, 7), "lb-2: 7 days left", Status.WARN, id="sooner"),
        pytest.param(certificate(LB_2, 6.9), "lb-2: 6 days left", Status.FAIL, id="very soon"),
        pytest.param(
            certificate(LB_2, -0.5, verification="10 (certificate has expired)"),
            "lb-2: not trusted: certificate has expired; lb-2: -1 days left",
            Status.FAIL,
            id="expired",
        ),
        pytest.param(
            certificate(LB_2, verification="18 (self-signed certificate)"),
            "lb-2: not trusted: self-signed certificate",
            Status.FAIL,
            id="self-signed",
        ),
        pytest.param(
            certificate(LB_2, verification="20 (unable to get local issuer certificate)"),
            "lb-2: not trusted: unable to get local issuer certificate",
            Status.FAIL,
            id="another CA",
        ),
        pytest.param(
            certificate(LB_2, verification="20 (unable to get local issuer certificate)", issuer="CN=etcd-ca"),
            "certificate (issued by CN=etcd-ca; apiserver_ca is CN=kubernetes)",
            Status.FAIL,
            id="another CA with a name",
        ),
        pytest.param(
            certificate(
                LB_2, names=("DNS:kubernetes", "IP Address:192.0.2.12"), verification="64 (IP address mismatch)"
            ),
            "lb-2: does not name 192.0.2.10",
            Status.FAIL,
            id="without the VIP",
        ),
        pytest.param(
            certificate(LB_2, names=("IP Address:192.0.2.101",)),
            "lb-2: does not name 192.0.2.10",
            Status.FAIL,
            id="like",
        ),
        pytest.param(certificate(LB_2, names=()), "lb-2: does not name 192.0.2.10", Status.FAIL, id="without names"),
        pytest.param(
            certificate(LB_2, 29, names=()),
            "lb-2: does not name 192.0.2.10; lb-2: 29 days left",
            Status.FAIL,
            id="both",
        ),
    ],
)
def test_bad_certificate_turns_red(cluster_view: Clusters, change: Change, seen: str, status: Status) -> None:
    view = cluster_view(everywhere(change))
    assert_red(view, "apiserver.certificates", "each names 192.0.2.10", seen, "kubeadm certs renew", status=status)


def test_limits_are_the_inventorys(cluster_view: Clusters) -> None:
    def found(warn: int, fail: int, days: float) -> Status:
        group = {"verify": {"certificate_warn_days": warn, "certificate_fail_days": fail}}
        return findings_of(cluster_view(everywhere(certificate(LB_2, days)), group=group))[
            "apiserver.certificates"
        ].status

    assert [found(90, 60, days) for days in (90.5, 89.5, 59.5)] == [Status.PASS, Status.WARN, Status.FAIL]
    assert [found(0, 0, days) for days in (0.5, -0.5)] == [Status.PASS, Status.FAIL]


def test_unseen_certificate_is_unknown(cluster_view: Clusters) -> None:
    for certificates in ({}, dict.fromkeys(("192.0.2.11:6443", LB_2, "192.0.2.13:6443"), UNSEEN)):
        view = cluster_view(everywhere(reachable(certificates=certificates)))
        assert_unmade(view, "apiserver.certificates", "no certificate seen")


def test_one_unseen_certificate_does_not_pass(cluster_view: Clusters) -> None:
    unseen = everywhere(certificate(LB_2, verification="", expires=None, names=()))
    assert_unmade(cluster_view(unseen), "apiserver.certificates", "lb-2: not seen")
    other = {**unseen, "lb-3": certificate(LB_2, 3)}
    assert findings_of(cluster_view(other))["apiserver.certificates"].status is Status.FAIL


def test_one_node_that_sees_it_is_enough(cluster_view: Clusters) -> None:
    view = cluster_view({"lb-1": reachable(certificates={}), "lb-2": reachable(certificates={})})
    assert findings_of(view)["apiserver.certificates"].status is Status.PASS
    assert findings_of(cluster_view(unseen=["lb-1", "lb-3"]))["apiserver.certificates"].status is Status.PASS


@pytest.mark.parametrize("distrustful", HOSTS)
def test_certificate_that_another_node_trusts_is_trusted(cluster_view: Clusters, distrustful: str) -> None:
    """One node may have a wrong CA of its own, which is no fault of the apiservers."""
    other_ca = certificate(LB_2, verification="20 (unable to get local issuer certificate)")
    assert findings_of(cluster_view({distrustful: other_ca}))["apiserver.certificates"].status is Status.PASS
    all_but_one = {host: other_ca for host in HOSTS if host != distrustful}
    assert findings_of(cluster_view(all_but_one))["apiserver.certificates"].status is Status.PASS


@pytest.mark.parametrize(
    "name", ["DNS:k8s.example.org", "DNS:K8S.Example.ORG", "DNS:*.example.org"], ids=["as it is", "in capitals", "any"]
)
def test_certificate_names_the_endpoints_name_and_need_not_name_the_vip(cluster_view: Clusters, name: str) -> None:
    view = cluster_view(everywhere(named("DNS:kubernetes", name)), group=NAMED)
    finding = findings_of(view)["apiserver.certificates"]
    assert (finding.status, "each names k8s.example.org, " in finding.expected) == (Status.PASS, True)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("IP Address:192.0.2.10",), id="the VIP alone"),
        pytest.param(("DNS:example.org", "DNS:a.k8s.example.org", "DNS:k8s.example.org.invalid"), id="like"),
        pytest.param(("DNS:*.k8s.example.org", "DNS:*.org", "DNS:*"), id="other wildcards"),
        pytest.param(("email:k8s.example.org", "URI:k8s.example.org"), id="of another kind"),
        pytest.param((), id="without names"),
    ],
)
def test_certificate_without_the_endpoints_name_turns_red(cluster_view: Clusters, names: tuple[str, ...]) -> None:
    view = cluster_view(everywhere(named(*names)), group=NAMED)
    words = "; ".join(f"lb-{number}: does not name k8s.example.org" for number in (1, 2, 3))
    assert_red(view, "apiserver.certificates", "each names k8s.example.org", words, "never adds a name")


def test_vip_as_a_name_is_no_address(cluster_view: Clusters) -> None:
    view = cluster_view(everywhere(named("DNS:192.0.2.10")))
    assert findings_of(view)["apiserver.certificates"].status is Status.FAIL


def test_without_a_ca_the_signer_is_not_checked(cluster_view: Clusters) -> None:
    unknown = certificate(LB_2, verification="20 (unable to get local issuer certificate)")
    view = cluster_view(everywhere(unknown), without=["apiserver_ca"])
    finding = findings_of(view)["apiserver.certificates"]
    assert (finding.status, "signed by any CA (no apiserver_ca to compare)" in finding.expected) == (Status.PASS, True)
    late = cluster_view(everywhere(certificate(LB_2, 3)), without=["apiserver_ca"])
    assert findings_of(late)["apiserver.certificates"].status is Status.FAIL


@pytest.mark.field_report("J8")
def test_missing_name_is_added_by_kubeadm_init_and_never_by_a_renewal(cluster_view: Clusters) -> None:
    view = cluster_view(everywhere(certificate(LB_2, names=())))
    advice = findings_of(view)["apiserver.certificates"].next
    assert "apiServer.certSANs" in advice
    assert "kubeadm init phase certs apiserver" in advice
    assert "expires soon" not in advice
    only_soon = findings_of(cluster_view(everywhere(certificate(LB_2, 5))))["apiserver.certificates"].next
    assert only_soon.startswith("expires soon: run `kubeadm certs renew apiserver`")
    assert "certSANs" not in only_soon


def test_unknown_ca_is_a_warning(cluster_view: Clusters) -> None:
    finding = findings_of(cluster_view(without=["apiserver_ca"]))["apiserver.ca_certificate"]
    assert (finding.status, "trust any answer" in finding.seen) == (Status.WARN, True)
    assert "set apiserver_ca" in finding.next
