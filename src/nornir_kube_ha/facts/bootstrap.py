"""Whether a host still waits for its first apiserver, and the evidence that an apiserver has served before."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """A host's state with regard to the time before `kubeadm init`.

    Arguments:
        waits: why kube-ha's process on the host waits for the first apiserver; "" if no process waits. `told`: set by
            `deploy --bootstrap`; `seen`: a first deploy got no answer from any apiserver
        served: paths of existing files that only a cluster with a working apiserver leaves behind
    """

    waits: str = ""
    served: tuple[str, ...] = ()


def bootstrap(text: str) -> Bootstrap:
    """Parse the lines `waits WHY` and `served PATH` of section `bootstrap`."""
    words = [line.split() for line in text.splitlines()]
    waits = [each[1] for each in words if each[:1] == ["waits"] and each[1:] in (["told"], ["seen"])]
    served = tuple(each[1] for each in words if each[:1] == ["served"] and len(each) == 2)
    return Bootstrap("".join(waits[:1]), served)
