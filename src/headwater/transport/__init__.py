"""Requests to a Headwater server. Loaded when one is asked for, never by `import headwater` alone."""

from headwater.transport.address import Address, is_server_url
from headwater.transport.connection import Answer, Connection

__all__ = ["Address", "Answer", "Connection", "is_server_url"]
