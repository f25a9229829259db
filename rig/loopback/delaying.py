"""A TCP proxy whose every byte arrives later, in either direction: a long way to a host.

`python -m rig.loopback.delaying SECONDS ADDRESS...` listens on a port of 127.0.0.1 for each ADDRESS (ADDRESS:PORT if
that is not SSH's), prints these ports as one JSON list, and ends with its standard input.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence

SSH = 22


async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seconds: float) -> None:
    """Pass on what comes, so much later; what is on its way does not wait for what was sent before it."""
    clock = asyncio.get_running_loop().time
    queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        data = b"-"
        while data:
            data = await reader.read(65536)
            queue.put_nowait((clock() + seconds, data))

    reading = asyncio.create_task(read())
    try:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(due - clock())
            if not data:
                break
            writer.write(data)
            await writer.drain()
    finally:
        reading.cancel()
        writer.close()


async def serve(seconds: float, addresses: Sequence[str]) -> None:
    async def listen(address: str) -> asyncio.Server:
        host, _, port = address.partition(":")

        async def accept(near_in: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, asyncio.CancelledError):  # either end has gone, or all of it ends
                await asyncio.sleep(seconds)  # the first packet's way there
                far_in, far_out = await asyncio.open_connection(host, int(port or SSH))
                await asyncio.gather(forward(near_in, far_out, seconds), forward(far_in, near_out, seconds))

        return await asyncio.start_server(accept, "127.0.0.1", 0)

    servers = [await listen(address) for address in addresses]
    sys.stdout.write(f"{json.dumps([server.sockets[0].getsockname()[1] for server in servers])}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1]), sys.argv[2:]))
