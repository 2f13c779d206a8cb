"""The options of select, multi-select and status columns."""

from sandbox.notion import checks
from sandbox.notion.checks import Check
from sandbox.notion.content.rich_text import PLAIN_COLORS
from sandbox.notion.errors import failed, validation
from sandbox.notion.state.session import new_id
from sandbox.notion.state.store import Json

LONGEST_OPTION_NAME = 100
WITH_OPTIONS = ("select", "multi_select", "status")

_option_name, _option_id = checks.text(shortest=1, longest=2_000), checks.text(shortest=1, longest=100)
_option_extras: dict[str, Check] = {
    "name": _option_name,
    "id": _option_id,
    "color": checks.choice(*PLAIN_COLORS),
    "description": checks.nullable(checks.text(shortest=1, longest=2_000)),
}
option: Check = checks.either(
    checks.record({"id": _option_id}, _option_extras), checks.record({"name": _option_name}, _option_extras)
)
"""An option by name or id, in a column's configuration and in a cell alike."""


def option_named(column: Json, name: str) -> Json | None:
    """The option of this name."""
    return next((known for known in of(column) if known["name"] == name), None)


def of(column: Json) -> list[Json]:
    """The options of a select, multi-select or status column."""
    known: list[Json] = column[column["type"]]["options"]
    return known


def add_option(column: Json, name: str, *, color: str | None = None, description: str | None = None) -> Json:
    """A new option, at the end, in a colour of its own unless one is asked for; its `id` is new."""
    if "," in name:
        raise validation(f"Invalid select option, commas not allowed: {name}")
    if checks.length_of(name) > LONGEST_OPTION_NAME:
        raise failed("body.select.name.length", f"≤ `{LONGEST_OPTION_NAME}`", checks.length_of(name))
    known = of(column)
    # Assumed: a new option takes the next colour. If wrong: nothing that people see. Check: none.
    made_option = {
        "id": new_id(),
        "name": name,
        "color": color or PLAIN_COLORS[len(known) % len(PLAIN_COLORS)],
        "description": description,
    }
    known.append(made_option)
    return made_option


def set_status_options(column: Json, names: list[str]) -> None:
    """Gives a status column these options, which only a person can do in Notion itself: the API has no way."""
    old = {known["name"]: known for known in of(column)}
    column["status"] = {"options": [], "groups": []}
    for name in names:
        if name in old:
            column["status"]["options"].append(old[name])
        else:
            add_option(column, name)
    known = of(column)
    parts = {"To-do": known[:1], "In progress": known[1:-1], "Complete": known[1:][-1:]}
    column["status"]["groups"] = [
        {"id": new_id(), "name": name, "color": color, "option_ids": [member["id"] for member in parts[name]]}
        for name, color in (("To-do", "gray"), ("In progress", "blue"), ("Complete", "green"))
    ]


def set_options(column: Json, before: list[Json], requested: list[Json]) -> None:
    """Gives a select or multi-select column the options of a schema request; those of `before` keep their ids."""
    for wanted in requested:
        old = next((o for o in before if wanted.get("id", o["id"]) == o["id"] and _is_named(wanted, o)), None)
        name = wanted.get("name", old["name"] if old else None)
        if name is None:
            raise validation(f"Could not find select option with id: {wanted['id']}")
        if option_named(column, name) is not None:
            raise validation(f"Select option names must be unique, but {name} is there twice.")
        if old is None:
            add_option(column, name, color=wanted.get("color"), description=wanted.get("description"))
            continue
        # Source: developers.notion.com/reference/update-property-schema-object: the colour of an option stays.
        if wanted.get("color", old["color"]) != old["color"]:
            raise validation(f"Cannot update color of select with name: {old['name']}.")
        of(column).append(old | {"name": name, "description": wanted.get("description", old["description"])})


def _is_named(wanted: Json, known: Json) -> bool:
    return "id" in wanted or bool(wanted["name"] == known["name"])
