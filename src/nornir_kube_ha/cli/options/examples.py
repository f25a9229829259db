"""What stands below the help of each command: examples, exit codes, and the address of the docs."""

from collections.abc import Iterator, Mapping

from nornir_kube_ha.cli.exit_codes import NOBODY_READS
from nornir_kube_ha.errors import INTERRUPTED, TERMINATED

DOCS = "https://example.org/nornir-kube-ha/docs"  # a placeholder: a copy of pyproject.toml's Documentation
CODES = {
    0: "all passed, warnings or not",
    1: "a check or a host failed, or a lab could not do what was asked",
    2: "the command line or the inventory is invalid, or confirmation was not given",
    4: "a host was not reached",
    5: "another run is changing a host",
    6: "a host's key or the login was refused",
    7: "all passed, but stdout or a file of `--report-dir` could not be written; stderr says which and why",
    INTERRUPTED: "interrupted by Ctrl-C",
    NOBODY_READS: "the reader of stdout, such as `head`, has exited",
    TERMINATED: "ended by SIGTERM",
}
"""Meaning of each exit code."""
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "": (
        "hostkeys enroll -i my-cluster",
        "deploy -i my-cluster --dry-run --diff",
        "deploy -i my-cluster",
        "verify -i my-cluster",
    ),
    "deploy": (
        "deploy -i my-cluster --dry-run --diff",
        "deploy -i my-cluster --serial 25% --on-failure rollback-all",
        "deploy -i my-cluster --quick --output json",
    ),
    "verify": (
        "verify -i my-cluster",
        "verify -i my-cluster --check 'vip.*' --retry-timeout 30s",
        "verify -i my-cluster --filter role=backup --output nagios",
    ),
    "rollback": ("rollback -i my-cluster --list", "rollback -i my-cluster --dry-run --diff"),
    "upgrade": ("upgrade -i my-cluster --dry-run", "upgrade -i my-cluster"),
    "remove": ("remove -i my-cluster --dry-run", "remove -i my-cluster --host 192.0.2.14"),
    "snapshot": ("snapshot -i production -o production.json",),
    "failover-test": (
        "failover-test -i my-cluster --list",
        "failover-test -i my-cluster --fault haproxy-kill --repeat 3",
        "failover-test -i my-cluster --fault 'haproxy-*' --yes --report-dir reports",
    ),
    "rehearse": (
        "rehearse -i production --from-git HEAD",
        "rehearse -i production --from deployed --fault 'haproxy-*' --report-dir reports",
        "rehearse -i production --from-snapshot production.json",
    ),
    "vip move": ("vip move -i my-cluster --to lb-2", "vip move -i my-cluster --to lb-2 --drain 5s"),
    "drain": ("drain -i my-cluster cp-2 --for 30m",),
    "ready": ("ready -i my-cluster cp-2",),
    "hostkeys enroll": ("hostkeys enroll -i my-cluster", "hostkeys enroll -i my-cluster lb-3"),
    "checks": ("checks",),
    "adopt": (
        "adopt root@192.0.2.11 root@192.0.2.12 -o my-cluster",
        "adopt -i my-hosts -o my-cluster",
    ),
    "init": (
        "init my-cluster",
        "init my-cluster --vip 192.0.2.100 --nodes lb-1=192.0.2.11,lb-2=192.0.2.12",
        "init my-cluster --vip 192.0.2.100 --nodes 192.0.2.11,192.0.2.12 --user admin --interface ens18",
    ),
    "schema": ("schema hosts",),
    "completion": ("completion bash",),
    "lab up": ("lab up -i inventory",),
    "lab down": ("lab down", "lab down --lab demo"),
    "lab status": ("lab status",),
    "lab ssh": ("lab ssh lb-1", "lab ssh lb-1 systemctl stop haproxy"),
    "lab exec": ("lab exec -- curl -sk https://192.0.2.10:8443/readyz",),
    "lab kubectl": ("lab kubectl get nodes",),
    "lab apiserver": ("lab apiserver lb-1 error", "lab apiserver lb-1 slow --seconds 2"),
    "lab off": ("lab off lb-1",),
    "lab on": ("lab on lb-1",),
}
"""Command lines without `kube-ha`, by command."""


def below_help(program: str) -> str:
    """Return the text below a command's help.

    Arguments:
        program: `kube-ha deploy`; a script's name has no examples
    """
    name, _, command = program.partition(" ")
    return "\n".join(("", *_lines(command if name == "kube-ha" else program), ""))


def _lines(command: str) -> Iterator[str]:
    if examples := EXAMPLES.get(command):
        yield from ("examples:", *(f"  kube-ha {example}" for example in examples), "")
    if command:
        yield f"exit codes and more: {DOCS}/cli.html"
    else:
        yield from ("exit codes:", *(f"  {code:<4} {words}" for code, words in CODES.items()), "")
        yield f"documentation: {DOCS}"
