"""Many files: which, where to, what is there already, several stages and devices at once."""
