"""The base of engines, clients and rules: what is configured once by the settings of its process."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Component(BaseModel):
    """A part of the installation. Its fields are its configuration: checked, and never changed.

    A secret is a `SecretStr`, and an error about a field doesn't quote what was given.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
