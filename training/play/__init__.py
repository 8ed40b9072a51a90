"""The page that answers while one plays with it (`make play`): one HTML file with the engine as WebAssembly in it.

Imports the lab, the storeys below it, and the floor. Called by its command alone. What the page does is in `js/`,
modules that `bundle` puts into it; what it shows of a model comes from `content`, plain values that become JSON.
"""
