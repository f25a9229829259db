"""The contestants: kube-ha, two other tools, the guide's own loops, and the floor below all of them."""

from benchmarks.contestants import ansible, floor, guide, ours, pyinfra
from benchmarks.contestants.contestant import Contestant

CONTESTANTS: tuple[Contestant, ...] = (
    floor.LOGIN,
    floor.LOOK,
    floor.FLOOR,
    ours.OURS,
    ours.QUICK,
    ansible.ANSIBLE,
    pyinfra.PYINFRA,
    guide.GUIDE,
)
"""In the order of turns and of a table's rows: the floor first."""

__all__ = ["CONTESTANTS", "Contestant"]
