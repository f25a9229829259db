"""Foreign files, and files of another cluster, that a deploy would replace: refused, unless the operator agrees."""

from nornir_kube_ha.engine.run import Run
from nornir_kube_ha.errors import PreflightError
from nornir_kube_ha.planning.foreign import ForeignFile, foreign_files

OPTION = "--replace-foreign-files"


def _foreign(run: Run) -> dict[str, tuple[ForeignFile, ...]]:
    found = {
        name: foreign_files(run.intent.cluster_of(name), run.facts[name], plan.paths)
        for name, plan in run.plans.items()
    }
    return {name: files for name, files in found.items() if files}


def refuse_foreign_files(run: Run) -> None:
    """Fail the hosts where a file in use would be replaced that is foreign, or was written for another cluster.

    Arguments:
        run: has looked at its hosts
    """
    for name, files in _foreign(run).items():
        hint = (
            "To keep the present set-up, let `kube-ha adopt` write its inventory. Or move that elsewhere first. Then "
            f"replace it with {OPTION}: it is kept, and `kube-ha remove` puts it back"
        )
        if any(each.written_for for each in files):
            hint = f"Remove it first: kube-ha remove --limit {name}; or replace it with {OPTION}"
        run.fail(name, PreflightError(name, f"{'; '.join(map(str, files))}. {hint}. Nothing was changed"))


def replaced_files(run: Run) -> dict[str, tuple[str, ...]]:
    """Return the paths of foreign files in use that will be replaced, by host name.

    Arguments:
        run: has looked at its hosts
    """
    return {name: tuple(each.path for each in files if not each.written_for) for name, files in _foreign(run).items()}
