"""Authenticated requests to the Kubernetes API, and the namespace that the client works in."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

from nornir_kube_ha.failover.probe.clock import Pulse, TimeLimit
from nornir_kube_ha.failover.probe.connection import Connection
from nornir_kube_ha.failover.probe.http import StatusError, bracketed, request_of, word_for
from nornir_kube_ha.failover.probe.settings import Config, Kubernetes
from nornir_kube_ha.failover.probe.tls import credential_context

OBJECTS = COUNTER, IDLE = "counter", "idle"
"""ConfigMaps: one that changes constantly, and one that changes only on `settle`."""

_LABEL = "app.kubernetes.io/managed-by"
_OURS = "nornir-kube-ha"
_MERGE = "application/merge-patch+json"
_RETRY = 0.1  # seconds between two tries
_ENDING = 60.0  # seconds for an earlier run's namespace to be deleted


class RefusedError(Exception):
    """The cluster refuses to let the client work."""


class Api:
    """Authenticated requests, each over a connection of its own.

    Arguments:
        config: where the apiservers are
        kubernetes: the `kubernetes` of `config`, with the credential
        pulse: measures the client's own lateness
    """

    def __init__(self, config: Config, kubernetes: Kubernetes, pulse: Pulse) -> None:
        """Make no request yet."""
        self.settings = kubernetes
        self._config, self._pulse = config, pulse
        self._context = credential_context(kubernetes)
        self._host = f"{bracketed(config.server_name)}:{config.port}"
        self._headers = {"User-Agent": _OURS, "Accept": "application/json"}
        if kubernetes.token:
            self._headers["Authorization"] = f"Bearer {kubernetes.token}"

    def connection(self) -> Connection:
        """Return a connection that is not open yet."""
        return Connection(self._config, self._context)

    def limit(self, connection: Connection) -> TimeLimit:
        """Return the time limit of a request that starts now.

        Arguments:
            connection: connection of the request
        """
        return TimeLimit(self._pulse, self.settings.patience, connection.expire)

    def request(self, method: str, path: str, body: object = None, *, kind: str = "application/json") -> bytes:
        """Return a request in wire format.

        Arguments:
            method: `GET`
            path: path with query
            body: value to send as JSON; None for no body
            kind: content type of the body
        """
        if body is None:
            return request_of(method, path, self._host, headers=self._headers)
        headers = {**self._headers, "Content-Type": kind}
        return request_of(method, path, self._host, headers=headers, body=json.dumps(body).encode())

    async def ask(self, request: bytes) -> dict[str, Any]:
        """Send a request over a connection of its own, and return the JSON object in the answer.

        Arguments:
            request: a request as returned by `request`

        Raises:
            StatusError: the status is not 200, 201 or 202
            TimeoutError: the answer takes longer than `patience`
            EOFError: the connection was closed
            ValueError: the answer is not HTTP
            OSError: an error of the kernel or of TLS
        """
        connection = self.connection()
        limit = self.limit(connection)
        abort = True
        try:
            answer = await connection.ask(request)
            said = _object(answer.body)
            abort = False
        finally:
            limit.cancel()
            connection.close(abort=abort)
        if answer.status not in (200, 201, 202):
            raise StatusError(answer.status, str(said.get("message", "")))
        return said

    def path(self, name: str = "") -> str:
        """Return the path of one of our objects, or of all of them.

        Arguments:
            name: name of a ConfigMap
        """
        return f"/api/v1/namespaces/{self.settings.namespace}/configmaps{f'/{name}' if name else ''}"

    def patch(self, name: str, data: dict[str, str]) -> bytes:
        """Return a request that changes one of our objects; the apiserver gives it up when the client does.

        Arguments:
            name: name of the ConfigMap
            data: the keys to change
        """
        seconds = max(1, int(self.settings.patience))
        return self.request("PATCH", f"{self.path(name)}?timeout={seconds}s", {"data": data}, kind=_MERGE)


def _object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in an answer; empty for anything else, such as a load balancer's error page."""
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _is_ours(found: dict[str, Any]) -> bool:
    """Return whether a namespace has our label."""
    return bool(found.get("metadata", {}).get("labels", {}).get(_LABEL) == _OURS)


