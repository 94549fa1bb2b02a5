"""python -m leapsr"""

from .cli.main import main

main()
