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
    add_upgrade_options,
    add_verify_options,
)


@dataclass(frozen=True, slots=True)
class Command:
    """A runbook as a command.

    Arguments:
        words: what it does, for `--help`
        add_options: adds its own options to a parser
        arguments_of: returns the arguments of the runbook's function that parsed options mean
    """

    words: str
    add_options: Callable[[argparse.ArgumentParser], None]
    arguments_of: Callable[[argparse.Namespace], dict[str, Any]]


def _same(*names: str) -> Callable[[argparse.Namespace], dict[str, Any]]:
    """Return a function that takes these options as they are."""
    return lambda parsed: {name: getattr(parsed, name) for name in names}


RUNBOOKS: Mapping[str, Command] = {
    "deploy": Command(
        "make every host what the inventory says, then look whether it is",
        add_deploy_options,
        lambda parsed: {"quick": parsed.quick, "bootstrap": parsed.bootstrap, "roll_out": roll_out_of(parsed)},
    ),
    "verify": Command(
        "look whether every host is what the inventory says, and change nothing",
        add_verify_options,
        _same("retry_timeout", "sleep", "kubeconfig"),
    ),
    "rollback": Command(
        "put every host back on files that it had before, and that were good",
        add_rollback_options,
        lambda parsed: {"to_before": parsed.to_before, "roll_out": roll_out_of(parsed)},
    ),
    "upgrade": Command(
        "bring every host to the newest haproxy and keepalived, without an outage",
        add_upgrade_options,
        _same("accept_outage", "allow_downgrade"),
    ),
    "remove": Command(
        "take everything off every host again, the VIP's holder last",
        add_remove_options,
        lambda parsed: {"confirm": confirmation(parsed)},
    ),
    "failover-test": Command(
        "break things on purpose, and measure a client's outage", add_failover_options, failover_arguments
    ),
}
