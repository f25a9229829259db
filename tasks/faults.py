"""Inject faults on a host and heal them. The script arms the timer that ends a fault before it makes the fault."""

import re
import time
from dataclasses import dataclass

from nornir.core.task import Result, Task

from nornir_kube_ha.errors import FaultError, LeaseHeldError, RemoteCommandError
from nornir_kube_ha.failover.faults import Fault
from nornir_kube_ha.intent import Intent
from nornir_kube_ha.planning.lease import Lease
from nornir_kube_ha.ssh.change import run_change
from nornir_kube_ha.ssh.remote import run_script
from nornir_kube_ha.ssh.script import Script
from nornir_kube_ha.tasks.lease import guard

FOLDER = "/var/lib/kube-ha-fault"
UNIT = "kube-ha-fault-{run}"
TIMEOUT = 30  # seconds for each script; the fault itself runs beside it
POLL = 0.1  # seconds between two reads of the story
INJECT = Script(("faults.sh",), "unit folder seconds_to_last interface vips port needs inject there heal well")
HEAL = Script(("heal.sh",), "unit folder")


@dataclass(frozen=True, slots=True)
class FaultTimeline:
    """A host's record of a fault. Times are seconds since 1970 on the host's clock, None for what has not happened.

    Arguments:
        begun: when the injection began
        made: when the fault was seen to be in effect
        healing: when healing began
        healed: when the fault was seen to be gone
        trouble: why the fault is not in effect, or not gone; "" if the host reports neither
    """

    begun: float | None = None
    made: float | None = None
    healing: float | None = None
    healed: float | None = None
    trouble: str = ""

    @property
    def is_over(self) -> bool:
        """Whether the record is complete."""
        return self.healed is not None or (self.healing is not None and bool(self.trouble))

    @property
    def moments(self) -> tuple[float | None, ...]:
        """All four times, in order."""
        return self.begun, self.made, self.healing, self.healed

    @classmethod
    def parse(cls, text: str) -> "FaultTimeline":
        """Parse lines of `WORD TIME [WORDS]`. Of each word the first line counts; lines of another form are ignored.

        Arguments:
            text: content of the file
        """
        times: dict[str, float] = {}
        trouble = ""
        for word, moment, words in re.findall(r"^([a-z-]+) (\d+\.\d+) ?(.*)$", text, re.MULTILINE):
            times.setdefault(word, float(moment))
            if word.startswith("not-"):
                trouble = trouble or f"{word.replace('-', ' ')}: {words or 'the host gives no reason'}"
        return cls(times.get("begun"), times.get("made"), times.get("healing"), times.get("healed"), trouble)


def inject_fault(
    task: Task,
    intent: Intent,
    fault: Fault,
    run_id: str,
    *,
    seconds: float,
    port: int,
    dry_run: bool | None = None,
    lease: Lease | None = None,
) -> Result:
    """Inject a fault on a host. A timer on the host ends it.

    Arguments:
        intent: desired state, from the inventory
        fault: one that a script on the host makes
        run_id: id of the run that injects it
        seconds: how long it lasts
        port: the apiserver's, for a fault of an apiserver
        dry_run: whether to do nothing; None: Nornir's own setting
        lease: abort if this run no longer holds it; None skips the check

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): True: the timer is armed, and the injection has started

    Raises:
        FaultError: the fault cannot be injected there; nothing was changed
    """
    if task.is_dry_run(dry_run):
        return Result(host=task.host, changed=True)
    scripts = {
        "needs": fault.needs,
        "inject": fault.inject,
        "there": fault.there,
        "heal": fault.heal,
        "well": fault.well,
    }
    script = INJECT.render(
        unit=UNIT.format(run=run_id),
        folder=FOLDER,
        seconds_to_last=f"{seconds:g}",
        interface=intent.node(task.host.name).interface,
        vips=" ".join(str(vip.ip) for vip in intent.node(task.host.name).vips),
        port=str(port),
        **scripts,
    )
    try:
        run_script(task, _guard(lease, task.host.name, seconds) + script, timeout=TIMEOUT)
    except LeaseHeldError as error:
        raise FaultError(task.host.name, f"{fault.name} was not injected: {error.message}") from error
    except RemoteCommandError as error:
        raise FaultError(task.host.name, f"{fault.name} {error.message}") from error
    return Result(host=task.host, changed=True)


def _guard(lease: Lease | None, host: str, seconds: float) -> str:
    """Return `guard` in a subshell: what the fault leaves running must not hold the lock on the host's next step."""
    script = guard(lease, host, seconds=seconds + TIMEOUT)
    return f"(\n{script}) || exit\n" if script else ""


def get_fault_timeline(task: Task) -> Result:
    """Return the host's record of the latest fault. Changes nothing.

    Returns:
        Result object with the following attributes set:
          * result (:obj:`FaultTimeline`): the record so far
    """
    completed = run_script(task, f"cat {FOLDER}/story 2>/dev/null || true\n", timeout=TIMEOUT)
    return Result(host=task.host, result=FaultTimeline.parse(completed.stdout))


def heal_fault(task: Task, run_id: str, *, patience: float = 0.0, dry_run: bool | None = None) -> Result:
    """End a fault, and remove what it left behind.

    Arguments:
        run_id: id of the run that injected it
        patience: seconds to leave the end to the host's own timer
        dry_run: whether to report only; None: Nornir's own setting

    Returns:
        Result object with the following attributes set:
          * changed (``bool``): whether a fault was there
          * result (:obj:`FaultTimeline`): the whole record

    Raises:
        FaultError: the fault has not healed
    """
    if task.is_dry_run(dry_run):
        # A fault that is armed and has not begun yet has no story: its folder is there.
        there = run_change(task, "", "", changes=f"[ -e {FOLDER} ]", guard="", dry_run=True, timeout=TIMEOUT)
        return Result(host=task.host, changed=there, result=FaultTimeline())
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and not get_fault_timeline(task).result.is_over:
        time.sleep(POLL)
    completed = run_script(task, HEAL.render(unit=UNIT.format(run=run_id), folder=FOLDER), timeout=TIMEOUT)
    story = FaultTimeline.parse(completed.stdout)
    if story.begun is not None and story.healed is None:
        raise FaultError(task.host.name, f"the fault has not healed: {story.trouble or 'the host gives no reason'}")
    return Result(host=task.host, changed=story.begun is not None, result=story)
