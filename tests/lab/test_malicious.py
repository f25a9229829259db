"""A host that means harm: it spoils its own row, and neither the controller, nor the reader, nor any other host's."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import html5lib
import pytest
from junitparser import JUnitXml
from prometheus_client.parser import text_string_to_metric_families
from rig.lab import BACKUPS, HOSTS, MASTER, ROOT, Completed, Lab
from tests.support.liars import FORGE, MARKUP, lying_programs, lying_shells

from nornir_kube_ha.report.files import FORMATS

LIAR, OTHER = BACKUPS
PATIENCE, GRACE = 6, 1  # seconds that a look may take beside those for which it listens, and more until it is given up
GIVEN_UP = PATIENCE + 1 + GRACE
SOON = 60  # seconds, Python's start and a busy machine's slowness included
MOST_MEMORY = 250_000  # kB; on honest hosts it is about 80_000
# As a controller of less patience, which says what memory it has needed.
MEASURED = f"""
import sys
from pathlib import Path
from nornir_kube_ha.runbooks import {{name}}
from nornir_kube_ha.tasks import facts
facts.PATIENCE, facts.GRACE = {PATIENCE}, {GRACE}
try:
    status = {{name}}.main(sys.argv[2:])
finally:
    Path(sys.argv[1]).write_text(Path("/proc/self/status").read_text())
sys.exit(status)
"""
FLOOD = "#!/bin/sh\nhead -c 1G /dev/zero | tr '\\0' x\n"
SILENCE = "#!/bin/sh\nexec sleep 600\n"
ENDLESS = "#!/bin/sh\nwhile echo; do sleep 0.05; done\n"
# Honest when looked at, and not when asked who holds the VIP.
BABBLE = """#!/bin/sh
case $2 in "exec sh -uc"*) yes "1.0 held" ;; *) exec /bin/sh "$@" ;; esac
"""
FORGED = (
    (b"syntax haproxy 1", f"{MARKUP}\x1b[31m\n".encode() * 70_000),
    (b"haproxy", b"# pxname,svname,status,check_status,check_code,last_chk\n"),
    (b"disk", f"{MARKUP} 9 0 9 0\n".encode() * 10_000),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """A runbook that has ended: what it said, in how many seconds, with how many kB of memory."""

    said: Completed
    seconds: float
    memory: int

    @property
    def report(self) -> dict[str, Any]:
        return self.said.report

    @property
    def error(self) -> str:
        """What went wrong on the host that lies."""
        return f"{self.report['hosts'][LIAR]['error']}"


def measured(lab: Lab, folder: Path, name: str, *options: str) -> Measured:
    """Run a runbook by itself; it stays within its bounds, and drives no terminal."""
    command = [sys.executable, "-c", MEASURED.format(name=name), str(folder / "status"), "-i", str(lab.inventory)]
    begun = time.monotonic()
    done = subprocess.run(
        [*command, *options], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    seconds = time.monotonic() - begun
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    found = Measured(Completed(done.returncode, done.stdout, done.stderr), seconds, int(status["VmHWM"].split()[0]))
    assert found.seconds < SOON
    assert found.memory < MOST_MEMORY
    assert "Traceback" not in done.stderr
    for text in (done.stdout, done.stderr):
        assert [char for char in text if not char.isprintable() and char != "\n"] == []
    return found


def rows(report: dict[str, Any], *hosts: str) -> dict[str, dict[str, str]]:
    """What became of each check, by host."""
    return {host: {each["id"]: each["status"] for each in report["hosts"][host]["checks"]} for host in hosts}


@pytest.fixture
def honest(deployed: Lab) -> dict[str, dict[str, str]]:
    """Each host's row while none of them lies."""
    return rows(deployed.runbook("verify", "--output", "json").report, *HOSTS)


def test_host_that_says_a_gigabyte_is_cut_off(deployed: Lab, honest: dict[str, dict[str, str]], tmp_path: Path) -> None:
    with lying_shells(deployed, {LIAR: FLOOD}):
        found = measured(deployed, tmp_path, "verify", "--output", "json")
    assert found.said.status == 1
    assert "at most 8388608 bytes of output" in found.error
    assert rows(found.report, MASTER, OTHER) == {host: honest[host] for host in (MASTER, OTHER)}


