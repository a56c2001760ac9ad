"""Ways out of a folder, in every spelling that was ever tried."""

from typing import Final
from urllib.parse import quote, unquote

TARGETS: Final = ("secret.txt", "etc/passwd")


def escapes(depth: int = 12) -> list[str]:
    """Return paths that would leave their folder, if anybody believed them; all are plain text."""
    up = "../" * depth
    found = []
    for target in TARGETS:
        plain = up + target
        found += [
            plain,
            f"a/{plain}",
            f"./{plain}",
            f"/{target}",
            f"//{target}",
            f"///{target}",
            plain.replace("..", "%2e%2e"),
            plain.replace(".", "%2E").replace("/", "%2F"),
            plain.replace("..", "%252e%252e"),
            plain.replace("..", "%25252e%25252e").replace("/", "%25252f"),
            plain.replace("..", ".%2e"),
            plain.replace("/", "\\"),
            plain.replace("/", "%5c"),
            plain.replace("../", "..;/"),
            plain.replace("../", "..;a=b/"),
            plain.replace("../", "....//"),
            f"kept.txt;/{plain}",
            f"kept.txt#/{plain}",
            f"kept.txt?/{plain}",
            f"kept.txt\0/{plain}",
            f"{plain}\0.txt",
            f"{plain}%00.txt",
            plain.replace("../", "..%c0%af"),
            plain.replace("../", "..%ef%bc%8f"),
            plain.replace("../", "%c0%ae%c0%ae/"),
            plain.replace("../", "\uff0e\uff0e/"),
            plain.replace("../", "..\uff0f"),
            plain.replace("../", "..\u2215"),
            plain.replace("../", "\u2024\u2024/"),
            plain.replace("../", "..\n/"),
            plain.replace("../", " ../ "),
            f"C:/{target}",
            f"C:\\{target}",
            f"\\\\localhost\\share\\{target}",
            f"file:///{target}",
            f"file:{plain}",
            f"FILE://localhost/{target}",
            f"~/{target}",
            "/proc/self/environ",
            "/dev/zero",
            f"{'%25' * 40}2e%2e/{target}",
        ]
    return found


def on_the_wire(path: str) -> set[str]:
    """Return the spellings of a path as part of a URL's path."""
    whole = "".join(f"%{byte:02x}" for byte in path.encode())
    return {quote(path, safe="/"), quote(path, safe="/%;\\"), quote(quote(path, safe=""), safe=""), whole}


def climbs(path: str) -> bool:
    """Tell whether a path has a step up once everything that can be decoded is."""
    plain = path
    while (decoded := unquote(plain)) != plain:
        plain = decoded
    return ".." in plain.replace("\\", "/").split("/")
