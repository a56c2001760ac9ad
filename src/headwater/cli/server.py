"""`headwater server`: answer other programs."""

import signal
import tomllib
from pathlib import Path
from typing import Any, Final

import click

from headwater.cli.session import options_of
from headwater.errors import InvalidError, MissingDependencyError
from headwater.sdk.client import places_of
from headwater.store import open_store

DEFAULT_PORT: Final = 5151
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


def _read_config(ctx: click.Context, _: click.Parameter, file: Path | None) -> Path | None:
    """Make what the file's `[server]` table says the defaults of the options."""
    if file is None:
        return None
    try:
        table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")).get("server", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{file} is no TOML: {error}") from error
    known = {option.name for option in ctx.command.params} - {"config"}
    named = {key.replace("-", "_"): value for key, value in table.items()}
    if unknown := named.keys() - known:
        takes = ", ".join(sorted(map(str, known)))
        raise InvalidError(f"{file}: [server] has no {', '.join(sorted(unknown))}; it takes {takes}")
    ctx.default_map = named
    return file


@click.group(invoke_without_command=True)
@click.option(
    "--config",
    type=_FILE,
    envvar="HEADWATER_SERVER_CONFIG",
    is_eager=True,
    callback=_read_config,
    help="TOML file whose [server] table has defaults for the options here.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    envvar="HEADWATER_SERVER_HOST",
    help="Address to listen at.",
)
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    envvar="HEADWATER_SERVER_PORT",
    help="Port to listen at; 0 takes a free one.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    envvar="HEADWATER_SERVER_WORKERS",
    help="Processes that answer.",
)
@click.option(
    "--auth",
    type=click.Choice(["off", "token", "basic", "oidc"]),
    default="off",
    show_default=True,
    envvar="HEADWATER_SERVER_AUTH",
    help="How callers say who they are.",
)
@click.option(
    "--allow-host",
    "hosts",
    multiple=True,
    envvar="HEADWATER_SERVER_HOSTS",
    help="A name that clients call this server by; loopback names are known.",
)
@click.option(
    "--allow-origin",
    "origins",
    multiple=True,
    envvar="HEADWATER_SERVER_ORIGINS",
    help="A page elsewhere that may change something, such as https://portal.example.org.",
)
@click.option(
    "--max-body-mib",
    type=click.IntRange(1),
    default=64,
    show_default=True,
    envvar="HEADWATER_SERVER_MAX_BODY_MIB",
    help="Largest request that is no upload of bytes.",
)
@click.option(
    "--spool",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="HEADWATER_SERVER_SPOOL",
    help="Folder for unfinished uploads; by default .headwater/uploads in the project.",
)
@click.option("--insecure", is_flag=True, help="Listen where others can reach it, though anybody may write.")
@click.pass_context
def server(
    ctx: click.Context, *, host: str, port: int, workers: int, insecure: bool, **settings: Any
) -> None:
    """Answer other programs over HTTP: this store, for a team."""
    del settings["config"]
    if ctx.invoked_subcommand is not None:
        return
    try:
        from headwater.server.auth import Auth
        from headwater.server.http.serving import bind, check, serve
        from headwater.server.http.settings import ServerSettings
    except ModuleNotFoundError as missing:
        raise MissingDependencyError(str(missing.name), "server", "headwater server") from missing

    options = options_of(ctx)
    places = places_of(options.store, options.blobs)
    settings["spool"] = settings["spool"] or places.root / ".headwater" / "uploads"
    settings["auth"] = Auth(settings["auth"])
    wanted = ServerSettings(store=places.store, blobs=places.blobs, **settings)
    check(wanted, host, workers=workers, is_insecure=insecure)
    with bind(host, port) as bound:
        if insecure:
            click.secho("Anybody who reaches this address can read and write.", err=True, fg="yellow")
        shown = f"[{host}]" if ":" in host else host
        click.echo(f"Headwater answers on http://{shown}:{bound.getsockname()[1]}; Ctrl-C stops.", err=True)
        serve(wanted, bound, workers=workers)


@server.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8080, show_default=True, help="Port to listen at; 0 takes a free one.")
@click.option("--tls-key", type=_FILE, help="Private key, PEM; needs --tls-cert.")
@click.option("--tls-cert", type=_FILE, help="Certificate, PEM.")
@click.option("--tls-ca", type=_FILE, help="Clients must show a certificate that this one signed, PEM.")
@click.option("--insecure", is_flag=True, help="Listen where others can reach it, though anybody may write.")
@click.option("--max-message-mib", default=256, show_default=True, help="Largest request and response.")
@click.option("--workers", default=10, show_default=True, help="Calls that run at the same time.")
@click.pass_context
def mlmd(
    ctx: click.Context,
    host: str,
    port: int,
    tls_key: Path | None,
    tls_cert: Path | None,
    tls_ca: Path | None,
    max_message_mib: int,
    workers: int,
    *,
    insecure: bool,
) -> None:
    """Answer clients of ML Metadata over gRPC, until it is told to stop."""
    if (tls_key is None) != (tls_cert is None) or (tls_ca and not tls_key):
        raise InvalidError("--tls-key and --tls-cert go together, and --tls-ca with both")
    try:
        from headwater.server.grpc import MlmdServer, Tls
    except ModuleNotFoundError as missing:
        raise MissingDependencyError("grpcio", "grpc", "headwater server mlmd") from missing

    tls = None
    if tls_key and tls_cert:
        ca = tls_ca.read_bytes() if tls_ca else None
        tls = Tls(key=tls_key.read_bytes(), certificate=tls_cert.read_bytes(), ca=ca)
    # Held back in all threads that start from here on, so that `sigwait` gets them and nothing is cut short.
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    with open_store(places_of(options_of(ctx).store).store) as store:
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        running = MlmdServer(
            store,
            address,
            tls=tls,
            is_insecure=insecure,
            max_message_mib=max_message_mib,
            workers=workers,
        )
        running.start()
        if insecure:
            click.secho("Anybody who reaches this address can read and write.", err=True, fg="yellow")
        click.echo(f"Answering ML Metadata's clients on {host}:{running.port}; Ctrl-C stops.")
        signal.sigwait(stops)
        running.stop()
