"""Whether a host still waits for the first apiserver, and what says that one has served before."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """What a host knows of the time before `kubeadm init`.

    Arguments:
        waits: why a process of ours waits there for the first apiserver that answers: `told` by an operator, or `seen`
            by a first deploy that no apiserver answered; "" if none waits
        served: paths of files that a cluster leaves which has served
    """

    waits: str = ""
    served: tuple[str, ...] = ()


def bootstrap(text: str) -> Bootstrap:
    """Read lines `waits WHY` and `served PATH` of facts.sh.

    Arguments:
        text: the section's body
    """
    words = [line.split() for line in text.splitlines()]
    waits = [each[1] for each in words if each[:1] == ["waits"] and each[1:] in (["told"], ["seen"])]
    served = tuple(each[1] for each in words if each[:1] == ["served"] and len(each) == 2)
    return Bootstrap("".join(waits[:1]), served)
