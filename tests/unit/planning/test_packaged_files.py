"""Whether a configuration file is as its package ships it: by what each package manager knows."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from nornir_kube_ha.planning.package_managers import Apt, Dnf, Family

SHIPPED = "frontend main\n    bind *:5000\n"


@pytest.mark.field_report("C6")
@pytest.mark.parametrize("content", [SHIPPED, "frontend main\n    bind *:80\n"])
@pytest.mark.parametrize(
    ("family", "command", "digest"),
    [
        pytest.param(Apt(), "dpkg-query", "md5", id="dpkg"),
        pytest.param(Dnf(), "rpm", "sha256", id="rpm"),
        pytest.param(Dnf(), "rpm", "md5", id="rpm of an old package"),
    ],
)
def test_file_is_its_packages_only_if_its_content_is(
    family: Family, command: str, digest: str, content: str, tmp_path: Path
) -> None:
    path = tmp_path / "haproxy.cfg"
    path.write_text(content)
    known = f"{path} {hashlib.new(digest, SHIPPED.encode()).hexdigest()}"
    assert is_unchanged(family, command, path, f"\n /etc/other 0123\n {known}\n") is (content == SHIPPED)


@pytest.mark.parametrize(("family", "command"), [(Apt(), "dpkg-query"), (Dnf(), "rpm")])
@pytest.mark.parametrize("said", ["", "file /x is not owned by any package\n", "{path}\n", "{path} newconffile\n"])
def test_file_of_no_package_is_not_unchanged(family: Family, command: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "haproxy.cfg"
    path.write_text(SHIPPED)
    assert not is_unchanged(family, command, path, said.format(path=path))


def is_unchanged(family: Family, command: str, path: Path, said: str) -> bool:
    """What the family's function says where its package manager says that."""
    (path.parent / "said").write_text(said)
    tool = path.parent / command
    tool.write_text(f"#!/bin/sh\ncat {path.parent}/said\n")
    tool.chmod(0o755)
    script = f"PATH={path.parent}:$PATH\n{family.functions}\n{family.name}_unchanged {path}\n"
    return subprocess.run(["sh", "-s"], input=script, text=True, capture_output=True, check=False).returncode == 0
