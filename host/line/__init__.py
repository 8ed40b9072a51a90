"""A serial line made of software, as slow and as bad as asked, for tests and to try by hand."""
