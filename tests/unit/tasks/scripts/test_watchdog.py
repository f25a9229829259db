"""The look's script ends itself when nobody else does, with all that it has started; done, it leaves nothing."""

import re
import signal
import subprocess

from rig.lab import ROOT

SCRIPT = ROOT / "tasks" / "facts.sh"


def watched(work: str, deadline: str) -> subprocess.CompletedProcess[bytes]:
    """The script's own watchdog around other work, in a session of its own, as sshd starts it."""
    found = re.search(r"^\{\n    before=.*?^watchdog=\$!$", SCRIPT.read_text(), re.DOTALL | re.MULTILINE)
    assert found
    script = f"DEADLINE={deadline}\n{found[0]}\n{work}\nkill $watchdog\n"
    return subprocess.run(
        ["sh", "-u", "-s"], input=script.encode(), capture_output=True, start_new_session=True, check=False, timeout=20
    )


def test_script_that_hangs_is_ended_with_all_that_it_has_started() -> None:
    # Its output is closed only when nobody has it open any more: else this would wait for both sleeps.
    assert watched("sleep 30 & sleep 30", "0.2").returncode == -signal.SIGKILL


def test_script_that_is_done_leaves_no_watchdog() -> None:
    done = watched('echo "$watchdog"', "12345")
    assert done.returncode == 0
    left = subprocess.run(["pgrep", "-f", "^sleep 12345$"], capture_output=True, check=False)
    assert left.stdout == b""
