"""The sections of report.html, one file each: a `Report` and what lies beside it in, parts of a page out.

Every section says what it cannot know and why, rather than leave a gap or a zero.
"""
