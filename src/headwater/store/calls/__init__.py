"""The store's protocols as calls: what a server answers and a client asks, with nothing written twice."""

from headwater.store.calls.catalogue import Call, calls
from headwater.store.calls.codec import entity, plain
from headwater.store.calls.faults import error_of, fault
from headwater.store.calls.packing import MEDIA_TYPE, frame, framed, pack, unpack

__all__ = [
    "MEDIA_TYPE",
    "Call",
    "calls",
    "entity",
    "error_of",
    "fault",
    "frame",
    "framed",
    "pack",
    "plain",
    "unpack",
]
