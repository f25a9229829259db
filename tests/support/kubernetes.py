"""As much of the Kubernetes API as the probe client uses, on the loopback, with defects that can be switched on."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.apiserver import OK, Apiserver

from nornir_kube_ha.failover.probe.settings import Config, Kubernetes

NAMESPACE = "kube-ha-probe"
TOKEN = "a-token-of-the-tests"
Tree = dict[str, Any]


def kubeconfig(name: str, user: Tree, ca: str = "a CA") -> str:
    """A kubeconfig with one context.

    Arguments:
        name: of the context, the cluster and the user
        user: the credential, as a kubeconfig has it
        ca: what verifies the server
    """
    authority = {"certificate-authority-data": base64.b64encode(ca.encode()).decode()} if ca else {}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": {"server": "https://192.0.2.10:8443", **authority}}],
            "users": [{"name": name, "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


class FakeKubernetes(Apiserver):
    """Namespaces, ConfigMaps and watches.

    Arguments:
        folder: where its CA and certificate are made
    """

    def __init__(self, folder: Path) -> None:
        self.objects: dict[str, Tree] = {}
        """By path: what is there now."""
        self.version = 100
        self.forbidden: set[str] = set()
        """`patch configmaps`: what a client may not do."""
        self.loses: set[int] = set()
        """Numbers of writes that are acknowledged and not kept."""
        self.skips: set[int] = set()
        """Numbers of writes that no watch hears of."""
        self.fails: set[str] = set()
        """Methods that are answered with 503."""
        self.hangs: set[str] = set()
        """Methods that get no answer until they are taken out."""
        self.swallows = 0
        """How many requests that create something get no answer, though it is created."""
        self.finishes = False
        """A watch ends as an apiserver ends one, with its next event."""
        self.is_mute = False
        """Watches stay open, and hear nothing."""
        self.oldest = 0
        """Versions before this one are not remembered."""
        self._events: list[tuple[int, str, Tree]] = []
        self._news = asyncio.Condition()
        super().__init__(folder)

    def credential(self, **settings: Any) -> Config:  # noqa: ANN401 - the fields of Kubernetes
        """What a client with a token asks of it."""
        return self.config(kubernetes=Kubernetes(self.ca, TOKEN)._replace(**settings), timeout=5.0)

    @property
    def data(self) -> dict[str, str]:
        """Of the object that changes."""
        found: dict[str, str] = self.objects[f"/api/v1/namespaces/{NAMESPACE}/configmaps/counter"]["data"]
        return found

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        start, *lines = head.split("\r\n")
        method, url, _ = start.split()
        headers = dict(line.split(": ", 1) for line in lines if line)
        body = json.loads(await reader.readexactly(int(headers.get("Content-Length", 0))) or b"null")
        path, _, query = url.partition("?")
        if path == "/readyz":
            writer.write(OK)
            return True
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return _say(writer, 401, {"message": "Unauthorized"})
        if method in self.fails and "resourceVersion=0" not in query:
            return _say(writer, 503, {"message": "etcd has no leader"})
        while method in self.hangs:  # noqa: ASYNC110 - a test changes it from its own thread
            await asyncio.sleep(0.02)
        if "watch=1" in query:
            settings = dict(each.split("=", 1) for each in query.split("&"))
            name = settings["fieldSelector"].partition("%3D")[2]
            await self._watch(writer, f"{path}/{name}", int(settings["resourceVersion"]))
            return False
        return await self._serve_object(writer, method, path, body)

    async def _serve_object(self, writer: asyncio.StreamWriter, method: str, path: str, body: Tree) -> bool:
        status, content = 200, {}
        if path.endswith("/configmaps") and method == "GET":
            content = {"metadata": {"resourceVersion": str(self.version)}, "items": []}
        elif path.endswith("selfsubjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            content = {"status": {"allowed": f"{asked['verb']} {asked['resource']}" not in self.forbidden}}
        elif method == "POST" and (made := f"{path}/{body['metadata']['name']}") in self.objects:
            status, content = 409, {"message": f"{made} exists"}
        elif method == "POST":
            status, content = 201, await self._keep(made, body)
            self.swallows -= 1
            if self.swallows >= 0:
                return False
        elif path not in self.objects:
            status, content = 404, {"message": f"{path} not found"}
        elif method == "DELETE":
            self.objects = {name: each for name, each in self.objects.items() if not name.startswith(path)}
        elif method == "PATCH":
            content = await self._patch(path, body["data"])
        else:
            content = self.objects[path]
        return _say(writer, status, content)

    async def _keep(self, path: str, content: Tree, *, tell: bool = False) -> Tree:
        async with self._news:
            self.version += 1
            content["metadata"]["resourceVersion"] = str(self.version)
            self.objects[path] = content
            if tell:
                self._events.append((self.version, path, json.loads(json.dumps(content))))
            self._news.notify_all()
        return content

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _break(self) -> None:
        await super()._break()
        await self._tell()

    async def _patch(self, path: str, data: dict[str, str]) -> Tree:
        was = self.objects[path]
        number = int(data["last"])
        content = {"metadata": dict(was["metadata"]), "data": {**was["data"], **data}}
        kept = await self._keep(path, content, tell=number not in self.skips)
        if number in self.loses:
            self.objects[path] = {**kept, "data": was["data"]}
        return kept

    async def _watch(self, writer: asyncio.StreamWriter, path: str, version: int) -> None:
        if version < self.oldest:
            _say(writer, 410, {"message": "too old resource version"})
            return
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        self._loop.call_soon(self._loop.create_task, self._tell())  # what has happened since
        while not writer.is_closing():
            async with self._news:
                await self._news.wait()
            for number, content in [] if self.is_mute else [*self._after(path, version)]:
                event = json.dumps({"type": "MODIFIED", "object": content}).encode() + b"\n"
                writer.write(b"%x\r\n%s\r\n" % (len(event), event))
                version = number
                if self.finishes:
                    writer.write(b"0\r\n\r\n")
                    return
            await writer.drain()

    def _after(self, path: str, version: int) -> Iterator[tuple[int, Tree]]:
        return ((number, content) for number, name, content in self._events if name == path and number > version)


def _say(writer: asyncio.StreamWriter, status: int, content: Tree) -> bool:
    body = json.dumps(content).encode()
    writer.write(b"HTTP/1.1 %d x\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))
    return True
