"""Parts of all connections, each of which one sensor polls."""

from __future__ import annotations

from sqlalchemy import ColumnElement, func, true
from sqlalchemy.orm import InstrumentedAttribute

from svp_dagster.models import Value

DIGITS = "0123456789abcdef"
"""With one of these a connection's id begins. It is random (`uuid4`), so each begins as many ids as any other."""


class Part(Value):
    """The connections of one of several sensors, from 0 on. A connection is in exactly one part.

    It is chosen by the first digit of the connection's id, so the parts are of equal size where `total` is 1, 2, 4, 8
    or 16.
    """

    number: int = 0
    total: int = 1

    def has(self, connection_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
        """Return the condition for the connections of this part. The first part has whatever no other has."""
        if self.total == 1:
            return true()
        digit = func.substr(connection_id, 1, 1)
        if self.number == 0:
            return digit.not_in([each for at, each in enumerate(DIGITS) if at % self.total])
        return digit.in_([*DIGITS[self.number :: self.total]])


ALL = Part()
"""All connections."""
