"""De-duplicating: groups of copies among files, each round the one to keep, and actions that can be undone.

Nothing here deletes a picture. `find_groups` only reads; `act` moves files or replaces them by links, with a log;
`undo` takes back what a log says.
"""

from fingerprint.dedupe.act import Outcome, act
from fingerprint.dedupe.against import find_copies_of_references
from fingerprint.dedupe.decisions import Decided, decided_groups, read_decisions
from fingerprint.dedupe.find import find_groups, working_collection
from fingerprint.dedupe.log import Log, Reopened, read_log
from fingerprint.dedupe.undo import Undone, undo
from fingerprint.dedupe.values import KEEPS, Action, Group, Groups, Keep, Member, Rules

__all__ = [
    "KEEPS",
    "Action",
    "Decided",
    "Group",
    "Groups",
    "Keep",
    "Log",
    "Member",
    "Outcome",
    "Reopened",
    "Rules",
    "Undone",
    "act",
    "decided_groups",
    "find_copies_of_references",
    "find_groups",
    "read_decisions",
    "read_log",
    "undo",
    "working_collection",
]
