"""Hints at misspelt names: one helper, for commands, options, hosts, groups, filters, checks, faults and settings."""

from collections.abc import Callable
from pathlib import Path

import pytest
from nornir.core import Nornir
from rig.lab import ROOT

from nornir_kube_ha.cli import main as cli
from nornir_kube_ha.cli.selection import choose_checks, open_inventory, select, select_named
from nornir_kube_ha.errors import UsageError
from nornir_kube_ha.nearest import did_you_mean, hint
from nornir_kube_ha.runbooks.failover_test import choose_faults

NAMES = ("lb-1", "lb-2", "backup")


@pytest.mark.parametrize(
    ("given", "words"), [("lb1", "did you mean lb-1?"), ("bakup", "did you mean backup?"), ("zzz", "none is close")]
)
def test_nearest_name_or_another_text(given: str, words: str) -> None:
    assert did_you_mean(given, NAMES, "none is close") == words


def test_some_name_is_always_found_without_a_limit() -> None:
    assert did_you_mean("zzz", ["backup"], cutoff=0) == "did you mean backup?"


def test_hint_has_each_close_name() -> None:
    assert hint(["lb1", "zzz", "bakup"], NAMES) == "; did you mean lb-1, backup?"
    assert hint(["zzz"], NAMES) == ""
    assert hint([], NAMES) == ""
    assert hint(["lb-9"], NAMES) == ""  # lb-1 and lb-2 are equally close


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["deplyo"], "did you mean deploy?"),
        (["vip", "mvoe"], "did you mean move?"),
        (["deploy", "--dryrun"], "unrecognized arguments: --dryrun; did you mean --dry-run?"),
        (["deploy", "--seriall=2"], "unrecognized arguments: --seriall=2; did you mean --serial?"),
        (["deploy", "--on-failure", "rollback-hosts"], "did you mean rollback-host?"),
        (["verify", "--output", "jsn"], "did you mean json?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_misspelt_word_of_a_command_line(capsys: pytest.CaptureFixture[str], arguments: list[str], words: str) -> None:
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert words in capsys.readouterr().err


def test_option_of_another_command_is_no_hint(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["verify", "--accept-outage"])
    err = capsys.readouterr().err
    assert err.startswith("usage: kube-ha verify ")
    assert "did you mean" not in err


def test_script_has_hints_too(capsys: pytest.CaptureFixture[str]) -> None:
    from nornir_kube_ha.runbooks import deploy  # noqa: PLC0415 - the package exports its function

    with pytest.raises(SystemExit):
        deploy.main(["--dryrun"])
    assert "did you mean --dry-run?" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("filters", "words"),
    [
        ((("rol", "backup"),), "did you mean role?"),
        ((("host-name", "192.0.2.11"),), "did you mean hostname?"),
        ((("role", "bakup"),), "did you mean role=backup?"),
        ((("role", "backup"), ("groups", "kub")), "did you mean groups=kube?"),
    ],
)
def test_misspelt_filter(nornir_of: Callable[..., Nornir], filters: tuple[tuple[str, str], ...], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(nornir_of(), filters, ())
    assert str(caught.value).endswith(f"; {words}")


def test_filters_that_only_exclude_each_other_have_no_hint(nornir_of: Callable[..., Nornir]) -> None:
    with pytest.raises(UsageError, match="no host matches") as caught:
        select(nornir_of(), (("role", "master"), ("name", "lb-2")), ())
    assert "did you mean" not in str(caught.value)


def test_misspelt_host(nornir_of: Callable[..., Nornir]) -> None:
    with pytest.raises(UsageError, match=r"known hosts: lb-1, lb-2, lb-3; did you mean lb-2\?$"):
        select(nornir_of(), (), ("lb2",))
    with pytest.raises(UsageError, match=r"did you mean lb-2\?$"):
        select_named(nornir_of(), ["lb2"])


def test_misspelt_host_and_apiserver_of_a_verb(capsys: pytest.CaptureFixture[str]) -> None:
    inventory = str(ROOT / "inventory")
    assert cli.main(["vip", "move", "-i", inventory, "--to", "lb3"]) == 2
    assert "did you mean lb-3?" in capsys.readouterr().err
    assert cli.main(["drain", "-i", inventory, "lb_1"]) == 2
    assert "did you mean lb-1?" in capsys.readouterr().err


def test_misspelt_group_in_an_inventory(tmp_path: Path) -> None:
    (tmp_path / "hosts.yaml").write_text("lb-1: {groups: [kub]}\n")
    (tmp_path / "groups.yaml").write_text("kube: {}\nother: {}\n")
    with pytest.raises(UsageError, match=r"no group is called 'kub'; did you mean kube\?"):
        open_inventory(tmp_path)


def test_misspelt_check_and_fault() -> None:
    with pytest.raises(UsageError, match=r"did you mean vip\.single_holder\?"):
        choose_checks(["vip.single-holder"], ())
    with pytest.raises(UsageError, match=r"did you mean haproxy-kill\?"):
        choose_faults(["haproxy-kil"])
