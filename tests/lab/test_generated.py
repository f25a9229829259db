"""What unusual inventories are rendered to, judged by the real haproxy and keepalived of a host.

Some for each setting here; `python -m campaigns generated-inventories` has a thousand judged.
"""

import shutil
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from rig.inventories import SETTINGS, Tree, all_settings, own_lines, rendered, taken, write
from rig.judging import refusals, staging, unexplained
from rig.killing import LEFTOVERS, SUMS
from rig.lab import BACKUPS, Lab
from rig.samples import DATA, debian_12

from nornir_kube_ha.intent import Node

TIMES = 2  # that each setting is made up
HOST = BACKUPS[0]


def test_what_is_taken_is_accepted_by_the_daemons_but_for_what_only_the_host_can_tell(
    deployed: Lab, tmp_path: Path
) -> None:
    shutil.copy(DATA / "ca.crt", tmp_path)
    facts, nodes, sets = debian_12(), dict[int, Node](), dict[int, str]()

    @settings(max_examples=TIMES, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(all_settings())
    def make_up(trees: list[Tree]) -> None:
        for tree in [*trees, *own_lines()]:
            write(tmp_path, tree)
            if found := taken(tmp_path):
                number = len(sets)
                node = nodes[number] = found[1].nodes[number % len(found[1].nodes)]
                sets[number] = staging(number, node, rendered(*found, node.name, facts), facts)

    live = deployed.run(HOST, SUMS)
    make_up()
    refused = refusals(deployed, HOST, sets)
    assert {number: bad for number, words in refused.items() if (bad := unexplained(words, nodes[number]))} == {}
    assert len(sets) - len(refused) > len(SETTINGS) / 2
    assert deployed.run(HOST, SUMS) == live
    assert not deployed.run(HOST, LEFTOVERS)
