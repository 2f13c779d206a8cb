"""Thirty pictures that mean harm: small files that claim, or need, far too much memory or time to be opened."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image, ImageDraw, ImageFont

SIDE_PX = 5_900
"""35 million pixels: just below the limit of what is opened."""

_GREY, _RGB, _PALETTE, _RGBA = 0, 2, 3, 6
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _RGBA: 4}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Left, top and the steps of each pass of an interlaced PNG."""
_STEP_BYTES = 4_000_000


def png(width: int, height: int, *, depth: int = 8, colour: int = _RGB, interlaced: bool = False) -> bytes:
    """Return a black PNG, which compresses a thousand times."""
    passes = _ADAM7 if interlaced else ((0, 0, 1, 1),)
    packer, packed = zlib.compressobj(9), b""
    for left, top, step_x, step_y in passes:
        columns, lines = -(-(width - left) // step_x), -(-(height - top) // step_y)
        size_bytes = lines * (1 + (columns * depth * _CHANNELS[colour] + 7) // 8)
        for at in range(0, size_bytes, _STEP_BYTES):
            packed += packer.compress(bytes(min(_STEP_BYTES, size_bytes - at)))
    palette = _chunk(b"PLTE", bytes(3)) if colour == _PALETTE else b""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced)
    return _png_of(header, palette + _chunk(b"IDAT", packed + packer.flush()))


def _png_of(header: bytes, chunks: bytes) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + chunks + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_with(kind: bytes, data: bytes) -> bytes:
    """Return a small PNG with one more chunk behind its header."""
    small, end = png(320, 320), 33
    return small[:end] + _chunk(kind, data) + small[end:]


def _inflating(size_bytes: int) -> bytes:
    packer = zlib.compressobj(9)
    steps = [packer.compress(bytes(_STEP_BYTES)) for _ in range(size_bytes // _STEP_BYTES)]
    return b"".join([*steps, packer.flush()])


def _claims_to_be_enormous() -> bytes:
    return _png_of(
        struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, _RGBA, 0, 0, 0), _chunk(b"IDAT", zlib.compress(b""))
    )


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Return a picture as a file."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def flat(width: int = SIDE_PX, height: int = SIDE_PX, mode: str = "RGB") -> Image.Image:
    """Return a picture of one colour."""
    return Image.new(mode, (width, height), 1)


def many_scans(side_px: int, *, scans: int) -> bytes:
    """Return a progressive JPEG that refines its picture over and over: each scan is a few bytes for all its blocks."""
    content = encoded(flat(side_px, side_px, "L"), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:last] + content[last:-2] * scans + content[-2:]


def _jpeg_with(*segments: bytes) -> bytes:
    """Return a small JPEG with more segments behind its first bytes."""
    small = encoded(flat(320, 320), "JPEG")
    return small[:2] + b"".join(segments) + small[2:]


def _segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def _frame_header(width: int, height: int) -> bytes:
    return _segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + bytes([1, 0x11, 0]))


def _exif_of_overlaps() -> bytes:
    """Return a JPEG whose EXIF has 60,000 entries, each with the same megabyte for its value."""
    entries = 60_000
    size_bytes = 1_000_000
    table = b"".join(struct.pack("<HHLL", 1 + number, 1, size_bytes - 8, 8) for number in range(entries))
    exif = (b"II*\0\x08\0\0\0" + struct.pack("<H", entries) + table).ljust(size_bytes, b"\0")
    parts = [exif[at : at + 65_000] for at in range(0, len(exif), 65_000)]
    return _jpeg_with(*(_segment(0xE1, b"Exif\0\0" + part) for part in parts))


def _webp_of_canvas(width: int, height: int) -> bytes:
    """Return an animated WebP that claims a canvas and has one small frame."""
    frames = [flat(32, 32), Image.new("RGB", (32, 32), "white")]
    content = bytearray(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:]))
    content[24:27], content[27:30] = (side.to_bytes(3, "little") for side in (width - 1, height - 1))
    return bytes(content)


