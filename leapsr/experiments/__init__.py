"""The papers' experiments as commands: trainings and evaluations, resumed, several at once, in one table."""
