"""The VIP as a client on the node sees it."""

import pytest
from tests.support.changes import Change, Hosts, assert_red, assert_skipped, assert_unmade, findings_of, reachable

from nornir_kube_ha.checks import Status
from nornir_kube_ha.facts import NOT_PROBED, Probe

READYZ = "https://192.0.2.10:8443/readyz"
VERSION = "https://192.0.2.10:8443/version"
BY_TCP = {"haproxy": {"check": "tcp"}}
REFUSED = Probe(0, "curl: (7) Failed to connect to 192.0.2.10 port 8443 after 0 ms: Couldn't connect to server")
SELF_SIGNED = Probe(0, "curl: (60) SSL certificate problem: self-signed certificate")


@pytest.mark.parametrize(
    ("check", "change", "expected", "seen", "then"),
    [
        pytest.param(
            "vip.ping",
            reachable(ping=False),
            "192.0.2.10 answers",
            "192.0.2.10 does not answer",
            "`ip address`",
            id="no ping",
        ),
        pytest.param(
            "vip.readyz", reachable(readyz=Probe(500, "")), READYZ, "HTTP 500", "haproxy.apiservers_up", id="not ready"
        ),
        pytest.param("vip.readyz", reachable(readyz=REFUSED), READYZ, "curl: (7) ", "", id="nobody there"),
        pytest.param(
            "vip.readyz",
            reachable(readyz=SELF_SIGNED),
            "verified by the CA",
            "curl: (60) ",
            "apiserver.certificates",
            id="another certificate",
        ),
        pytest.param(
            "vip.readyz",
            reachable(readyz=Probe(401, "")),
            "HTTP 200",
            "HTTP 401: an apiserver answers but rejects anonymous clients (--anonymous-auth=false)",
            "",
            id="anonymous clients refused",
        ),
        pytest.param("vip.readyz", reachable(readyz=Probe(0, "")), READYZ, "no answer", "", id="no word"),
        pytest.param("vip.version", reachable(version=REFUSED), VERSION, "curl: (7) ", "vip.readyz", id="no version"),
        pytest.param("vip.version", reachable(version=Probe(503, "", "")), VERSION, "HTTP 503", "", id="no server"),
        pytest.param(
            "vip.version",
            reachable(version=Probe(200, "", "<h1>It works!</h1>")),
            "a Kubernetes version",
            "HTTP 200",
            "something other than an apiserver answers",
            id="somebody else",
        ),
        pytest.param(
            "vip.version",
            reachable(version=Probe(500, "", '{"gitVersion": "v1.30.0"}')),
            VERSION,
            "v1.30.0",
            "",
            id="version of a failure",
        ),
        pytest.param(
            "vip.stats",
            reachable(stats_open=Probe(200, "")),
            "http://192.0.2.10:10080/status: HTTP 401 without a password",
            "HTTP 200",
            "Run deploy",
            id="open to all",
        ),
        pytest.param(
            "vip.stats", reachable(stats_open=Probe(503, "")), "/status", "HTTP 503", "Run deploy", id="somebody else's"
        ),
    ],
)
@pytest.mark.parametrize("host", ["lb-1", "lb-2"])
def test_vip_that_does_not_serve_turns_red(
    host_view: Hosts, host: str, check: str, change: Change, *, expected: str, seen: str, then: str
) -> None:
    assert_red(host_view(host, change), check, expected, seen, then)


@pytest.mark.parametrize("host", ["lb-1", "lb-2"])
def test_stats_page_that_does_not_answer_at_the_vip_is_warned_of(host_view: Hosts, host: str) -> None:
    view = host_view(host, reachable(stats_open=REFUSED))
    assert_red(view, "vip.stats", "10080/status: HTTP 401", "curl: (7) ", "haproxy.listening", status=Status.WARN)


def test_password_that_the_own_page_refuses_is_no_matter_of_the_vip(host_view: Hosts) -> None:
    """Who answers at the VIP may be anybody, and is not told it."""
    finding = findings_of(host_view(change=reachable(stats_login=Probe(401, ""))))["vip.stats"]
    assert (finding.status, finding.seen) == (Status.PASS, "HTTP 401")


def test_ping_that_is_not_installed_is_unknown(host_view: Hosts) -> None:
    assert_unmade(host_view(change=reachable(ping=None)), "vip.ping", "not probed: ping is not installed")


