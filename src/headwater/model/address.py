"""Network addresses: which of them only this machine can reach."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """Tell whether an address can be reached from this machine alone.

    Example:
        >>> [is_loopback(host) for host in ("127.0.0.1", "[::1]", "localhost", "0.0.0.0", "example.org")]
        [True, True, True, False, False]
    """
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
