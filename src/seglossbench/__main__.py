"""``python -m seglossbench`` is the command ``seglossbench``."""

from seglossbench.cli import main

main()
