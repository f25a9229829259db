"""The sh scripts that hosts are sent: each is declared, and each variable that it reads is its own or an input."""

import importlib
import pkgutil
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nornir_kube_ha import tasks
from nornir_kube_ha.failover.faults import FAULTS, Way
from nornir_kube_ha.planning.package_managers import functions
from nornir_kube_ha.planning.plan import PACKAGES
from nornir_kube_ha.ssh.script import Script, load_script, whole

FOLDER = Path(__file__).parents[3] / "tasks"
OTHERS = {"NF", "Package", "Version", "db", "Conffiles"}  # awk's and dpkg-query's own


def declared() -> Iterator[tuple[str, Script]]:
    """Every script of a task's module, by its name there."""
    for module in pkgutil.iter_modules(tasks.__path__):
        for name, value in vars(importlib.import_module(f"{tasks.__name__}.{module.name}")).items():
            if isinstance(value, Script):
                yield f"{module.name}.{name}", value


SCRIPTS = dict(declared())


def rendered(script: Script) -> str:
    """The script as a host gets it, after the package managers' functions where it needs them."""
    text = script.render(**dict.fromkeys(script.inputs.split(), "x"))
    return functions(PACKAGES) + text if "choose_family\n" in text else text


def code_of(text: str) -> str:
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def read_in(text: str) -> set[str]:
    """Variables that a script reads, wherever: also in scripts that it quotes.

    shellcheck's SC2154 passes over a variable that is tested somewhere, as by `[ -n "$X" ]`: that is an error under
    `set -u`, too.
    """
    sums = " ".join(re.findall(r"\$\(\((.*?)\)\)", code_of(text)))
    return {*re.findall(r"\$\{?#?([A-Za-z_]\w*)", code_of(text)), *re.findall(r"\b[A-Z]\w+", sums)} - OTHERS


def unassigned(text: str) -> set[str]:
    """Variables that a script reads and that nothing in it assigns."""
    code = code_of(text)
    assigned = {*re.findall(r"(?<![\w$])([A-Za-z_]\w*)=", code), *re.findall(r"\bfor (\w+)", code)}
    assigned |= {name for names in re.findall(r"\bread -r((?: \w+)+)", code) for name in names.split()}
    return read_in(text) - assigned


def test_every_file_is_part_of_a_script() -> None:
    parts = {part for script in SCRIPTS.values() for part in script.parts}
    assert parts == {path.name for path in FOLDER.glob("*.sh")}


@pytest.mark.parametrize("name", SCRIPTS)
def test_every_variable_of_a_script_is_set_by_it_or_an_input_and_every_input_is_read(name: str) -> None:
    text, inputs = rendered(SCRIPTS[name]), {each.upper() for each in SCRIPTS[name].inputs.split()}
    assert unassigned(text) == set()
    assert inputs - read_in(text) == set()
    assert unassigned(re.sub(r"^[A-Z_]+=x$", "", text, flags=re.MULTILINE)) <= inputs


@pytest.mark.parametrize("name", [name for name, fault in FAULTS.items() if fault.way is Way.HOST])
def test_every_variable_of_a_faults_own_scripts_is_set(name: str) -> None:
    """They have what their file on the host begins with, and the functions of COMMON."""
    fault = FAULTS[name]
    common = load_script("faults.sh").partition("COMMON='")[2].partition("\n'\n")[0]
    for scripts in ((fault.needs,), (fault.inject, fault.there), (fault.heal, fault.well)):
        assert unassigned("\n".join(("FOLDER=x INTERFACE=x VIPS=x PORT=x", common, *scripts))) == set()


def test_script_that_lacks_an_input_is_not_made() -> None:
    script = Script(("unstage.sh",), "write remove")
    with pytest.raises(TypeError, match=r"unstage\.sh: expected values for remove, write; missing: write; unknown: -"):
        script.render(remove="")
    with pytest.raises(TypeError, match=r"missing: -; unknown: managed"):
        script.render(write="", remove="", managed="")
    assert script.render("echo\n", write="a b", remove="").startswith("WRITE='a b'\nREMOVE=''\n# Remove drafts.")


def test_variable_that_is_not_set_ends_a_script() -> None:
    sent = whole('echo begun\necho "$KUBE_HA_NOT_SET"\necho never\n')
    done = subprocess.run(["sh", "-s"], input=sent, capture_output=True, text=True, check=False)
    assert (done.returncode != 0, done.stdout) == (True, "begun\n")
    assert "KUBE_HA_NOT_SET" in done.stderr


def test_every_program_that_a_script_leaves_on_a_host_ends_there_as_well() -> None:
    assert "'set -u' \"$variables\" \"$COMMON\" 'tell healing'" in load_script("faults.sh")
    assert "'set -u' \"$variables\" \"$COMMON\" 'tell begun'" in load_script("faults.sh")
    assert "JUDGE='\nset -u\n" in load_script("stage.sh")
    assert "LOOP='\nset -u\n" in load_script("first_apiserver.sh")
