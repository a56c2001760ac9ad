"""TLS with real certificates: the server's, the client's, and those of somebody else."""

import json
import subprocess
from collections.abc import Generator
from pathlib import Path

import pytest

from headwater.compat import mlmd
from headwater.compat.mlmd.proto import metadata_store_pb2 as pb
from headwater.server.grpc import MlmdServer, Tls
from headwater.store import open_store
from tests.compat.mlmd.peer import PYTHON, Original
from tests.server.grpc.certificates import Authority, Pair
from tests.server.grpc.processes import served


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("authority")


@pytest.fixture(scope="module")
def host(authority: Authority) -> Pair:
    return authority.sign("server")


@pytest.fixture
def server(request: pytest.FixtureRequest, authority: Authority, host: Pair) -> Generator[MlmdServer]:
    """A server over TLS; with the parameter True it asks for the certificates of clients."""
    ca = authority.certificate if getattr(request, "param", False) else None
    with open_store("memory://") as store:
        tls = Tls(key=host.key, certificate=host.certificate, ca=ca)
        running = MlmdServer(store, "127.0.0.1:0", tls=tls)
        running.start()
        yield running
        running.stop(grace_s=1)


def config(port: int, authority: Authority, own: Pair | None = None) -> pb.MetadataStoreClientConfig:
    ssl = {"custom_ca": authority.certificate.decode()}
    if own is not None:
        # What MLMD calls `server_cert` is the client's own chain.
        ssl |= {"client_key": own.key.decode(), "server_cert": own.certificate.decode()}
    return pb.MetadataStoreClientConfig(host="localhost", port=port, ssl_config=ssl, client_timeout_sec=10)


def types(wanted: pb.MetadataStoreClientConfig, token: str | None = None) -> list[str]:
    with mlmd.MetadataStore(wanted, token=token) as store:
        store.put_artifact_type(pb.ArtifactType(name="T"))
        return [each.name for each in store.get_artifact_types()]


def test_a_client_that_trusts_the_authority_is_served(server: MlmdServer, authority: Authority):
    assert types(config(server.port, authority)) == ["T"]
    assert types(config(server.port, authority), token="a") == ["T"]


def test_a_server_of_another_authority_is_not_trusted(server: MlmdServer):
    with pytest.raises(mlmd.errors.UnavailableError):
        types(config(server.port, Authority("stranger")))


def test_plain_text_gets_no_answer(server: MlmdServer):
    plain = pb.MetadataStoreClientConfig(host="127.0.0.1", port=server.port, client_timeout_sec=10)

    with pytest.raises(mlmd.errors.UnavailableError):
        types(plain)


@pytest.mark.parametrize("server", [True], indirect=True)
def test_clients_show_a_certificate_of_the_authority(server: MlmdServer, authority: Authority):
    assert types(config(server.port, authority, authority.sign("client"))) == ["T"]
    with pytest.raises(mlmd.errors.UnavailableError):
        types(config(server.port, authority))
    with pytest.raises(mlmd.errors.UnavailableError):
        types(config(server.port, authority, Authority("stranger").sign("client")))


def test_others_may_reach_a_server_that_asks_for_certificates(authority: Authority, host: Pair):
    tls = Tls(key=host.key, certificate=host.certificate, ca=authority.certificate)
    with open_store("memory://") as store:
        MlmdServer(store, "0.0.0.0:0", tls=tls).stop(grace_s=0)


def test_the_originals_client_talks_to_the_command_over_tls(
    original: Original, authority: Authority, host: Pair, tmp_path: Path
):
    client = authority.sign("client")
    pems = {"key": host.key, "cert": host.certificate, "ca": authority.certificate}
    pems |= {"client-key": client.key, "client-cert": client.certificate}
    for name, pem in pems.items():
        (tmp_path / f"{name}.pem").write_bytes(pem)
    options = [f"--tls-{name}={tmp_path / name}.pem" for name in ("key", "cert", "ca")]

    with served(f"sqlite:///{tmp_path / 'store.db'}", tmp_path / "log", *options) as port:
        command = [PYTHON, Path(__file__).with_name("client.py"), str(port), tmp_path]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["all"] == 251
