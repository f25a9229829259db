"""Questions at the terminal for what a first inventory needs and the command line does not say."""

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import Any

from nornir_kube_ha.cli.options.setup import INTERFACE, USER, apiservers, nodes, vip
from nornir_kube_ha.errors import DeclinedError

QUESTIONS: Mapping[str, tuple[str, Callable[[str], Any], str]] = {
    "vip": ("VIP, a free address in the nodes' network", vip, ""),
    "nodes": ("load balancers, as lb-1=192.0.2.11,lb-2=192.0.2.12", nodes, ""),
    "apiservers": ("kube-apiservers, as cp-1=192.0.2.21", apiservers, "the load balancers"),
    "user": ("user who logs in to them", str, USER),
    "interface": ("their network interface", str, INTERFACE),
}
"""Of each value: the question, how an answer is parsed, and what no answer means; "" if one is needed."""


def ask_for_plan(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the given values and the answers to questions about the missing ones; None where the default is taken.

    Arguments:
        given: values by name, None for a missing one

    Raises:
        DeclinedError: the input ended
    """
    return {name: given[name] or _ask(*QUESTIONS[name]) for name in QUESTIONS}


def _ask(question: str, parse: Callable[[str], Any], default: str) -> Any:  # noqa: ANN401 - what it is parsed to
    while True:
        sys.stderr.write(f"{question}{f' [{default}]' if default else ''}: ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            raise DeclinedError("the answers ended too early; nothing was written")
        if not line.strip() and default:
            return None
        try:
            return parse(line.strip())
        except argparse.ArgumentTypeError as error:
            sys.stderr.write(f"{error}\n")
