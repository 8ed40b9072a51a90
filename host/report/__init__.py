"""A record shown: in the terminal, as a page, as JUnit XML. Computes nothing that is not in the record."""
