"""Imports that wait until somebody needs them: `--help`, and whoever imports one name of ours, pay for no more."""

import gc
import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

_LOADING = threading.Lock()


def later(path: str) -> Callable[..., Any]:
    """A function whose module is imported when it is called.

    Arguments:
        path: `module:function`
    """

    def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes and returns
        return _named(path)(*arguments, **named)

    return call


def exports(module: str, paths: Mapping[str, str]) -> Callable[[str], Any]:
    """A module's `__getattr__` (PEP 562), for names that it exports from elsewhere.

    Arguments:
        module: its `__name__`
        paths: `module:name` of each exported name
    """

    def find(name: str) -> Any:  # noqa: ANN401 - whatever has that name
        if name not in paths:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = _named(paths[name])
        setattr(sys.modules[module], name, value)  # from now on the module has it
        return value

    return find


def postpone(name: str) -> None:
    """Have a module of somebody else's read only when something in it is used, if ever.

    For a process of our own: others may look at a module in ways that a stand-in does not answer as it would.
    `importlib.util.LazyLoader` does not do: the import statement itself looks at a module that is there.

    Arguments:
        name: of the module; left alone if it is there already
    """
    stand_in = ModuleType(name)
    stand_in.__spec__ = importlib.util.find_spec(name) if name not in sys.modules else None

    def find(attribute: str) -> Any:  # noqa: ANN401 - whatever has that name
        if attribute.startswith("__") and attribute != "__path__":  # who looks over all modules there are uses none
            raise AttributeError(attribute)
        with _LOADING:
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]
        return getattr(importlib.import_module(name), attribute)

    stand_in.__getattr__ = find  # type: ignore[method-assign] # PEP 562
    sys.modules.setdefault(name, stand_in)


def _named(path: str) -> Any:  # noqa: ANN401 - whatever it is
    module, _, name = path.partition(":")
    collects = gc.isenabled()
    gc.disable()  # nothing that is imported is garbage, and looking for it takes a tenth of the time
    try:
        return getattr(importlib.import_module(module), name)
    finally:
        if collects:
            gc.enable()
