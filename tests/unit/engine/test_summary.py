"""A run's report says who made it, and which failed check explains which."""

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

import pytest
from tests.support.changes import unit
from tests.support.world import World

from nornir_kube_ha.checks import Status
from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.planning.lease import operator
from nornir_kube_ha.runbooks.verify import verify


def test_stopped_haproxy_explains_its_consequences(world: World, run_of: Callable[..., Run]) -> None:
    stopped = unit("haproxy", active_state="failed")(replace(world.facts["lb-2"], servers=None))
    world.facts["lb-2"] = stopped
    report = verify(run_of("verify"))
    causes = {each.id: each.cause for each in report.hosts["lb-2"].findings if each.status is Status.FAIL}
    assert causes == {"haproxy.active": "", "haproxy.apiservers_up": "lb-2: haproxy.active"}


@pytest.mark.usefixtures("world")
def test_report_says_who_made_it(run_of: Callable[..., Run]) -> None:
    origin = verify(run_of("verify")).origin
    assert (origin.operator, origin.version) == (operator(), version("nornir-kube-ha"))
    assert origin.controller
    assert origin.inventory
