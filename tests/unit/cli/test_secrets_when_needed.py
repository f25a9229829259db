"""A secret is asked for by what needs it, and by nothing else."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from nornir.core import Nornir
from rig.loopback.sshserver import SSHServer
from rig.samples import PASSWORD

from nornir_kube_ha import api
from nornir_kube_ha.checks import ALL, NEED_PASSWORD
from nornir_kube_ha.cli import verbs
from nornir_kube_ha.cli.prompts import fetch_secrets
from nornir_kube_ha.cli.runbooks import RUNBOOKS
from nornir_kube_ha.cli.selection import needs_stats_password
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import InventoryError
from nornir_kube_ha.facts import Facts, Scope
from nornir_kube_ha.intent.haproxy import UNREADABLE
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.planning.generated_password import with_kept_passwords
from nornir_kube_ha.tasks import get_host_key, render_config
from nornir_kube_ha.tasks.facts import _variables

NornirOf = Callable[..., Nornir]
NAMED: dict[str, Any] = {"haproxy": {"stats": {"password": {"env": "NOT_SET_ANYWHERE"}}}}
ASKED: dict[str, Any] = {"haproxy": {"stats": {"password": {"prompt": "stats password"}}}}


@pytest.mark.field_report(
    "J2",
    "found by trial",
    "without KUBE_HA_STATS_PASSWORD no `rollback --list`, no `vip move` and no single check goes",
    "only what writes or judges the password needs it",
)
@pytest.mark.parametrize(
    ("runbook", "checks", "needed"),
    [
        ("deploy", ALL, True),
        ("upgrade", ALL, True),
        ("failover_test", ALL, True),
        ("verify", ALL, True),
        ("verify", {"files.intended", "vip.ping"}, True),
        ("verify", {"haproxy.stats"}, True),
        ("verify", {"vip.ping"}, False),
        ("verify", ALL - NEED_PASSWORD, False),
        ("rollback", ALL, False),
        ("remove", ALL, False),
    ],
)
def test_who_needs_the_stats_password(runbook: str, checks: set[str], *, needed: bool) -> None:
    assert runbook.replace("_", "-") in RUNBOOKS
    assert needs_stats_password(runbook, checks) is needed
    assert NEED_PASSWORD <= ALL


def test_password_that_is_not_needed_is_not_read(nornir_of: NornirOf) -> None:
    intent = load_intent(nornir_of(defaults=NAMED), stats_password=False)
    assert {node.haproxy.stats.password.get_secret_value() for node in intent.nodes} == {UNREADABLE}
    with pytest.raises(InventoryError, match="NOT_SET_ANYWHERE is not set"):
        load_intent(nornir_of(defaults=NAMED))


def test_no_prompt_for_a_password_that_is_not_needed(nornir_of: NornirOf) -> None:
    asked: list[str] = []

    def ask(words: str) -> str:
        asked.append(words)
        return PASSWORD

    fetch_secrets(nornir_of(defaults=ASKED), ask, stats_password=False)
    assert asked == []
    fetch_secrets(nornir_of(defaults=ASKED), ask)
    assert asked == ["stats password"]


def test_what_hosts_keep_stands_in_for_it(nornir_of: NornirOf, healthy: Mapping[str, Facts]) -> None:
    """So files that are as they should be show no difference, and diffs are masked by what stands in them."""
    nornir = nornir_of(defaults=NAMED)
    intent = load_intent(nornir, stats_password=False)
    kept = with_kept_passwords(intent, healthy)
    assert {node.haproxy.stats.password.get_secret_value() for node in kept.nodes} == {PASSWORD}
    results = nornir.run(render_config, intent=intent, facts=dict(healthy))
    assert UNREADABLE not in str([file.content for result in results.values() for file in result[0].result])


def test_hosts_use_their_own_password_for_a_look_without_it(nornir_of: NornirOf) -> None:
    intent = load_intent(nornir_of(defaults=NAMED), stats_password=False)
    node = intent.nodes[0]
    assert _variables(intent.cluster_of(node.name), node, Scope.ALL)["stats_login"] == ""


def test_key_of_a_host_is_looked_at_without_any_password(fresh_server: SSHServer, stranger: Nornir) -> None:
    stranger.inventory.hosts["lb-1"].data["login"] = {
        "password": {"env": "NOT_SET_ANYWHERE"},
        "sudo_password": {"prompt": "of ops"},
    }
    [result] = stranger.run(get_host_key)["lb-1"]
    assert not result.failed
    assert fresh_server.tries == []


class SeenEnoughError(Exception):
    """Raised in the place of all that follows."""


@pytest.mark.field_report("J2")
def test_verbs_need_no_stats_password(nornir_of: NornirOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def seen(*_: object) -> None:
        raise SeenEnoughError

    monkeypatch.setattr(verbs, "find_inventory", lambda _: tmp_path)
    monkeypatch.setattr(verbs, "open_inventory", lambda *_, **__: nornir_of(defaults=ASKED))
    monkeypatch.setattr(Run, "look", seen)
    with pytest.raises(SeenEnoughError), verbs.looked_at("vip_move", None, lambda intent: intent.clusters):
        pass


@pytest.mark.field_report("J2")
@pytest.mark.parametrize("call", [api.rollback, api.remove, lambda nornir: api.verify(nornir, check=["vip.ping"])])
def test_functions_need_no_stats_password_either(
    nornir_of: NornirOf, monkeypatch: pytest.MonkeyPatch, call: Callable[[Nornir], object]
) -> None:
    def seen(*_: object, **__: object) -> None:
        raise SeenEnoughError

    monkeypatch.setattr(api, "Run", seen)
    with pytest.raises(SeenEnoughError):
        call(nornir_of(defaults=NAMED))
    with pytest.raises(InventoryError):
        api.deploy(nornir_of(defaults=NAMED))
