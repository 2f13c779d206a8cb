"""A server that answers each query of a data source with no row, after 100 ms, as a process of its own.

The sandbox's Notion takes more CPU for an answer than the sensor for its question, so it would be what is measured.
"""

from __future__ import annotations

import asyncio
import json
import sys

ANSWER_S = 0.1
_BODY = json.dumps(
    {"object": "list", "results": [], "next_cursor": None, "has_more": False, "type": "page_or_data_source"}
).encode()
_HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n".encode()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = next(
                (line.split(":")[1] for line in head.split("\r\n") if line.startswith("content-length:")), "0"
            )
            await reader.readexactly(int(length))
            await asyncio.sleep(ANSWER_S)
            writer.write(_HEAD + _BODY)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main(port: int) -> None:
    """Serve until the process is ended."""
    server = await asyncio.start_server(_serve, "127.0.0.1", port, backlog=1000)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
