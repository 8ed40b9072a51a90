"""The commands of this storey, one module each: options in, one call of the storey (tinyproof/__main__.py)."""