class Workplace:
    """The namespace that the client works in, and its objects.

    Arguments:
        api: API with a credential that may create namespaces
    """

    def __init__(self, api: Api) -> None:
        """Create nothing yet."""
        self.versions: dict[str, int] = {}
        """resourceVersion of each object at its creation."""
        self._api = api
        self._name = api.settings.namespace
        self._path = f"/api/v1/namespaces/{self._name}"
        self._foreign = f"namespace {self._name} exists without the label {_LABEL}: {_OURS}; rename or delete it"
        self._began = False

    async def create(self) -> None:
        """Create the namespace and the objects.

        Raises:
            RefusedError: the credential is rejected or lacks permissions, or the namespace is not ours
        """
        if missing := [words async for words in self._missing_rights()]:
            raise RefusedError(f"the credential may not {', '.join(missing)}")
        await self._clear()
        self._began = True  # from here on `remove` may have work to do
        metadata = {"name": self._name, "labels": {_LABEL: _OURS}}
        made = await self._must("POST", "/api/v1/namespaces", {"metadata": metadata}, made=self._path)
        if not _is_ours(made):
            raise RefusedError(self._foreign)
        for name in OBJECTS:
            body = {"metadata": {"name": name}, "data": {}}
            made = await self._must("POST", self._api.path(), body, made=self._api.path(name))
            self.versions[name] = int(made["metadata"]["resourceVersion"])

    async def remove(self) -> str:
        """Delete the namespace; return why not, "" on success."""
        if not self._began:
            return ""
        try:
            if _is_ours(await self._must("GET", self._path, absent=True)):
                await self._must("DELETE", self._path, absent=True)
        except RefusedError as error:
            return f"namespace {self._name} was not deleted: {error}"
        return ""

    async def _missing_rights(self) -> AsyncIterator[str]:
        for verb, resource, name in (
            ("create", "namespaces", ""),
            ("get", "namespaces", self._name),
            ("delete", "namespaces", self._name),
            ("create", "configmaps", ""),
            *((verb, "configmaps", name) for verb in ("get", "list", "patch", "watch") for name in OBJECTS),
        ):
            attributes = {"namespace": self._name, "verb": verb, "resource": resource, "name": name}
            review = {"spec": {"resourceAttributes": attributes}}
            said = await self._must("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
            if not said.get("status", {}).get("allowed"):
                yield f"{verb} {resource}{f' {name}' if name else ''}"

    async def _clear(self) -> None:
        """Delete the namespace of an earlier run, if it has our label."""
        deadline = time.monotonic() + _ENDING
        while time.monotonic() < deadline:
            found = await self._must("GET", self._path, absent=True)
            if not found:
                return
            if not _is_ours(found):
                raise RefusedError(self._foreign)
            if "deletionTimestamp" not in found["metadata"]:
                await self._must("DELETE", self._path, absent=True)
            await asyncio.sleep(_RETRY)
        raise RefusedError(
            f"namespace {self._name} of an earlier run is still being deleted after {_ENDING:.0f} s; see "
            f"`conditions` in `kubectl get namespace {self._name} -o yaml` for the reason"
        )

    async def _must(
        self, method: str, path: str, body: object = None, *, absent: bool = False, made: str = ""
    ) -> dict[str, Any]:
        """Repeat a request until it is answered, for up to `patience` seconds.

        A missing object is allowed with `absent`. A request whose answer was lost is sent again; its object then
        exists, and is read from `made`.
        """
        request = self._api.request(method, path, body)
        deadline = time.monotonic() + self._api.settings.patience
        while True:
            try:
                return await self._api.ask(request)
            except StatusError as error:
                if error.status == 404 and absent:
                    return {}
                if error.status == 409 and made:
                    return await self._must("GET", made)
                if error.status in (401, 403) or time.monotonic() > deadline:
                    raise RefusedError(f"{method} {path}: HTTP {error.status} {error}".strip()) from error
            except Exception as error:  # any error may be transient
                if isinstance(error, ssl.SSLCertVerificationError) or time.monotonic() > deadline:
                    raise RefusedError(f"{method} {path}: {word_for(error)}") from error
            await asyncio.sleep(_RETRY)
