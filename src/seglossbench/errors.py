"""The two ways in which a command can fail, so that people see one line and no traceback."""


class InputError(ValueError):
    """Bad input: the message is one line that names the file, key or value at fault and what would be right."""


class JobError(RuntimeError):
    """Good input whose job failed (a full disk, a diverged download): one line that names the remedy."""


def nearest(word: str, known: list[str] | tuple[str, ...]) -> str:
    """The words ``known``, the one nearest to the misspelt ``word`` first, as part of an error message."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    names = ", ".join(known)
    return f"did you mean {close[0]!r}? Known: {names}" if close else f"known: {names}"
