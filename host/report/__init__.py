"""What a validation found, as a record, in the terminal, as a page and as JUnit XML."""
