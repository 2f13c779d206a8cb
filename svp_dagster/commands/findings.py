"""What `svp doctor` reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "missing", "wrong"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of the report. `missing` is something optional that isn't there; `wrong` has to be fixed."""

    subject: str
    state: State
    words: str
