"""Secrets from files, as Docker, Kubernetes and Secret Manager mount them.

`X_FILE` names the file that holds what `X` would.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args

from pydantic import AliasChoices, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from svp_dagster.errors import Code, failure

SUFFIX = "_FILE"


class SecretFiles(PydanticBaseSettingsSource):
    """The source of settings that reads these files. White space around a secret is no part of it.

    Raises `misconfigured` where a secret is given twice, and for a file that can't be read or is empty.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return a field's value, the key under which the model takes it, and that it isn't JSON."""
        names = variables(self.settings_cls, field_name)
        key = names[0] if field.validation_alias else field_name
        given = [name for name in names if os.environ.get(f"{name}{SUFFIX}")]
        return (_read(given[0], names) if given else None), key, False

    def __call__(self) -> dict[str, Any]:
        """Return the secrets that files hold."""
        found = [
            self.get_field_value(field, name)
            for name, field in self.settings_cls.model_fields.items()
            if is_secret(field)
        ]
        return {key: value for value, key, _ in found if value is not None}


def is_secret(field: FieldInfo) -> bool:
    """Return whether a setting may be read from a file. One that no repr shows holds a secret too."""
    return SecretStr in (field.annotation, *get_args(field.annotation)) or not field.repr


def variables(settings: type[BaseSettings], field_name: str) -> list[str]:
    """Return the environment variables that a setting is read from, the first one first."""
    alias = settings.model_fields[field_name].validation_alias
    if isinstance(alias, AliasChoices):
        return [str(choice) for choice in alias.choices]
    prefix: str = settings.model_config.get("env_prefix", "")
    return [str(alias)] if alias else [f"{prefix}{field_name}".upper()]


def _read(name: str, names: list[str]) -> str:
    twice = next((other for other in names if os.environ.get(other)), None)
    if twice:
        raise failure(Code.MISCONFIGURED, reason=f"{twice} and {name}{SUFFIX} are both set; keep one of them")
    path = Path(os.environ[f"{name}{SUFFIX}"])
    try:
        secret = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        # `from None`: a UnicodeDecodeError quotes what it could not read.
        reason = f"the file that {name}{SUFFIX} names can't be read ({type(error).__name__})"
        raise failure(Code.MISCONFIGURED, reason=reason, detail=str(path)) from None
    if not secret:
        raise failure(Code.MISCONFIGURED, reason=f"the file that {name}{SUFFIX} names is empty", detail=str(path))
    return secret
