"""The commands `prepare`, `code-server`, `daemon` and `run`, which `svp_dagster/cli.py` adds to `svp`."""

from __future__ import annotations

import click

from svp_dagster.settings import Settings


@click.command()
def prepare() -> None:
    """Create the folders, keys and tables that a start needs; `svp up` does it too."""
    from svp_dagster.commands.up import prepare

    prepare(Settings())
    click.echo("Everything is ready for a start.")


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=4000, show_default=True)
def code_server(host: str, port: int) -> None:
    """Serve the code location to Dagster's other programs."""
    from svp_dagster.commands.programs.start import serve_code

    serve_code(Settings(), host=host, port=port)


@click.command()
@click.option("-w", "--workspace", type=click.Path(exists=True, dir_okay=False), default="workspace.yaml")
def daemon(workspace: str) -> None:
    """Run Dagster's daemon: sensors, schedules and the queue. Its processes work on the runs."""
    from svp_dagster.commands.programs.start import run_daemon

    run_daemon(Settings(), workspace=workspace)


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("program")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def run(program: str, arguments: tuple[str, ...]) -> None:
    """Run one of Dagster's programs, such as dagster-daemon, with the settings of this installation."""
    from svp_dagster.commands.programs.start import execute
    from svp_dagster.commands.up import set_environment

    set_environment(Settings())
    execute(program, arguments)
