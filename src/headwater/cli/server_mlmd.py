"""`headwater server mlmd`: answer clients of ML Metadata alone."""

import signal
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from headwater.cli.session import options_of
from headwater.errors import InvalidError, MissingDependencyError
from headwater.model.protocols import AccessStore
from headwater.sdk.client import places_of
from headwater.store import open_store, require_database

if TYPE_CHECKING:
    from headwater.server.auth import Guard

_FILE: Final = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=8080, show_default=True, help="Port to listen at; 0 takes a free one.")
@click.option("--tls-key", type=_FILE, help="Private key, PEM; needs --tls-cert.")
@click.option("--tls-cert", type=_FILE, help="Certificate, PEM.")
@click.option("--tls-ca", type=_FILE, help="Clients must show a certificate that this one signed, PEM.")
@click.option(
    "--auth",
    type=click.Choice(["off", "token", "basic"]),
    default="off",
    show_default=True,
    help="How callers say who they are.",
)
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
    auth: str,
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

    url = places_of(options_of(ctx).store).store
    # Who calls is found out from what a server never tells of its accounts.
    require_database(url)
    tls = None
    if tls_key and tls_cert:
        ca = tls_ca.read_bytes() if tls_ca else None
        tls = Tls(key=tls_key.read_bytes(), certificate=tls_cert.read_bytes(), ca=ca)
    # Held back in all threads that start from here on, so that `sigwait` gets them and nothing is cut short.
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    with open_store(url) as store:
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        running = MlmdServer(
            store,
            address,
            tls=tls,
            guard=guard_of(auth, store.access),
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


def guard_of(auth: str, access: AccessStore) -> "Guard | None":
    """Return what finds out who calls a gRPC server; None lets everybody do everything.

    Raises:
        RefusedError: somebody would have to say who they are, and there is nobody.
    """
    if auth == "off":
        return None
    from headwater.server.auth import Auth, BasicGuard, TokenGuard, check_start

    check_start(Auth(auth), access, "")
    return BasicGuard(access) if auth == Auth.BASIC else TokenGuard(access)
