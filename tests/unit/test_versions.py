from dataclasses import asdict

import pytest

from nornir_kube_ha.versions import features, upstream_version

EXPORTS = ("exporter", "conditions")


@pytest.mark.parametrize(
    ("package", "upstream"),
    [
        ("2.6.12", (2, 6, 12)),
        ("2.6.12-1+deb12u4", (2, 6, 12)),
        ("1:2.2.7-1+b2", (2, 2, 7)),  # Debian's keepalived: an epoch and a binary rebuild
        ("1:2.3.3-1", (2, 3, 3)),
        ("3.0.11-1~bpo12+1", (3, 0, 11)),
        ("3.0.11-1+deb13u5", (3, 0, 11)),
        ("2.8.5-1ubuntu3.2", (2, 8, 5)),
        ("1:2.2.8-6.el9_5", (2, 2, 8)),  # rpm: epoch, version, release
        ("3.0-dev7", (3, 0)),
        ("2.2.9~rc1-1", (2, 2, 9)),
        ("7.88.1+dfsg-10", (7, 88, 1)),
        ("3", (3,)),
        ("", ()),
        ("(none)", ()),
        ("v2.6", ()),
        ("1:", ()),
    ],
)
def test_upstream_part_of_a_package_version(package: str, upstream: tuple[int, ...]) -> None:
    assert upstream_version(package) == upstream


def test_upstream_versions_order_as_releases_do() -> None:
    releases = ["2.2.9", "2.5", "2.5.1", "2.6.12", "2.10.0", "3.0.11"]
    assert sorted(["3.0.11", "2.10.0", "2.2.9", "2.6.12", "2.5.1", "2.5"], key=upstream_version) == releases


@pytest.mark.parametrize(
    ("haproxy", "keepalived", "understood"),
    [
        ("1.8.27", "2.1.5", {"nbproc"}),
        ("2.2.9", "2.1.5", {"nbproc", "exporter"}),
        ("2.3.99", "2.1.5", {"nbproc", "exporter"}),
        ("2.4.99", "2.2.3", {"nbproc", *EXPORTS}),
        ("2.5", "2.2.4", {"down_timer_adverts", *EXPORTS}),
        ("2.6.0", "2.2.5", {"down_timer_adverts", "keeps_vip_with_new_script", *EXPORTS}),
        ("2.6.12", "2.2.7", {"down_timer_adverts", "keeps_vip_with_new_script", "tmpdir", *EXPORTS}),
        ("3.0.11", "2.3.3", {"down_timer_adverts", "keeps_vip_with_new_script", "tmpdir", *EXPORTS}),
        ("", "", {"down_timer_adverts", "keeps_vip_with_new_script", "tmpdir", *EXPORTS}),  # not known: a current one
    ],
)
def test_features_of_the_daemons(haproxy: str, keepalived: str, understood: set[str]) -> None:
    known = asdict(features(upstream_version(haproxy), upstream_version(keepalived)))
    assert {name for name, is_known in known.items() if is_known} == understood
