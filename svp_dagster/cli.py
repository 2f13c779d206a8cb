"""The command line.

Exit codes: 0 done; 1 something failed (the message says what); 2 the command was used wrongly; 3 `svp doctor` found
something wrong, `svp check` got another answer than expected, or `svp demo --once` saw a row end otherwise than it
should; 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from dotenv import load_dotenv
from pydantic import ValidationError

from svp_dagster.commands.programs.cli import code_server, daemon, prepare, run
from svp_dagster.errors import SvpError
from svp_dagster.models import ProcessingType
from svp_dagster.private_files import keep_files_private
from svp_dagster.settings import Settings

NOT_AS_IT_SHOULD = 3


class _Failed(click.ClickException):
    """Shows a failure as one sentence, without a stack trace."""


class _Svp(click.Group):
    """Turns known failures into sentences."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        from svp_dagster.commands.processes import StartFailed

        try:
            return super().invoke(ctx)
        except StartFailed as error:
            raise _Failed(str(error)) from error
        except SvpError as error:
            raise _Failed(f"{error.sentence} [{error.code}]") from error
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
            raise _Failed(f"A setting has no valid value: {wrong}") from error


@click.group(cls=_Svp, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Social Video Processor: a link in Notion becomes a page with what the video says and shows."""
    keep_files_private()
    # What is set already wins over the file.
    load_dotenv(Path(os.environ.get("SVP_ENV_FILE", ".env")))


for command in (prepare, code_server, daemon, run):
    main.add_command(command)


@main.command()
def up() -> None:
    """Start the app, Dagster's web server and its daemon; Ctrl-C stops them."""
    from svp_dagster.commands.up import run

    ended = run(Settings())
    if ended:
        raise _Failed(f"{ended} ended by itself, so everything was stopped.")


@main.command()
@click.option("-w", "--workspace", type=click.Path(exists=True, dir_okay=False), default="workspace.yaml")
def webserver(workspace: str) -> None:
    """Serve the Dagster UI alone, to its operator; `svp up` does it too."""
    from svp_dagster.commands.up import set_environment
    from svp_dagster.webserver.server import serve

    settings = Settings()
    set_environment(settings)
    serve(settings, workspace_file=workspace)


@main.command()
@click.option("--once", is_flag=True, help="Add the sample links, wait, print what became of them, and stop.")
def demo(once: bool) -> None:
    """The whole system against local stand-ins for Notion, TikTok and Instagram: no key, no account."""
    from svp_dagster.commands.demo import run, run_once

    ended = run_once() if once else run()
    if ended:
        click.echo(ended, err=True)
        sys.exit(NOT_AS_IT_SHOULD)


@main.command()
@click.argument("source", metavar="URL|FILE")
@click.option(
    "--schema", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Columns to fill (JSON)."
)
@click.option("--format", "form", type=click.Choice(["markdown", "json"]), default="markdown", show_default=True)
@click.option("--type", "kind", type=click.Choice([kind.value for kind in ProcessingType]), default="full")
def process(source: str, file: Path | None, form: str, kind: str) -> None:
    """Take one video through the stages, without Notion; the result goes to standard output."""
    from svp_dagster.commands.process import cost_words, process, read_schema
    from svp_dagster.library.markdown import as_markdown
    from svp_dagster.library.renderings import as_json

    schema, prompt = read_schema(file)
    result = process(source, settings=Settings(), schema=schema, prompt=prompt, processing_type=ProcessingType(kind))
    click.echo(as_json(result) if form == "json" else as_markdown(result, note=cost_words(result.paid_calls)))


@main.command()
@click.argument("page_ids", metavar="[PAGE_ID]...", nargs=-1)
@click.option("--all-failed", is_flag=True, help="Every row that failed for good.")
@click.option("--code", help="Only rows that failed with this code, such as site_changed.")
def retry(page_ids: tuple[str, ...], all_failed: bool, code: str | None) -> None:
    """Try rows again, one by one or all that failed; without rows, list those that failed."""
    from svp_dagster.commands.retry import failed_rows, retry

    failed = [] if page_ids else failed_rows(Settings(), code=code)
    if not page_ids and not all_failed:
        for entry in failed:
            click.echo(f"{entry.link.page_id}  {entry.failure_code:<20} {entry.link.url}")
        click.echo(f"{len(failed)} rows failed for good.", err=True)
        return
    refused = 0
    for outcome in retry(Settings(), page_ids or [entry.link.page_id for entry in failed]):
        click.echo(f"{outcome.page_id}  {outcome.problem or 'asked for again'}")
        refused += bool(outcome.problem)
    if refused:
        raise _Failed(f"{refused} rows could not be asked for again.")


@main.command()
@click.option("--tag", default="", help="Only pages of this tag.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only links saved on this day (UTC) or later.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Only links saved before this day (UTC).")
@click.option("--platform", default="", help="Only posts of this site, such as tiktok.")
@click.option("--engine", default="", help="Only pages for which this engine was used, such as gemini or whisper-1.")
@click.option("--schema-changed", is_flag=True, help="Only pages made for other columns or another prompt.")
@click.option("--connection", default="", metavar="ID", help="Only this connection's; else those of all.")
@click.option("--dry-run", is_flag=True, help="Say how many pages that are and what they will cost, and stop.")
@click.option("--yes", is_flag=True, help="Spend without asking.")
def redo(connection: str, dry_run: bool, yes: bool, **asked: Any) -> None:
    """Make pages again from what is kept: each pays for a new summary alone, and is updated in place."""
    from svp_dagster.commands.redo import plans, read_filter, redo

    settings, wanted = Settings(), read_filter(**asked)
    found = plans(settings, wanted, connection_id=connection)
    for each in found:
        click.echo(each.line)
    if dry_run or not found:
        click.echo(f"{sum(each.plan.rows for each in found)} pages can be made again.", err=True)
        return
    if not yes:
        click.confirm("Make them again?", abort=True, err=True)
    for line in redo(settings, wanted, connection_ids=[each.connection_id for each in found]):
        click.echo(line)


@main.command()
@click.argument("connection_ids", metavar="[CONNECTION_ID]...", nargs=-1)
@click.option("--undo", is_flag=True, help="Let them count as new again.")
def trust(connection_ids: tuple[str, ...], undo: bool) -> None:
    """Trust connections, so that the cap for new ones holds for them no more; without any, list all."""
    from svp_dagster.commands.trust import list_connections, trust

    if not connection_ids:
        for line in list_connections(Settings()):
            click.echo(line)
        return
    unknown = trust(Settings(), connection_ids, trusted=not undo)
    for connection_id in connection_ids:
        done = "counts as new again" if undo else "trusted"
        click.echo(f"{connection_id}  {'unknown here' if connection_id in unknown else done}")
    if unknown:
        raise _Failed(f"{len(unknown)} connections are unknown here.")


@main.command()
@click.argument("connection", default="")
def export(connection: str) -> None:
    """Print all that is held about a connection, as JSON; without one, list the connections."""
    from svp_dagster.commands.my_data import export

    if not connection:
        _list_connections()
        return
    _require_connection(connection)
    for piece in export(Settings(), connection):
        click.echo(piece, nl=False)


@main.command()
@click.argument("connection", default="")
@click.option("--yes", is_flag=True, help="Delete without asking.")
def forget(connection: str, yes: bool) -> None:
    """Delete all that is held about a connection, for good; without one, list the connections."""
    from svp_dagster.commands.my_data import forget

    if not connection:
        _list_connections()
        return
    click.echo(_require_connection(connection), err=True)
    if not yes:
        click.confirm("Delete all of it, for good?", abort=True, err=True)
    is_revoked = forget(connection)
    click.echo("Deleted. The daemon removes its runs and its media within a quarter of an hour.")
    if not is_revoked:
        click.echo("Notion could not be told yet; the daemon tries for a day to revoke the access.", err=True)


def _list_connections() -> None:
    from svp_dagster.commands.my_data import connections

    for held in connections(Settings()):
        click.echo(held.line)


def _require_connection(connection_id: str) -> str:
    """Return what is held about a connection, as a line."""
    from svp_dagster.commands.my_data import connection

    held = connection(Settings(), connection_id)
    if held is None:
        raise _Failed("There is no such connection. Without one, the command lists them.")
    return held.line


@main.command()
@click.option("--alert", is_flag=True, help="Send a test alert to SVP_ALERT_URLS as well.")
def doctor(alert: bool) -> None:
    """Check each setting, key, binary and service, and say what to do."""
    from svp_dagster.commands.doctor import examine

    marks = {"ok": click.style("ok     ", fg="green"), "missing": "missing", "wrong": click.style("WRONG  ", fg="red")}
    findings = examine(Settings(), test_alert=alert)
    for finding in findings:
        click.echo(f"{marks[finding.state]}  {finding.subject:<20} {finding.words}")
    if any(finding.state == "wrong" for finding in findings):
        sys.exit(NOT_AS_IT_SHOULD)


@main.command()
@click.option("--yes", is_flag=True, help="Spend without asking.")
@click.option("--connection", default="", metavar="ID", help="The connection to Notion; else the first.")
@click.option("--notion-parent", default="", metavar="PAGE_ID", help="Where a page is made and thrown away.")
@click.option("--tiktok", multiple=True, metavar="URL", help="A public post: short link, video or photos.")
@click.option("--instagram", multiple=True, metavar="URL", help="A public post: share link, reel or photos.")
def check(yes: bool, connection: str, notion_parent: str, tiktok: tuple[str, ...], instagram: tuple[str, ...]) -> None:
    """Ask each real service for the smallest thing that proves it; costs less than a cent."""
    from svp_dagster.commands.check import Asked, announcement, check, show

    settings = Settings()
    click.echo(announcement(settings), err=True)
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("Without a terminal to ask, this needs --yes.")
    if not yes:
        click.confirm("Go on?", abort=True, err=True)
    asked = Asked(connection_id=connection, notion_parent=notion_parent, tiktok=tiktok, instagram=instagram)
    report = check(settings, asked)
    show(report, settings)
    if not report.is_good:
        sys.exit(NOT_AS_IT_SHOULD)


@main.command()
def new_key() -> None:
    """Print a fresh key for SVP_ENCRYPTION_KEYS."""
    from svp_dagster.store.crypto import new_key

    click.echo(new_key())


@main.command()
def rotate_keys() -> None:
    """Encrypt everything that is encrypted with the first key of SVP_ENCRYPTION_KEYS."""
    from svp_dagster.store.store import open_store

    store = open_store(Settings())
    connections = store.connections.rotate_keys() + store.deletions.rotate_keys()
    secrets = store.webhook_tokens.rotate_keys()
    click.echo(f"{connections} connections and {secrets} secrets are encrypted with the first key.")
    click.echo("The other keys can be removed once every process was started again.")


@main.command()
def migrate() -> None:
    """Upgrade the tables of the database to this version."""
    from svp_dagster.store.engine import migrate
    from svp_dagster.store.store import open_store

    migrate(open_store(Settings()).engine)
    click.echo("The tables are up to date.")
