"""A mail server that speaks first: enough of SMTP (RFC 5321) for a greeting, a name and a farewell."""

from __future__ import annotations

import asyncio
import contextlib
import sys

ANSWERS = {b"EHLO": b"250 mail.example\r\n", b"HELO": b"250 mail.example\r\n", b"QUIT": b"221 bye\r\n"}


async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One client."""
    with contextlib.suppress(OSError, ValueError):  # it resets, or never ends its line
        writer.write(b"220 mail.example ESMTP\r\n")
        while line := await reader.readline():
            word = line[:4].upper()
            writer.write(ANSWERS.get(word, b"500 not understood\r\n"))
            await writer.drain()
            if word == b"QUIT":
                break
    writer.close()


async def serve(host: str, port: int) -> None:
    """Until killed."""
    server = await asyncio.start_server(greet, host, port)
    await server.serve_forever()


asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
