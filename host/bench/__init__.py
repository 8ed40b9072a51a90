"""What a run costs: instructions, modelled cycles, memory, and how much of its line it uses.

Imports the rest of `host` and what lies below. Called by the commands `bench` and `calibrate`.
"""
