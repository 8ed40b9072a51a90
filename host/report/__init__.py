"""A record shown: in the terminal, as a page, as JUnit XML. Computes nothing that is not in the record.

Imports the samples of `host`, `record`, `diagnosis`, `export`, the floor. Called by `validate`, `report` and others.
"""
