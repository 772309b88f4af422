"""Moving files between two storages: plan, engine, journal, events."""

from skycap.core.transfer.check import Checked, CheckResult, Finding, check
from skycap.core.transfer.compare import Compare
from skycap.core.transfer.engine import Transfer
from skycap.core.transfer.events import Event, EventType, Listener
from skycap.core.transfer.options import TransferOptions
from skycap.core.transfer.plan import Action, ActionType
from skycap.core.transfer.removing import Removals
from skycap.core.transfer.report import report, write_report
from skycap.core.transfer.result import Counts, Failure, Result

__all__ = [
    "Action",
    "ActionType",
    "CheckResult",
    "Checked",
    "Compare",
    "Counts",
    "Event",
    "EventType",
    "Failure",
    "Finding",
    "Listener",
    "Removals",
    "Result",
    "Transfer",
    "TransferOptions",
    "check",
    "report",
    "write_report",
]
