"""The parts of no_harm.py."""
