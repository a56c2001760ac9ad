"""`headwater server`: answer other programs."""

import os
import tomllib
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from headwater.cli.server_mlmd import guard_of, mlmd
from headwater.cli.session import Options, options_of
from headwater.errors import InvalidError, MissingDependencyError, RefusedError
from headwater.sdk.client import places_of
from headwater.store import open_store

if TYPE_CHECKING:
    from headwater.server.auth import OidcSettings
    from headwater.server.http.settings import ServerSettings

DEFAULT_PORT: Final = 5151
SECRET_VARIABLE: Final = "HEADWATER_OIDC_CLIENT_SECRET"
_OIDC: Final = "headwater.oidc"
_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


def _read_config(ctx: click.Context, _: click.Parameter, file: Path | None) -> Path | None:
    """Make what the file's `[server]` table says the defaults of the options."""
    if file is None:
        return None
    try:
        table: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8")).get("server", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{file} is no TOML: {error}") from error
    ctx.meta[_OIDC] = table.pop("oidc", None)
    # Keys are called as the flags are; some options have a name of their own.
    known = {option.opts[0].removeprefix("--"): option.name for option in ctx.command.params}
    del known["config"]
    named = {key.replace("_", "-"): value for key, value in table.items()}
    if unknown := named.keys() - known.keys():
        takes = ", ".join(sorted(known))
        raise InvalidError(f"{file}: [server] has no {', '.join(sorted(unknown))}; it takes {takes}")
    ctx.default_map = {str(known[key]): value for key, value in named.items()}
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
    "--store",
    metavar="URL",
    envvar="HEADWATER_STORE",
    help="Metadata store; wins over the global option.",
)
@click.option(
    "--blobs", metavar="URL", envvar="HEADWATER_BLOBS", help="Blob store; wins over the global option."
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
@click.option(
    "--tls-key", type=_FILE, envvar="HEADWATER_SERVER_TLS_KEY", help="Private key, PEM; needs --tls-cert."
)
@click.option("--tls-cert", type=_FILE, envvar="HEADWATER_SERVER_TLS_CERT", help="Certificate, PEM.")
@click.option(
    "--grpc-port",
    type=click.IntRange(0, 65535),
    envvar="HEADWATER_SERVER_GRPC_PORT",
    help="Answer clients of ML Metadata over gRPC at this port, too; 0 takes a free one.",
)
@click.option("--insecure", is_flag=True, help="Listen where others can reach it, though anybody may write.")
@click.pass_context
def server(
    ctx: click.Context,
    *,
    host: str,
    port: int,
    workers: int,
    grpc_port: int | None,
    insecure: bool,
    **settings: Any,
) -> None:
    """Answer other programs over HTTP: this store, for a team."""
    for name in ("config", "store", "blobs"):
        del settings[name]
    ctx.find_root().obj = with_places(ctx)
    if ctx.invoked_subcommand is not None:
        return
    try:
        from headwater.server.http.serving import bind, check, serve
    except ModuleNotFoundError as missing:
        raise MissingDependencyError(str(missing.name), "server", "headwater server") from missing

    wanted = _settings(ctx, settings)
    check(wanted, host, workers=workers, is_insecure=insecure)
    with bind(host, port) as bound, ExitStack() as beside:
        if insecure:
            click.secho("Anybody who reaches this address can read and write.", err=True, fg="yellow")
        scheme = "https" if wanted.tls_cert else "http"
        click.echo(f"Headwater answers on {scheme}://{_place(host, bound.getsockname()[1])}.", err=True)
        if grpc_port is not None:
            found = beside.enter_context(mlmd_beside(wanted, host, grpc_port, is_insecure=insecure))
            click.echo(f"ML Metadata's clients are answered on {_place(host, found)}.", err=True)
        click.echo("Ctrl-C stops.", err=True)
        serve(wanted, bound, workers=workers)


server.add_command(mlmd)


def with_places(ctx: click.Context) -> Options:
    """Return the global options of a call with the store and the bytes that it means.

    What is said behind `server` wins over what is said before it, that over a variable and the file.
    """
    options = options_of(ctx)
    before = {"store": options.store, "blobs": options.blobs}
    chosen = {
        name: ctx.params[name]
        if said is None or ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
        else said
        for name, said in before.items()
    }
    return replace(options, **chosen)


def _settings(ctx: click.Context, chosen: dict[str, Any]) -> "ServerSettings":
    from headwater.server.auth import Auth
    from headwater.server.http.settings import ServerSettings

    options = options_of(ctx)
    places = places_of(options.store, options.blobs)
    if (chosen["tls_key"] is None) != (chosen["tls_cert"] is None):
        raise InvalidError("--tls-key and --tls-cert go together")
    chosen["spool"] = chosen["spool"] or places.root / ".headwater" / "uploads"
    chosen["auth"] = Auth(chosen["auth"])
    table = ctx.meta.get(_OIDC)
    oidc = _oidc(table, os.environ.get(SECRET_VARIABLE)) if chosen["auth"] is Auth.OIDC and table else None
    return ServerSettings(store=places.store, blobs=places.blobs, oidc=oidc, **chosen)


def _oidc(table: Mapping[str, Any], secret: str | None) -> "OidcSettings":
    """Read the `[server.oidc]` table; the secret is never in a file."""
    from headwater.model.access import Role
    from headwater.server.auth import OidcSettings

    known = {each.name for each in fields(OidcSettings)} - {"client_secret"}
    named = {key.replace("-", "_"): value for key, value in table.items()}
    missing = {"issuer", "client_id", "public_url"} - named.keys()
    if missing or named.keys() - known:
        raise InvalidError(
            f"[server.oidc] needs issuer, client_id and public_url, and takes {', '.join(sorted(known))}"
        )
    named["roles"] = {claim: Role.of(role) for claim, role in named.get("roles", {}).items()}
    if (default := named.get("default_role")) is not None:
        named["default_role"] = Role.of(default)
    return OidcSettings(client_secret=secret, **named)


@contextmanager
def mlmd_beside(settings: "ServerSettings", host: str, port: int, *, is_insecure: bool) -> Generator[int]:
    """Answer clients of ML Metadata while the block runs; gives the port.

    Raises:
        RefusedError: the store is in memory, or callers cannot say over gRPC who they are.
    """
    from headwater.server.grpc import MlmdServer, Tls

    if settings.store.startswith("memory:"):
        raise RefusedError("a store in memory cannot be shared with a gRPC port: name a database")
    tls = None
    if settings.tls_key and settings.tls_cert:
        tls = Tls(key=settings.tls_key.read_bytes(), certificate=settings.tls_cert.read_bytes())
    with open_store(settings.store) as store:
        # People of a provider use tokens of this store here.
        auth = "token" if settings.auth == "oidc" else settings.auth
        guard = guard_of(auth, store.access)
        address = _place(host, port)
        running = MlmdServer(store, address, tls=tls, guard=guard, is_insecure=is_insecure)
        running.start()
        try:
            yield running.port
        finally:
            running.stop()


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
