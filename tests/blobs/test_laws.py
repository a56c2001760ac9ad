"""Laws of content addressing, for any content."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from headwater.blobs import folder_blob, open_blobs
from headwater.blobs.manifests import decode_manifest, encode_manifest
from headwater.errors import CorruptError
from headwater.model.blobs import ManifestEntry

# Windows reads a colon after one letter as a drive, so folders with such names are refused.
names = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0:"), min_size=1, max_size=20).filter(
    lambda name: name not in {".", ".."}
)
folders = st.dictionaries(names, st.binary(max_size=30), max_size=5)
digests = st.binary(min_size=32, max_size=32).map(lambda raw: "blake3:" + raw.hex())
entries = st.lists(
    st.builds(
        ManifestEntry,
        path=st.lists(names, min_size=3, max_size=3).map("/".join),
        digest=digests,
        size_bytes=st.integers(0, 2**60),
    ),
    unique_by=lambda entry: entry.path,
)


def digest_of(contents: dict[str, bytes]) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for name, data in contents.items():
            (Path(folder) / name).write_bytes(data)
        return folder_blob(Path(folder)).digest


@settings(deadline=None)
@given(st.binary(), st.binary())
def test_digests_are_equal_when_bytes_are(one, other):
    blobs = open_blobs("memory://")

    first, second = blobs.put_bytes(one), blobs.put_bytes(other)

    assert (first == second) == (one == other)
    assert (blobs.read(first.digest), blobs.read(second.digest)) == (one, other)


@settings(deadline=None)
@given(folders, folders)
def test_folder_digests_are_equal_when_names_and_bytes_are(one, other):
    assert (digest_of(one) == digest_of(other)) == (one == other)
    assert digest_of(one) == digest_of(dict(reversed(one.items())))


@settings(deadline=None)
@given(entries)
def test_manifest_survives_writing_and_reading(listed):
    expected = sorted(listed, key=lambda entry: entry.path.encode())

    assert decode_manifest(encode_manifest(listed)) == expected
    assert encode_manifest(reversed(listed)) == encode_manifest(listed)


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_a_manifest_or_an_error_of_ours(data):
    with contextlib.suppress(CorruptError):
        decode_manifest(data)
