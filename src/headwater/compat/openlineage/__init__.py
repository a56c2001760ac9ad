"""OpenLineage's events (specification 2) as nodes and edges: what schedulers and engines tell."""

from headwater.compat.openlineage.data_states import Identify
from headwater.compat.openlineage.events import decode_event
from headwater.compat.openlineage.receiving import OpenLineage, Received

__all__ = ["Identify", "OpenLineage", "Received", "decode_event"]
