"""Deferred imports, so that `--help` and imports of a single name stay fast."""

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
    """Return a function that imports its implementation on the first call.

    Arguments:
        path: `module:function`
    """

    def call(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever the function takes and returns
        return _named(path)(*arguments, **named)

    return call


def exports(module: str, paths: Mapping[str, str]) -> Callable[[str], Any]:
    """Return a module-level `__getattr__` (PEP 562) that imports exported names on first access.

    Arguments:
        module: the exporting module's `__name__`
        paths: `module:name` of each exported name
    """

    def find(name: str) -> Any:  # noqa: ANN401 - whatever has that name
        if name not in paths:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        value = _named(paths[name])
        setattr(sys.modules[module], name, value)  # __getattr__ is not called for this name again
        return value

    return find


def postpone(name: str) -> None:
    """Put a stand-in for a third-party module into `sys.modules`; it imports the real one on first attribute access.

    Only for kube-ha's own process, since other programs may inspect modules in ways that the stand-in does not support.
    `importlib.util.LazyLoader` does not work here: the import statement reads attributes, which loads the module.

    Arguments:
        name: of the module; nothing is done if it is imported already
    """
    stand_in = ModuleType(name)
    stand_in.__spec__ = importlib.util.find_spec(name) if name not in sys.modules else None

    def find(attribute: str) -> Any:  # noqa: ANN401 - whatever has that name
        if attribute.startswith("__") and attribute != "__path__":  # a scan of sys.modules must not load the module
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
    gc.disable()  # collections take a tenth of the import time and find nothing
    try:
        return getattr(importlib.import_module(module), name)
    finally:
        if collects:
            gc.enable()
