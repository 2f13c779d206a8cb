"""Answers that unpack to far more than is sent, or that never end."""

import time
import zlib
from collections.abc import Iterator
from functools import cache
from typing import Literal

from flask import Response

Bomb = Literal["gzip", "deflate", "br", "zstd", "gzip, gzip", "endless", "dripping"]

INFLATED_BYTES = 200_000_000
"""What each of the packed ones unpacks to."""

_BLOCK_BYTES = 1_000_000
_DRIP_S = 0.05


def answer(bomb: Bomb) -> Response:
    """A 200 that says it is JSON."""
    if bomb == "endless":
        return Response(_blanks(), mimetype="application/json")
    if bomb == "dripping":
        return Response(_drops(), mimetype="application/json")
    return Response(_packed(bomb), mimetype="application/json", headers={"Content-Encoding": bomb})


@cache
def _packed(bomb: Bomb) -> bytes:
    blanks = b" " * _BLOCK_BYTES
    if bomb == "zstd":
        return _zstd()
    if bomb == "br":
        import brotli  # type: ignore[import-untyped]

        packer = brotli.Compressor(quality=5)
        parts = [packer.process(blanks) for _ in range(INFLATED_BYTES // _BLOCK_BYTES)]
        return b"".join([*parts, packer.finish()])
    once = _deflated(iter([blanks] * (INFLATED_BYTES // _BLOCK_BYTES)), zlib.MAX_WBITS + 16 * ("gzip" in bomb))
    return _deflated(iter([once]), zlib.MAX_WBITS + 16) if bomb == "gzip, gzip" else once


def _deflated(blocks: Iterator[bytes], window_bits: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    return b"".join([*map(packer.compress, blocks), packer.flush()])


def _zstd() -> bytes:
    # Source: RFC 8878, section 3.1.1: a frame without its size, of blocks that each say one byte 128 KiB times.
    window = bytes([0x70])  # 2 ** (10 + 14) bytes
    size = 128 * 1024
    block = (size << 3 | 1 << 1).to_bytes(3, "little") + b" "
    last = (size << 3 | 1 << 1 | 1).to_bytes(3, "little") + b" "
    return bytes.fromhex("28b52ffd") + b"\x00" + window + block * (INFLATED_BYTES // size) + last


def _blanks() -> Iterator[bytes]:
    while True:
        yield b" " * _BLOCK_BYTES


def _drops() -> Iterator[bytes]:
    while True:
        time.sleep(_DRIP_S)
        yield b" "
