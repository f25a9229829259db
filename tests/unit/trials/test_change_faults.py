"""Changes that a failover test makes as an operator would."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from nornir.core import Nornir

from nornir_kube_ha.facts import Facts
from nornir_kube_ha.intent.names import HAPROXY_CFG, KEEPALIVED_CONF
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.tasks import render_config
from nornir_kube_ha.trials.change_faults import COMMENT, commented


@pytest.mark.parametrize("lines", [(), ("maxconn 5000", "process_names")], ids=["none before", "after others"])
def test_comment_is_the_only_difference(
    nornir_of: Callable[..., Nornir], healthy: Mapping[str, Facts], lines: tuple[str, ...]
) -> None:
    haproxy, keepalived = {"global_lines": lines[:1]}, {"global_lines": lines[1:]}
    nornir = nornir_of(group={"haproxy": haproxy, "keepalived": keepalived})
    before = load_intent(nornir)
    files = []
    for intent in (before, commented(before)):
        results = nornir.run(render_config, intent=intent, facts=healthy)
        results.raise_on_error()
        files.append({(host, each.path): each for host, result in results.items() for each in result[0].result})
    old, new = files
    assert old.keys() == new.keys()
    changed = {key for key in old if old[key] != new[key]}
    assert changed == {(node.name, path) for node in before.nodes for path in (HAPROXY_CFG, KEEPALIVED_CONF)}
    for key in changed:
        assert replace(new[key], content=old[key].content) == old[key]
        lines_of = (each[key].content.splitlines() for each in (old, new))
        (line,) = (each for each in difflib.ndiff(*lines_of) if each[0] in "+-")
        assert line.split(maxsplit=1) == ["+", COMMENT]
