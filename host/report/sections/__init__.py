"""The sections of report.html, one file each; each says what it cannot know and why, rather than leave a gap.

Imports `record`, `export` and the pages of the floor. Called by the page of `host.report`.
"""
