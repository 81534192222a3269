"""`python -m rinnan_console` is `rinnan`."""

from rinnan_console.cli import main

main()
