"""Content digests of data: frames, arrays, files, folders and URIs."""

from headwater.fingerprints.identity import Fingerprint, fingerprint, state_of_uri

__all__ = ["Fingerprint", "fingerprint", "state_of_uri"]
