"""Content digests of data: frames, arrays, files, folders and URIs."""

from headwater.fingerprints.identity import Fingerprint, fingerprint

__all__ = ["Fingerprint", "fingerprint"]
