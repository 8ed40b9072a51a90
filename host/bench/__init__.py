"""What a run costs: instructions, modelled cycles, memory, and how much of its line it uses."""
