"""The runbooks as commands: the words about each, its own options, and the arguments that they become."""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nornir_kube_ha.cli.confirm import confirmation
from nornir_kube_ha.cli.options.failover import add_failover_options, failover_arguments
from nornir_kube_ha.cli.options.rollout import roll_out_of
from nornir_kube_ha.cli.options.runbook import (
    add_deploy_options,
    add_remove_options,
    add_rollback_options,
    add_snapshot_options,
    add_upgrade_options,
    add_verify_options,
)


@dataclass(frozen=True, slots=True)
class Command:
    """A runbook as a command.

    Arguments:
        words: what it does, for `--help`
        add_options: adds its own options to a parser
        arguments_of: returns the arguments of the runbook's function for the parsed options
    """

    words: str
    add_options: Callable[[argparse.ArgumentParser], None]
    arguments_of: Callable[[argparse.Namespace], dict[str, Any]]


def _same(*names: str) -> Callable[[argparse.Namespace], dict[str, Any]]:
    """Return a function that takes these options as they are."""
    return lambda parsed: {name: getattr(parsed, name) for name in names}


RUNBOOKS: Mapping[str, Command] = {
    "deploy": Command(
        "make every host match the inventory, then verify it",
        add_deploy_options,
        lambda parsed: {"quick": parsed.quick, "bootstrap": parsed.bootstrap, "roll_out": roll_out_of(parsed)},
    ),
    "verify": Command(
        "check that every host matches the inventory, without changing anything",
        add_verify_options,
        _same("retry_timeout", "sleep", "kubeconfig"),
    ),
    "rollback": Command(
        "restore the files of an earlier generation on every host, by default the last that passed every check",
        add_rollback_options,
        lambda parsed: {"to_before": parsed.to_before, "roll_out": roll_out_of(parsed)},
    ),
    "upgrade": Command(
        "upgrade haproxy and keepalived to the pinned or newest version, without an outage",
        add_upgrade_options,
        _same("accept_outage", "allow_downgrade"),
    ),
    "remove": Command(
        "remove everything that kube-ha put on the hosts, the VIP holder last",
        add_remove_options,
        lambda parsed: {"confirm": confirmation(parsed)},
    ),
    "snapshot": Command(
        "record what runs on every host in a file, without secrets, for a rehearsal; change nothing",
        add_snapshot_options,
        _same("path"),
    ),
    "failover-test": Command(
        "inject faults, and measure the outage that a client sees", add_failover_options, failover_arguments
    ),
}
