"""How long clients may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Deadlines:
    """The longest times in seconds.

    `head_s` is for a request's line and headers, from the connection or the first byte on; `body_s` for its body;
    `piece_s` for a piece of an answer (`answers.PIECE_BYTES`) to be taken. All count from a start to an end, so that
    a byte now and then doesn't extend them. `progress_s` is for each `streamed.PROGRESS_BYTES` of a body that the app
    reads while it arrives, and `linger_s` for the rest of one that was refused before its end.
    """

    head_s: float = 10
    body_s: float = 30
    piece_s: float = 30
    progress_s: float = 30
    linger_s: float = 5