def test_hosts_that_never_end_are_given_up(deployed: Lab, honest: dict[str, dict[str, str]], tmp_path: Path) -> None:
    with lying_shells(deployed, {LIAR: SILENCE, OTHER: ENDLESS}):
        found = measured(deployed, tmp_path, "verify", "--output", "json")
    deployed.run(LIAR, "pkill -xf 'sleep 600'", check=False)  # nothing of a look's own stays, others' tests hold
    assert found.said.status == 1
    errors = {host: found.report["hosts"][host]["error"] for host in (LIAR, OTHER)}
    assert {error["type"] for error in errors.values()} == {"RemoteTimeoutError"}
    assert {error["message"] for error in errors.values()} == {f"the script did not end within {GIVEN_UP} s"}
    assert found.seconds >= GIVEN_UP
    assert rows(found.report, MASTER) == {MASTER: honest[MASTER]}


def test_lies_of_programs_are_shown_and_never_obeyed(
    deployed: Lab, honest: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    with lying_programs(deployed, LIAR):
        found = measured(deployed, tmp_path, "verify", "-vv", "--report-dir", str(tmp_path))
    assert found.said.status == 1
    report = assert_reports_are_sound(tmp_path)
    assert {each["id"] for each in report["hosts"][LIAR]["checks"] if MARKUP in each["seen"]} >= {
        *("haproxy.active", "haproxy.config_accepted", "haproxy.listening", "keepalived.config_accepted"),
        *("packages.installed", "vip.readyz", "host.disk", "host.denials"),
    }
    assert MARKUP in found.said.stdout
    assert "alert(1)" in found.said.stderr  # laid out in lines of its own
    assert rows(report, MASTER, OTHER) == {host: honest[host] for host in (MASTER, OTHER)}


def test_forged_facts_affect_only_their_own_row(
    deployed: Lab, honest: dict[str, dict[str, str]], tmp_path: Path
) -> None:
    with lying_shells(deployed, {LIAR: FORGE.format(sections=FORGED)}):
        found = measured(deployed, tmp_path, "verify", "-vv", "--report-dir", str(tmp_path))
    assert found.said.status == 1
    report = assert_reports_are_sound(tmp_path)
    changed = {id_ for id_, status in rows(report, LIAR)[LIAR].items() if status != honest[LIAR][id_]}
    assert changed == {"haproxy.config_accepted", "haproxy.apiservers_up", "host.disk"}
    assert rows(report, MASTER, OTHER) == {host: honest[host] for host in (MASTER, OTHER)}
    assert max(path.stat().st_size for path in tmp_path.glob("report.*")) < 1_000_000


def test_host_that_reports_the_vip_without_end_ends_a_failover_test(deployed: Lab, tmp_path: Path) -> None:
    with lying_shells(deployed, {LIAR: BABBLE}):
        found = measured(deployed, tmp_path, "failover_test", "--fault", "haproxy-kill", "--yes", "--output", "json")
    assert found.said.status == 1
    assert f"error: {LIAR}: the watch on the VIP does not answer" in found.said.stderr
    assert deployed.is_vip_home()


def assert_reports_are_sound(folder: Path) -> dict[str, Any]:
    """Each format is what it should be, and nothing that a host said is more than text there; the report's own tree."""
    texts = {name: (folder / file).read_text() for name, (file, _render) in FORMATS.items()}
    for name, text in texts.items():
        assert [char for char in text if not char.isprintable() and char != "\n"] == [], name
    page = html5lib.parse(texts["html"], namespaceHTMLElements=False)
    assert not {"script", "img"} & {str(each.tag) for each in page.iter()}
    assert not [name for each in page.iter() for name in each.attrib if name.startswith("on")]
    assert MARKUP in "".join(page.itertext())
    assert len(JUnitXml.fromstring(texts["junit"].encode())) >= len(HOSTS)
    assert [*text_string_to_metric_families(texts["prometheus"])]
    tree: dict[str, Any] = json.loads(texts["json"], parse_constant=pytest.fail)
    return tree
