"""What running.sh reads: the files that a command loads, in order, and nothing that stands in them is run."""

import subprocess
from pathlib import Path

from nornir_kube_ha.ssh.script import assignments, load_script

LIMITS = {"nonce": "n", "most_bytes": "100", "most_files": "3", "most_total": "250", "resolved": ""}


def run(call: str, **limits: str) -> list[str]:
    text = load_script("running.sh").rpartition("\nif [ -n")[0]
    script = f"{assignments(**LIMITS | limits)}{load_script('section.sh')}{load_script('loads.sh')}{text}\n{call}\n"
    done = subprocess.run(["sh", "-u", "-s"], input=script, capture_output=True, text=True, check=True)
    return [line for line in done.stdout.splitlines() if line]


def test_includes_are_followed_once_each(tmp_path: Path) -> None:
    main, inner = tmp_path / "keepalived.conf", tmp_path / "conf.d"
    inner.mkdir()
    main.write_text("include conf.d/*.conf\ninclude missing\n")
    (inner / "b.conf").write_text(f"include {main}\ninclude {inner}/b.conf\n")
    (inner / "a.conf").write_text(
        f"include $(touch {tmp_path}/pwned) `touch {tmp_path}/pwned`;touch {tmp_path}/pwned\n"
    )
    files = run(f"all_files keepalived 'keepalived\n-f\n{main}'", most_files="9")
    assert [Path(file).name for file in files] == ["keepalived.conf", "a.conf", "b.conf"]
    assert not (tmp_path / "pwned").exists()


def test_folders_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.cfg", "A.cfg", "a.cfg", "c.txt"):
        (tmp_path / name).write_text("global\n")
    files = run(f"all_files haproxy 'haproxy\n-f\n/x.cfg\n-f\n{tmp_path}'")
    assert files == ["/x.cfg", *(f"{tmp_path}/{name}" for name in ("A.cfg", "a.cfg", "b.cfg"))]


def test_files_are_cut_and_counted(tmp_path: Path) -> None:
    for name, size in (("a", 200), ("b", 10), ("c", 200), ("d", 1)):
        (tmp_path / f"{name}.cfg").write_text("x" * size)
    loads = f"start_words() {{ printf '%s\\n' haproxy -f {tmp_path}; }}\nsystemctl() {{ :; }}\ndaemon haproxy"
    lines = run(loads)
    assert [line for line in lines if line.startswith("@")][2:] == [
        f"@n file haproxy {tmp_path}/a.cfg",
        f"@n file haproxy {tmp_path}/b.cfg",
        f"@n file haproxy {tmp_path}/c.cfg",
        f"@n excess haproxy {tmp_path}/d.cfg",
    ]
    assert run(loads, most_total="150")[-1] == f"@n excess haproxy {tmp_path}/c.cfg"
