"""The kinds of block: what a request may hold of each, and how deep blocks may nest in one request."""

from functools import partial
from typing import Any

from sandbox.notion import checks
from sandbox.notion.checks import Check
from sandbox.notion.content import files, rich_text
from sandbox.notion.errors import failed
from sandbox.notion.state.store import Json

# Source: developers.notion.com/reference/patch-block-children: two levels of nesting in one request.
DEEPEST = 2
"""Levels of children below a block in one request."""
# Source: developers.notion.com/reference/request-limits: 1,000 block elements a request.
MOST_BLOCKS = 1_000
"""Blocks in one request, at all levels."""
TEXT_KINDS = (
    "paragraph", "bulleted_list_item", "numbered_list_item", "quote", "toggle", "to_do", "callout", "template",
    "heading_1", "heading_2", "heading_3", "code",
)  # fmt: skip
MEDIA_KINDS = ("image", "video", "pdf", "audio", "file")
# Source: Notion's OpenAPI description of 2026-03, languageRequest.
LANGUAGES = (
    "abap", "abc", "agda", "arduino", "ascii art", "assembly", "bash", "basic", "bnf", "c", "c#", "c++", "clojure",
    "coffeescript", "coq", "css", "dart", "dhall", "diff", "docker", "ebnf", "elixir", "elm", "erlang", "f#", "flow",
    "fortran", "gherkin", "glsl", "go", "graphql", "groovy", "haskell", "hcl", "html", "idris", "java", "javascript",
    "json", "julia", "kotlin", "latex", "less", "lisp", "livescript", "llvm ir", "lua", "makefile", "markdown",
    "markup", "matlab", "mathematica", "mermaid", "nix", "notion formula", "objective-c", "ocaml", "pascal", "perl",
    "php", "plain text", "powershell", "prolog", "protobuf", "purescript", "python", "r", "racket", "reason", "ruby",
    "rust", "sass", "scala", "scheme", "scss", "shell", "smalltalk", "solidity", "sql", "swift", "toml", "typescript",
    "vb.net", "verilog", "vhdl", "visual basic", "webassembly", "xml", "yaml", "java/c/c++/c#",
)  # fmt: skip

# Source: Notion's OpenAPI description of 2026-03, blockObjectRequest, and 1,860 recorded exchanges compared in November
# 2026.
_text: dict[str, Check] = {"rich_text": rich_text.rich_text}
_color: dict[str, Check] = {"color": checks.choice(*rich_text.COLORS)}
_caption: dict[str, Check] = {"caption": rich_text.rich_text}
_icon: dict[str, Check] = {"icon": files.icon}
_language: dict[str, Check] = {"language": checks.choice(*LANGUAGES)}
_checked: dict[str, Check] = {"checked": checks.boolean}
_toggleable: dict[str, Check] = {"is_toggleable": checks.boolean}
_cells: Check = checks.array(rich_text.rich_text)
_sources: dict[str, Check] = {"external": files.external, "file_upload": files.upload}
_name: dict[str, Check] = {"name": checks.text(shortest=1, longest=100)}
_link_to_page = checks.variant(dict.fromkeys(("page_id", "database_id", "comment_id"), checks.identifier))
_synced_from = checks.nullable(checks.variant({"block_id": checks.identifier}))
_extras_of: dict[str, dict[str, Check]] = dict.fromkeys(TEXT_KINDS, _color) | {
    "heading_1": _color | _toggleable,
    "heading_2": _color | _toggleable,
    "heading_3": _color | _toggleable,
    "to_do": _color | _checked,
    "callout": _color | _icon,
    "template": {},
    "code": _caption,
}
_childless = ("code",)
_with_url = checks.record({"url": files.url}, _caption)
_plain: dict[str, Check] = {
    "embed": _with_url,
    "bookmark": _with_url,
    "equation": checks.record({"expression": checks.text(longest=rich_text.LONGEST_EQUATION)}),
    "divider": checks.empty,
    "breadcrumb": checks.empty,
    "table_of_contents": checks.record(optional=_color),
    "link_to_page": _link_to_page,
    "table_row": checks.record({"cells": _cells}),
} | {kind: checks.variant(_sources, _caption | (_name if kind == "file" else {})) for kind in MEDIA_KINDS}


def block(value: Any, path: str, *, level: int = 0) -> None:
    """A block of a request, with its children where its `level` still allows any."""
    kinds = dict(_plain)
    nested: dict[str, Check] = {"children": checks.array(partial(block, level=level + 1))} if level < DEEPEST else {}
    for kind in TEXT_KINDS:
        needed = _text | _language if kind == "code" else _text
        kinds[kind] = checks.record(needed, _extras_of[kind] | ({} if kind in _childless else nested))
    kinds["synced_block"] = checks.record({"synced_from": _synced_from}, nested)
    if level < DEEPEST:
        kinds["table"] = _table
    if level == 0:
        # Source: developers.notion.com/reference/block, Column list and column: at least two columns.
        kinds["column_list"] = checks.record({"children": checks.array(partial(_column, level=1), shortest=2)})
        kinds["column"] = partial(_column_content, level=1)
    checks.variant(kinds, {"object": checks.choice("block")})(value, path)


def changed_content(kind: str) -> Check:
    """What an update may hold under the kind's name: all parts are optional, children are none of them."""
    if kind in TEXT_KINDS:
        return checks.record(optional=_text | _extras_of[kind] | (_language if kind == "code" else {}))
    if kind in MEDIA_KINDS:
        return checks.record(optional=_sources | _caption | (_name if kind == "file" else {}))
    if kind in ("embed", "bookmark"):
        return checks.record(optional={"url": files.url} | _caption)
    if kind == "table":
        return checks.record(optional={"has_column_header": checks.boolean, "has_row_header": checks.boolean})
    return _plain.get(kind, checks.empty)


def kind_of(value: Json) -> str:
    """The kind of a checked block."""
    return next(key for key in value if key not in ("type", "object"))


def count(blocks: list[Json]) -> int:
    """How many blocks these are, with all below them."""
    return sum(1 + count(entry[kind_of(entry)].get("children", [])) for entry in blocks)


def _table(value: Any, path: str) -> None:
    # Source: developers.notion.com/reference/block, Table: a table is made with its rows, each as wide as the table.
    row = checks.variant({"table_row": _plain["table_row"]}, {"object": checks.choice("block")})
    checks.record(
        {"table_width": checks.integer(least=1), "children": checks.array(row, shortest=1)},
        {"has_column_header": checks.boolean, "has_row_header": checks.boolean},
    )(value, path)
    for index, entry in enumerate(value["children"]):
        cells = entry["table_row"]["cells"]
        if len(cells) != value["table_width"]:
            where = f"{path}.children[{index}].table_row.cells.length"
            raise failed(where, f"`{value['table_width']}`, the table's width", len(cells))


def _column(value: Any, path: str, *, level: int) -> None:
    kinds: dict[str, Check] = {"column": partial(_column_content, level=level)}
    checks.variant(kinds, {"object": checks.choice("block")})(value, path)


def _column_content(value: Any, path: str, *, level: int) -> None:
    inner = checks.array(partial(block, level=level))
    checks.record({"children": inner}, {"width_ratio": checks.number})(value, path)
