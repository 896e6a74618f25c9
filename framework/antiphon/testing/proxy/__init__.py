"""A TCP proxy that breaks connections on purpose: its public names."""

from antiphon.testing.proxy.chaos import Chaos
from antiphon.testing.proxy.fault_proxy import FaultProxy
from antiphon.testing.proxy.faults import Answer, Direction, Ending, Refusal
from antiphon.testing.proxy.schedule import Weights
from antiphon.testing.proxy.tally import ProxyStatistics

__all__ = ["Answer", "Chaos", "Direction", "Ending", "FaultProxy", "ProxyStatistics", "Refusal", "Weights"]
