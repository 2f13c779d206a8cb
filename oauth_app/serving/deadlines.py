"""How long clients may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """The longest times in seconds.

    `head_s` is for a request's line and headers, from the connection or the first byte on; `body_s` for its body;
    `piece_s` for a piece of an answer (`buffered.PIECE_BYTES`) to be taken. All count from a start to an end, so that
    a byte now and then doesn't extend them.
    """

    head_s: float = 10
    body_s: float = 30
    piece_s: float = 30