def _many_frames(kind: str, count: int) -> bytes:
    frames = [Image.new("L", (48, 48), number % 256) for number in range(count)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=20)


def _letters(width: int, height: int, *, size_px: int) -> bytes:
    """Return a picture full of text, line by line from edge to edge."""
    page = Image.new("L", (width, height), 255)
    draw, font, dice = ImageDraw.Draw(page), ImageFont.load_default(size=size_px), random.Random(1)
    for top in range(0, height, size_px * 3 // 2):
        line = "".join(dice.choices("abcdefghijklmnopqrstuvwxyz     ", k=2 * width // size_px))
        draw.text((0, top), line, fill=0, font=font)
    return encoded(page, "PNG")


def _dots() -> bytes:
    """Return a picture of strokes as small as letters, more than are ever on a page."""
    page = Image.new("L", (1080, 1920), 255)
    draw = ImageDraw.Draw(page)
    for x in range(0, 1080, 24):
        for y in range(0, 1920, 30):
            draw.rectangle((x, y, x + 4, y + 14), fill=0)
    return encoded(page, "PNG")


PICTURES: dict[str, Callable[[], bytes]] = {
    "png_16000_px": lambda: png(16_000, 16_000, depth=1, colour=_GREY),
    "png_below_the_limit": lambda: png(SIDE_PX, SIDE_PX),
    "png_16_bit_with_alpha": lambda: png(SIDE_PX, SIDE_PX, depth=16, colour=_RGBA),
    "png_16_bit_grey": lambda: png(SIDE_PX, SIDE_PX, depth=16, colour=_GREY),
    "png_palette": lambda: png(SIDE_PX, SIDE_PX, colour=_PALETTE),
    "png_interlaced": lambda: png(SIDE_PX, SIDE_PX, interlaced=True),
    "png_line": lambda: png(49_000_000, 1),
    "png_column": lambda: png(1, 49_000_000),
    "png_strip": lambda: png(500_000, 60),
    "png_tall_strip": lambda: png(60, 250_000),
    "png_claim": _claims_to_be_enormous,
    "png_ztxt": lambda: _png_with(b"zTXt", b"k\0\0" + _inflating(400_000_000)),
    "png_iccp": lambda: _png_with(b"iCCP", b"k\0\0" + _inflating(400_000_000)),
    "png_cut_off": lambda: png(SIDE_PX, SIDE_PX)[:2_000],
    "png_3000_frames": lambda: _many_frames("PNG", 3_000),
    "png_page_of_text": lambda: _letters(1080, 1920, size_px=18),
    "png_wide_lines_of_text": lambda: _letters(5400, 1080, size_px=36),
    "png_of_dots": _dots,
    "jpeg_65500_px": lambda: _jpeg_with(_frame_header(65_500, 65_500)),
    "jpeg_below_the_limit": lambda: encoded(flat(), "JPEG", subsampling=0),
    "jpeg_progressive": lambda: encoded(flat(), "JPEG", subsampling=0, progressive=True),
    "jpeg_progressive_cmyk": lambda: encoded(flat(mode="CMYK"), "JPEG", progressive=True),
    "jpeg_3000_scans": lambda: many_scans(SIDE_PX, scans=3_000),
    "jpeg_strip": lambda: encoded(flat(65_000, 540), "JPEG"),
    "jpeg_two_sizes": lambda: _jpeg_with(_frame_header(16, 16), _frame_header(30_000, 30_000)),
    "jpeg_exif": _exif_of_overlaps,
    "webp_below_the_limit": lambda: encoded(flat(), "WEBP", lossless=True, method=0, quality=0),
    "webp_16383_px": lambda: encoded(flat(16_383, 4_000), "WEBP", lossless=True, method=0, quality=0),
    "webp_canvas": lambda: _webp_of_canvas(65_535, 65_535),
    "webp_3000_frames": lambda: _many_frames("WEBP", 3_000),
}
"""Each makes the bytes of one picture."""
