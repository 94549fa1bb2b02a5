"""A blind study: people choose among results without names, and what their votes say."""
