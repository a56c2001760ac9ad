"""Content digests of data: frames, arrays, files, folders and URIs."""

from headwater.tracking.fingerprints.identity import Fingerprint, fingerprint

__all__ = ["Fingerprint", "fingerprint"]
