"""`python -m hearth`: the same as the command `hearth`, for the processes that Hearth starts itself."""

from hearth.cli import main

main()