@pytest.mark.parametrize(
    ("check", "change"),
    [
        pytest.param("vip.readyz", reachable(readyz=NOT_PROBED), id="readyz"),
        pytest.param("vip.version", reachable(version=NOT_PROBED), id="version"),
        pytest.param("vip.stats", reachable(stats_open=NOT_PROBED, stats_login=NOT_PROBED), id="stats"),
    ],
)
def test_what_no_curl_asked_for_is_unknown(host_view: Hosts, check: str, change: Change) -> None:
    assert_unmade(host_view(change=change), check, "not probed: curl is not installed")


@pytest.mark.parametrize("status", [401, 403])
def test_apiserver_that_rejects_anonymous_clients_is_skipped_if_configured(host_view: Hosts, status: int) -> None:
    change = reachable(readyz=Probe(status, ""), version=Probe(status, "", "{}"))
    view = host_view(change=change, group=BY_TCP)
    for check in ("vip.readyz", "vip.version"):
        assert_skipped(view, check, "so its readiness is unknown")


@pytest.mark.parametrize("status", [401, 403])
def test_version_behind_a_login_is_no_failure(host_view: Hosts, status: int) -> None:
    view = host_view(change=reachable(version=Probe(status, "", '{"kind": "Status"}')))
    assert_skipped(view, "vip.version", f"HTTP {status}: an apiserver answers")


@pytest.mark.parametrize("group", [{}, BY_TCP], ids=["readyz", "tcp"])
@pytest.mark.parametrize("probe", [REFUSED, Probe(500, ""), Probe(404, "")], ids=["refused", "500", "404"])
def test_no_answer_is_a_failure_whatever_haproxy_checks(
    host_view: Hosts, probe: Probe, group: dict[str, object]
) -> None:
    assert findings_of(host_view(change=reachable(readyz=probe), group=group))["vip.readyz"].status is Status.FAIL


def test_version_is_shown(host_view: Hosts) -> None:
    assert findings_of(host_view())["vip.version"].seen == "v1.30.0"


@pytest.mark.parametrize(("check", "path"), [("vip.readyz", "readyz"), ("vip.version", "version")])
def test_endpoint_with_a_name_is_asked_for_by_it(host_view: Hosts, check: str, path: str) -> None:
    view = host_view(group={"control_plane_endpoint": "k8s.example.org:8443"})
    assert f"https://k8s.example.org:8443/{path}" in findings_of(view)[check].expected


@pytest.mark.parametrize("check", ["vip.readyz", "vip.version"])
def test_what_was_not_verified_is_said(host_view: Hosts, check: str) -> None:
    assert "verified by the CA" in findings_of(host_view())[check].expected
    assert "not verified: no apiserver_ca" in findings_of(host_view(without=["apiserver_ca"]))[check].expected


def test_stats_page_that_is_bound_elsewhere_is_asked_for_there(host_view: Hosts) -> None:
    stats = findings_of(host_view(group={"haproxy": {"stats": {"bind": "127.0.0.1"}}}))["vip.stats"]
    assert stats.expected.startswith("http://127.0.0.1:10080/status: ")


@pytest.mark.field_report(
    "J5",
    "rke2#7374",
    "each apiserver is down for haproxy, or is checked by TCP alone",
    "a check that takes 401 and 403 for alive, which the failed check names",
)
@pytest.mark.parametrize("status", [401, 403])
def test_apiserver_that_rejects_anonymous_clients_is_alive_if_configured(host_view: Hosts, status: int) -> None:
    group = {"haproxy": {"check": "readyz-or-unauthorized"}}
    change = reachable(readyz=Probe(status, ""), version=Probe(status, "", "{}"))
    found = findings_of(host_view(change=change, group=group))
    assert (found["vip.readyz"].status, found["vip.version"].status) == (Status.PASS, Status.PASS)
    assert found["vip.readyz"].expected.startswith("HTTP 200, 401 or 403 from https://")
    usual = findings_of(host_view(change=change))["vip.readyz"]
    assert usual.status is Status.FAIL
    assert "`haproxy.check: readyz-or-unauthorized` accepts that as alive" in usual.seen
    silent = findings_of(host_view(change=reachable(readyz=Probe(500, "")), group=group))["vip.readyz"]
    assert silent.status is Status.FAIL
