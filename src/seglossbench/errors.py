"""The two ways in which a command can fail, so that people see one line and no traceback."""

import signal
from collections.abc import Collection, Sequence


class InputError(ValueError):
    """Bad input: the message is one line that names the file, key or value at fault and what would be right."""


class InputErrors(InputError):
    """All faults of one input: ``lines`` has one for each and, where there are several, one that counts them."""

    def __init__(self, what: str, faults: Sequence[str]) -> None:
        count = [f"{len(faults)} faults: {what}"] if len(faults) > 1 else []
        self.lines = (*faults, *count)
        super().__init__("; ".join((*count, *faults)))


class JobError(RuntimeError):
    """Good input whose job failed (a full disk, a diverged download): one line that names the remedy."""


class ShortageError(JobError):
    """A job that the machine ended, for want of memory or of disk: with more of it, the same job may end well."""


def is_shortage(error: BaseException) -> bool:
    """Whether the same job may end otherwise with more memory, or when disk and network are well again."""
    return isinstance(error, ShortageError | MemoryError | OSError) or "can't allocate memory" in str(error)


LISTED = 20  # names in a message; of more, only how many they are


def nearest(word: str, known: Collection[str]) -> str:
    """The one of ``known`` that is nearest to a misspelt ``word`` in any case, and which there are, for a message."""
    import difflib

    folded: dict[str, str] = {}
    for name in known:
        folded.setdefault(name.casefold(), name)
    close = difflib.get_close_matches(word.casefold(), folded, n=1, cutoff=0.5)
    names = ", ".join(list(known)[:LISTED])
    if len(known) > LISTED:
        names += f" and {len(known) - LISTED} more"
    if not known:
        return "there is none"
    return f"did you mean {folded[close[0]]!r}? Known: {names}" if close else f"known: {names}"


class Stopped(KeyboardInterrupt):
    """A signal asked the process to end; what it had under way can go on later."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number.name)
        self.number = number
