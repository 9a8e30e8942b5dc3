"""`python -m stack` is the same as `./ruta`."""

from stack.cli import main

main()
