"""What goes wrong in a bulk job beside a picture that fails, which is a row and no exception."""

from ..errors import IOFailure, Mismatch
from .location import Entry

PLAN_AGAIN = "plan again: a changed input is a new shard"


class TransportError(IOFailure):
    """Bytes did not come, or could not be written: time-outs, refusals, a full disk. No result:
    nothing is committed, and the shard can be tried again."""


class InputChanged(Mismatch):
    """An input is not what it was when the job was planned."""


class BulkWarning(UserWarning):
    """A guarantee rests on less than usual: a store that cannot create on a condition, say."""


def input_changed(address: str, expected: Entry, found: Entry) -> InputChanged:
    return InputChanged(
        f"{address}: expected {expected.size} bytes of version {expected.version}, "
        f"found {found.size} of {found.version}",
        PLAN_AGAIN,
    )
