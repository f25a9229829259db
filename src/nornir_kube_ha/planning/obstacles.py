"""Find what prevents a planned change of a host's files or units. No I/O."""

from collections.abc import Iterator

from nornir_kube_ha.facts import Facts, Obstacle, Unit
from nornir_kube_ha.intent.names import CONFIGURATIONS
from nornir_kube_ha.planning.plan import HostPlan

MOST_WORDS = 300  # characters of a command quoted in a message


def obstacles(plan: HostPlan, facts: Facts) -> Iterator[str]:
    """Yield a sentence for each reason why a change would fail half-way or not reach the daemons.

    Arguments:
        plan: the planned change
        facts: facts of the host
    """
    for unit in facts.units.values():
        yield from _unit(unit, facts)
    yield from (_sentence(each) for each in facts.obstacles if each.kind != "link" and _is_in_the_way(each, plan))
    for folder in facts.folders:
        if folder not in plan.folders and not folder.may_hold_scripts:
            yield (
                f"users other than root can write to {folder}, so keepalived runs no script below it; run "
                f"`chmod go-w {folder.path}` or `chown root {folder.path}`"
            )


def _unit(unit: Unit, facts: Facts) -> Iterator[str]:
    if unit.load_state == "masked":
        yield f"{unit.name}.service is masked; run `systemctl unmask {unit.name}`"
    elif unit.load_state != "loaded" and _is_installed(unit.name, facts):
        yield f"systemd cannot load {unit.name}.service ({unit.load_state}); see `systemctl status {unit.name}`"
    path = CONFIGURATIONS[unit.name]
    for command in unit.loaded.commands:
        if not command.reads(path):
            which = "is started as" if command == unit.loaded.start else "runs as"
            read = ", ".join(file.path for file in command.files) or "no file"
            yield (
                f"{unit.name} {which} `{str(command)[:MOST_WORDS]}`, which reads {read[:MOST_WORDS]} "
                f"instead of {path}. `systemctl cat {unit.name}` shows where that is set; make it read "
                f"{path}, then restart {unit.name}"
            )


def _is_installed(name: str, facts: Facts) -> bool:
    package = facts.packages.get(name)
    return bool(package and package.installed)


def _is_in_the_way(obstacle: Obstacle, plan: HostPlan) -> bool:
    """Return whether an obstacle's path is a file that the plan touches, or the folder of one."""
    return any(obstacle.path in {path, path.rpartition("/")[0]} for path in plan.paths)


def _sentence(obstacle: Obstacle) -> str:
    if obstacle.kind == "mounted":
        return f"{obstacle.path} is a mount point, so a rename cannot replace it; unmount it"
    if obstacle.kind == "immutable":
        return f"{obstacle.path} is immutable or append-only; run `chattr -ia {obstacle.path}`"
    return f"{obstacle.path}: expected a file, got a {obstacle.words}; move it away"
