import builtins
import inspect
import re

import pytest

from nornir_kube_ha import errors
from nornir_kube_ha.errors import HostError, InventoryError, KubeHaError, Problem
from nornir_kube_ha.lab import errors as lab_errors
from nornir_kube_ha.lab.errors import LabError

LINE = re.compile(
    r"^ {4}(?P<branches>[│├└─ ]*)(?P<name>\w+)\s+(?P<code>\d)\s+(?:(?P<builtin>[A-Z]\w+): )?\S", re.MULTILINE
)


def drawn() -> dict[str, tuple[str, int, str | None]]:
    """Parent, exit code and built-in of each error in the docstring's picture."""
    above: list[str] = []
    tree = {}
    for match in LINE.finditer(inspect.getdoc(errors) or ""):
        depth = len(match["branches"]) // 4
        del above[depth:]
        tree[match["name"]] = (above[-1] if above else "Exception", int(match["code"]), match["builtin"])
        above.append(match["name"])
    return tree


def real() -> dict[str, tuple[str, int, str | None]]:
    """The same of the classes."""
    values: list[object] = [*vars(errors).values(), LabError]
    classes = [value for value in values if isinstance(value, type) and issubclass(value, KubeHaError)]
    return {
        cls.__name__: (
            cls.__bases__[0].__name__,
            cls.exit_code,
            cls.__bases__[1].__name__ if cls.__bases__[1:] else None,
        )
        for cls in classes
    }


def test_picture_in_the_docstring_is_the_tree() -> None:
    assert drawn() == real()


@pytest.mark.parametrize(
    "leaf",
    [
        cls
        for module in (errors, lab_errors)
        for cls in vars(module).values()
        if isinstance(cls, type) and issubclass(cls, KubeHaError) and cls not in {KubeHaError, HostError}
    ],
)
def test_each_error_is_the_built_in_that_a_caller_would_catch(leaf: type[KubeHaError]) -> None:
    caught = {base.__name__ for base in leaf.__mro__ if base.__module__ == "builtins"} - {"Exception", "OSError"}
    assert caught & {name for name in vars(builtins) if name.endswith("Error")}


def test_error_on_a_host_names_it() -> None:
    error = errors.RemoteTimeoutError("lb-1", "the script did not end within 60 s")
    assert (str(error), error.host, error.message) == (
        "lb-1: the script did not end within 60 s",
        "lb-1",
        "the script did not end within 60 s",
    )


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("lb-1", "vip", "is missing"), "lb-1: vip: is missing"),
        (Problem("", "role", "needs exactly one master"), "role: needs exactly one master"),
        (Problem("", "", "no host"), "no host"),
    ],
)
def test_problem_is_one_line_without_empty_parts(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_inventory_error_says_every_problem() -> None:
    error = InventoryError([Problem("lb-1", "vip", "is missing"), Problem("lb-2", "role", "is missing")])
    assert str(error) == "lb-1: vip: is missing\nlb-2: role: is missing"
