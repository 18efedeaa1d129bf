"""`python -m cli` is the `faonam` command."""

from cli.main import run

run()
