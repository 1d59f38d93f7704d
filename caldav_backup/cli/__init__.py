"""The command line: options → one call → render → exit code. The only package that imports typer and rich."""
