"""A Picture in, a larger Picture out: sizes, tiles, noise, colours, transparency around a network."""
