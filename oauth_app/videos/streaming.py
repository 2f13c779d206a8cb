"""Views that read the body of their request while it arrives. Who asks is checked before a byte of it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Request, current_app

View = TypeVar("View", bound=Callable[..., Any])


class AppRequest(Request):
    """A request whose body is left alone where the view reads it, and has a limit of its own there."""

    @property
    def want_form_data_parsed(self) -> bool:
        """Whether `form` and `files` are filled. Else they are empty, and `stream` is as it came."""
        return not is_streamed(self) and super().want_form_data_parsed

    @property  # type: ignore[misc]  # nobody sets it
    def max_content_length(self) -> int | None:  # type: ignore[override]
        """The longest body in bytes. None where the view reads it, which has to count."""
        return None if is_streamed(self) else super().max_content_length


def streamed(view: View) -> View:
    """Let a view read the body of its request while it arrives. Its address has no part that varies."""
    view.is_streamed = True  # type: ignore[attr-defined]
    return view


def is_streamed(request: Request) -> bool:
    """Return whether the view reads the body."""
    view = current_app.view_functions.get(request.endpoint or "") if current_app else None
    return getattr(view, "is_streamed", False)


def init_app(app: Flask, *, threads: int) -> None:
    """Tell the server which paths those are, and how many of their requests it may work on."""
    app.config["STREAMING_THREADS"] = threads
    app.config["STREAMED_PATHS"] = frozenset(
        rule.rule
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "is_streamed", False)
    )
