"""Users' names, which are any text, as names of files: each has one of its own, and plain names stay as they are."""

from seglossbench.files import digest

LONGEST_WORD = 100
"""In bytes; a run's folder has four such words in its path, and a log of Slurm's has them in one name."""
LONGEST_FILE = 220
"""In bytes; file systems take 255, of which endings and temporary files need some."""
_IN_WORDS = "_-.+"
_NOT_IN_FILES = '%/\\~"<>|:*?'


def word(name: str) -> str:
    """``name`` as a word of letters, digits and ``_-.+`` that stands unquoted in paths, in shells and in Snakemake.

    All else is percent-encoded, as in web addresses; of what is too long only the beginning stays, and a digest.
    """
    return _encoded(name, [letter.isalnum() or letter in _IN_WORDS for letter in name], LONGEST_WORD)


def file_stem(name: str) -> str:
    """``name`` as the name of a file without its ending, of all that common file systems take; no hidden file's."""
    return _encoded(
        name, [letter.isprintable() and letter not in _NOT_IN_FILES for letter in name], LONGEST_FILE
    )


def _encoded(name: str, kept: list[bool], longest: int) -> str:
    """``name`` with a percent code for what is not kept, and for a sign of hidden files or options in front."""
    pieces = [
        letter if keep and not (place == 0 and letter in "-.") else _percent_code(letter)
        for place, (letter, keep) in enumerate(zip(name, kept, strict=True))
    ]
    if sum(len(piece.encode()) for piece in pieces) <= longest:
        return "".join(pieces)
    end = f"~{digest(name)}"  # ~ is in no other name
    size, beginning = len(end), []
    for piece in pieces:
        size += len(piece.encode())
        if size > longest:
            break
        beginning.append(piece)
    return "".join(beginning) + end


def _percent_code(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode())
